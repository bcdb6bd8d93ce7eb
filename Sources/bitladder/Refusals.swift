import Consumers
import Explorer
import ModelFiles
import Quantization

/// Formats that were asked for and can't be had, a line for each format and reason.
struct Refusals {
  private struct Key: Hashable {
    let format: Format
    let refusal: FormatRefusal
  }

  private struct Affected {
    var first: String
    var count = 0
    var extraBytes = 0
  }

  private var keys: [Key] = []
  private var affected: [Key: Affected] = [:]

  mutating func add(_ refusal: FormatRefusal, of format: Format, for tensor: Tensor) {
    let key = Key(format: format, refusal: refusal)
    if affected[key] == nil { keys.append(key) }
    affected[key, default: Affected(first: tensor.label)].count += 1
    affected[key]?.extraBytes += refusal.extraBytes(asked: format, for: tensor) ?? 0
  }

  /// What is refused, for how many tensors, why, what would silently become of it and what that costs.
  var lines: [String] {
    keys.map { key in
      let refusal = key.refusal
      let tensors = affected[key] ?? Affected(first: "")
      var line = "\(key.format) skipped for \(tensors.first)"
      if tensors.count > 1 { line += " and \(Figures.counted(tensors.count - 1, "tensor")) more" }
      line += ": \(refusal.reason)"
      if let instead = refusal.instead {
        let sign = tensors.extraBytes < 0 ? "-" : "+"
        line += "; llama-quantize would write \(instead), "
        line += "\(sign)\(Figures.bytes(abs(tensors.extraBytes)))"
      }
      if let remedy = refusal.remedy { line += "; \(remedy)" }
      return line
    }
  }
}
