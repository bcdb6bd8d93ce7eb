import Foundation
import ModelFiles
import SampleSupport
import Testing

@testable import Evaluation

@Suite("Tokenizers beside those of the libraries")
struct TokenizerTests {
  private static func json(_ name: String) throws -> JSONValue {
    let path = try Expected.folder("tokenizers/\(name).json")
    return try JSONParser.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private func compare(_ tokenizer: Tokenizer, _ name: String, readsSpecial: Bool = true) throws {
    let expected = try Self.json("expected")
    let texts = try #require(expected["texts"]?.array).compactMap(\.string)
    let tokens = try #require(expected["tokens"]?[name]?.array)
    #expect(texts.count == tokens.count && texts.count > 20)
    for (text, wanted) in zip(texts, tokens) {
      #expect(
        tokenizer.tokens(text, readsSpecial: readsSpecial) == wanted.array?.compactMap(\.int),
        "\(name): \(text.debugDescription)")
    }
  }

  @Test(
    arguments: [
      "gpt2", "smollm", "llama3", "qwen2", "llama2", "mistral", "gemma", "uncased", "cased",
    ])
  func agrees(_ name: String) throws {
    try compare(TokenizerFile.read(Expected.folder("tokenizers/\(name).json")), name)
  }

  @Test func sentencePiecesByScore() throws {
    let json = try Self.json("sentencepiece")
    let pieces = try #require(json["tokens"]?.array).compactMap(\.string)
    let scores = try #require(json["scores"]?.array).compactMap { $0.double.map { Float($0) } }
    let vocabulary = Dictionary(
      pieces.enumerated().map { (ExactText($1), $0) }, uniquingKeysWith: { first, _ in first })
    let tokenizer = Tokenizer(
      .sentencePieces(
        SentencePieces(
          vocabulary: vocabulary, order: .scores(scores), prefix: .first, unknown: 0)),
      before: [1])
    try compare(tokenizer, "sentencepiece")
  }

  @Test func theSampleModelsFilesAgree() throws {
    let text = try String(contentsOfFile: Expected.sample("austen/heldout.txt"), encoding: .utf8)
    let file = try Tokenizer(of: Model.open(Expected.sample("austen")))
    let metadata = try Tokenizer(of: Model.open(Expected.sample("austen/austen-bf16.gguf")))
    let tokens = file.tokens(text)
    #expect(tokens.count == 64_464)
    #expect(metadata.tokens(text) == tokens)
    #expect(file.beginning == nil && metadata.beginning == nil)
  }

  /// Below 0 is what is no token: a vocabulary may not say so.
  @Test(arguments: ["llama2", "gpt2", "uncased"])
  func numbersBelowZeroAreRefused(_ name: String) throws {
    let file = try Expected.folder("tokenizers/\(name).json")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for number in ["-5", "-9223372036854775808"] {
      let broken = text.replacing(
        /("vocab":\s*{.{0,400}"[^"]{1,3}":\s*)\d+/.dotMatchesNewlines(), maxReplacements: 1
      ) { $0.output.1 + number }
      #expect(broken != text)
      let folder = try ScratchFolder()
      let path = try folder.write("tokenizer.json", Array(broken.utf8))
      do throws(EvaluationError) {
        _ = try TokenizerFile.read(path)
        Issue.record("\(name): \(number) was taken")
      } catch {
        #expect(error.description.hasSuffix("its vocabulary has the number \(number)"))
      }
    }
  }

  /// Scores that are no numbers equal nothing, not even each other.
  @Test func scoresThatAreNoNumbersTakeNoTime() {
    let scores = [Float](repeating: .nan, count: 200_000)
    let start = ContinuousClock.now
    guard case .ranks(let ranks) = SentencePieces.Order.scores(scores) else { return }
    #expect(ranks.count == scores.count)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func whatIsMissingIsSaid() throws {
    let model = try SampleModel.llama().open()
    #expect(throws: EvaluationError.self) { try Tokenizer(of: model) }
  }
}
