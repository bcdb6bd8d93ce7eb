import ModelFiles
import Quantization

/// What a program can express of a model's tensors: for plans that it can carry out from the start.
public struct ConsumerRules: Sendable {
  /// The program.
  public let consumer: Consumer
  private let exporter: any Exporter
  private let tensors: [ExportedTensor]

  /// The rules of a program for a model.
  public init(_ consumer: Consumer, model: Model) {
    self.consumer = consumer
    exporter = consumer.exporter
    tensors = ExportedTensor.all(of: model)
  }

  /// Why a tensor can't have a format there, in a few words; nil if it can.
  public func objection(to format: Format, for tensor: Tensor) -> String? {
    guard tensors.indices.contains(tensor.id) else { return nil }
    let exported = tensors[tensor.id]
    return exporter.reasonToKeep(exported)
      ?? exporter.objection(to: .format(format), for: exported).map {
        "\(consumer.rawValue): \($0)"
      }
  }

  /// Sets of tensors, by their id, that must have the same format.
  public var sharing: [[Int]] {
    var order: [String] = []
    var sets: [String: [Int]] = [:]
    for (id, tensor) in tensors.enumerated() where exporter.reasonToKeep(tensor) == nil {
      // Sharing that holds for what is quantized at all is the exporter's own matter.
      guard let key = exporter.sharing(tensor)?.key else { continue }
      if sets[key] == nil { order.append(key) }
      sets[key, default: []].append(id)
    }
    return order.compactMap { sets[$0] }.filter { $0.count > 1 }
  }

  /// The formats to plan with unless the user asks for certain ones; nil: llama.cpp's block types.
  public var formats: [Format]? {
    switch consumer {
    case .llamaQuantize: nil
    case .mlxLM: MLXFormat.all().filter { $0.groupLength == 64 }.map { .mlx($0) }
    case .coreMLTools: PaletteFormat.all.map { .palette($0) }
    case .bitsAndBytes: [.codeBook(.nf4)]
    default:
      (2...8).reversed().compactMap { IntegerFormat(bits: $0).map { .integer($0) } }
        .filter(exporter.offers.contains)
    }
  }
}
