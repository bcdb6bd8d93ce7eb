import ArgumentParser
import Consumers
import Explorer
import ModelFiles

struct ListPresets: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets",
    abstract: "List the mixtures that people know by name, and their sizes for a model.",
    discussion: """
      llama-quantize's file types, as it makes them of the model (or of the GGUF that it is converted \
      to), with the importance matrix if there is one; and mlx-lm's default and mixed recipes. Nothing \
      is measured. `bitladder plan MODEL --preset NAME` makes a plan of one.
      """)

  @OptionGroup var model: ModelArgument

  @OptionGroup var imatrix: ImatrixOption

  func run() throws {
    let model = try model.open()
    let presets = Presets(model, importance: try imatrix.read(for: model))
    var table = Table(["preset", "size", "bpw", "formats"])
    table.rightAligned = [1, 2]
    var found: [Preset] = []
    var missing: [(reason: String, names: [String])] = []
    for name in Presets.names {
      do throws(PresetError) {
        found.append(try presets[name])
      } catch {
        guard case .unsuited(_, let reason) = error else { continue }
        if let place = missing.firstIndex(where: { $0.reason == reason }) {
          missing[place].names.append(name)
        } else {
          missing.append((reason, [name]))
        }
      }
    }
    let sizes = found.map { $0.byteCount(of: model) }
    for (preset, size) in zip(found, sizes).sorted(by: { $0.1 > $1.1 }) {
      table.add(row(preset, size, model))
    }
    try emit(table.text)
    for (reason, names) in missing {
      let shown = names.prefix(9).joined(separator: ", ")
      let more = names.count > 9 ? " and \(names.count - 9) more" : ""
      tell("bitladder: not \(shown)\(more): \(reason)")
    }
  }

  private func row(_ preset: Preset, _ bytes: Int, _ model: Model) -> [String] {
    var weights: [String: Int] = [:]
    for (tensor, choice) in zip(model.tensors, preset.choices)
    where tensor.suitability.isQuantizable {
      weights[choice.description, default: 0] += tensor.weightCount
    }
    let bits = model.weightCount == 0 ? 0 : 8 * Double(bytes) / Double(model.weightCount)
    // What most weights get first.
    let formats = weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    return [
      preset.name, Figures.bytes(bytes), Figures.bits(bits), formats.joined(separator: " "),
    ]
  }
}
