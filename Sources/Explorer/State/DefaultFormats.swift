import ModelFiles
import Quantization

/// The formats that a model is planned with unless the user asks for certain ones: llama.cpp's block types for
/// a GGUF, integers of 8 to 2 bits for others.
public func defaultFormats(for model: Model) -> [Format] {
  switch model.container {
  case .gguf: LadderKind.ggml.formats(family: .standard, rowLength: 1)
  case .safetensors: [8, 6, 5, 4, 3, 2].map { .integer(IntegerFormat.standard.with(bits: $0)) }
  }
}
