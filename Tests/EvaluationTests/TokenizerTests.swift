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

  @Test func whatIsMissingIsSaid() throws {
    let model = try SampleModel.llama().open()
    #expect(throws: EvaluationError.self) { try Tokenizer(of: model) }
  }
}
