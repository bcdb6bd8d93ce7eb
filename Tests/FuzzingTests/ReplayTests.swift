import Foundation
import FuzzTargets
import Testing

/// What fuzzing has found, and what it began with, tried again; then some thousands of changes of it, the same
/// ones each time.
@Suite struct ReplayTests {
  @Test(arguments: FuzzTarget.all.map(\.name))
  func promisesAreKept(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let inputs = try Corpus.inputs(of: name)
    #expect(inputs.count >= 4)
    var accepted = 0
    for (file, input) in inputs {
      do {
        if try target.run(input) { accepted += 1 }
      } catch {
        Issue.record("\(file): \(error)")
      }
    }
    // Otherwise nothing is tried but refusals (an index alone lacks its shards).
    #expect(accepted > 0 || name == "index")

    var mutator = Mutator(seed: 1, others: inputs.map(\.bytes))
    for round in 0..<2000 {
      let (file, input) = inputs[round % inputs.count]
      let changed = mutator.change(input)
      do {
        try target.run(changed)
      } catch {
        Issue.record("\(file) in round \(round): \(error); \(Data(changed).base64EncodedString())")
      }
    }
  }

  @Test func theCorpusIsSmall() throws {
    let count = try FuzzTarget.all.reduce(0) {
      try $0 + Corpus.own($1.name).reduce(0) { $0 + $1.bytes.count }
    }
    #expect(count > 0 && count < 400 << 10)
  }
}

/// The inputs kept with the tests.
enum Corpus {
  typealias Input = (file: String, bytes: [UInt8])

  /// All inputs of a target.
  static func inputs(of target: String) throws -> [Input] {
    let shared = ["safetensors", "gguf", "imatrix"].contains(target) ? target : nil
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let malformed = try shared.map {
      try files(in: tests.appending(path: "ModelFilesTests/Corpus/\($0)"))
    }
    return try own(target) + (malformed ?? [])
  }

  /// Those of the fuzzer's own corpus.
  static func own(_ target: String) throws -> [Input] {
    let folder = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil))
    return try files(in: folder.appending(path: target))
  }

  private static func files(in folder: URL) throws -> [Input] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
      (name, Array(try Data(contentsOf: folder.appending(path: name))))
    }
  }
}
