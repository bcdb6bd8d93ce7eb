import ModelFiles
import Quantization

/// The formats that a model is planned with unless the user asks for certain ones: llama.cpp's block types for
/// a GGUF, integers of 8 to 2 bits for others.
public func defaultFormats(for model: Model) -> [Format] {
  switch LadderKind(for: model) {
  case .ggml: defaultBlockFormats
  case .integers: LadderKind.integers(of: .standard)
  }
}

/// llama.cpp's block types that a model is planned with unless the user asks for certain ones.
public var defaultBlockFormats: [Format] {
  LadderKind.ggml.formats(family: .standard, rowLength: 1)
}
