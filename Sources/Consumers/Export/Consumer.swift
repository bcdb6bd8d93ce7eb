import Quantization

/// A program that takes plans.
public enum Consumer: String, CaseIterable, Sendable {
  /// llama.cpp's llama-quantize.
  case llamaQuantize = "llama-quantize"
  /// The `quantization_config` of checkpoints in compressed-tensors' form.
  case compressedTensors = "compressed-tensors"
  /// llm-compressor's recipes.
  case llmCompressor = "llm-compressor"
  /// The same, with layers that vLLM fuses in agreement.
  case vllm
  /// AutoRound's `layer_config`.
  case autoRound = "auto-round"
  /// mlx-lm, by a driver.
  case mlxLM = "mlx-lm"
  /// GPTQModel's `dynamic`.
  case gptqModel = "gptqmodel"
  /// torchao's `FqnToConfig`.
  case torchAO = "torchao"
  /// NVIDIA ModelOpt's recipes.
  case modelOpt = "modelopt"
  /// coremltools' optimization configurations.
  case coreMLTools = "coremltools"
  /// bitsandbytes' list of modules to skip.
  case bitsAndBytes = "bitsandbytes"

  /// What it gets, in a few words.
  public var summary: String {
    switch self {
    case .llamaQuantize: "a --tensor-type-file for llama.cpp's quantizer"
    case .compressedTensors: "the quantization_config of a checkpoint (JSON)"
    case .llmCompressor: "a recipe for llm-compressor's oneshot (YAML)"
    case .vllm: "an llm-compressor recipe that suits vLLM's fused layers"
    case .autoRound: "a layer_config for AutoRound (JSON)"
    case .mlxLM: "a table for mlx-lm (JSON), and a Python driver for it"
    case .gptqModel: "a quantize_config.json with dynamic rules for GPTQModel"
    case .torchAO: "an FqnToConfig for torchao and transformers (JSON)"
    case .modelOpt: "a PTQ recipe for NVIDIA ModelOpt (YAML)"
    case .coreMLTools: "a coremltools OptimizationConfig (YAML); needs --names"
    case .bitsAndBytes: "a BitsAndBytesConfig with the modules to skip (JSON)"
    }
  }

  var exporter: any Exporter {
    switch self {
    case .llamaQuantize: LlamaQuantizeExporter()
    case .compressedTensors: CompressedTensorsExporter()
    case .llmCompressor: LLMCompressorExporter()
    case .vllm: VLLMExporter()
    case .autoRound: AutoRoundExporter()
    case .mlxLM: MLXExporter()
    case .gptqModel: GPTQModelExporter()
    case .torchAO: TorchAOExporter()
    case .modelOpt: ModelOptExporter()
    case .coreMLTools: CoreMLToolsExporter()
    case .bitsAndBytes: BitsAndBytesExporter()
    }
  }
}
