import Consumers
import Explorer
import ModelFiles
import Quantization

/// Formats that were asked for and can't be had.
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

  /// A line for each reason and the tensors that it holds for: which formats are skipped, what would silently
  /// be written in their place, and what that would cost.
  var lines: [String] {
    var sentences: [(end: String, formats: [String])] = []
    for key in keys {
      let tensors = affected[key] ?? Affected(first: "")
      var format = key.format.description
      if let instead = key.refusal.instead {
        let cost = Figures.change(bytes: tensors.extraBytes)
        format += " (llama-quantize would write \(instead), \(cost))"
      }
      var end = "skipped for \(tensors.first)"
      if tensors.count > 1 { end += " and \(Figures.counted(tensors.count - 1, "tensor")) more" }
      end += ": \(key.refusal.reason)"
      if let remedy = key.refusal.remedy { end += "; \(remedy)" }
      if let index = sentences.firstIndex(where: { $0.end == end }) {
        sentences[index].formats.append(format)
      } else {
        sentences.append((end, [format]))
      }
    }
    return sentences.map { "\($0.formats.joined(separator: ", ")) \($0.end)" }
  }
}
