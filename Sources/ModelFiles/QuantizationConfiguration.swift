/// What a model's configuration says of how its weights were quantized.
struct QuantizationConfiguration {
  /// The method, in small letters: "gptq", "compressed-tensors".
  var method: String?
  /// The bits of a code.
  var bits: Int?
  /// The weights that share a scale; nil for whole rows too.
  var groupSize: Int?
  /// GPTQ's `checkpoint_format`, AWQ's `version`, in small letters.
  var format: String?
  /// The rows and columns of the blocks that share a scale.
  var block: (rows: Int, columns: Int)?
  /// The widths that compressed-tensors' groups have.
  var widths: Set<Int> = []
  /// What MLX wrote: its defaults, and what differs for modules.
  var mlx: JSONValue?

  /// - Parameter separate: the `quantize_config.json` of older GPTQ models.
  init(_ configuration: JSONValue?, separate: JSONValue?) {
    let levels = [configuration, configuration?["text_config"]].compactMap(\.self)
    let keys = ["quantization_config", "compression_config"]
    let found = levels.flatMap { level in keys.compactMap { level[$0] } }.first ?? separate
    let written = levels.compactMap { $0["quantization"] }.first
    if written?["bits"]?.int != nil {
      mlx = written
    } else if let found, found["quant_method"] == nil, found["bits"]?.int != nil,
      found["mode"] != nil
    {
      mlx = found
    }
    guard let found else { return }
    let method = found["quant_method"] ?? found["method"]
    self.method = method?.string?.lowercased() ?? (separate == nil ? nil : "gptq")
    bits = found["bits"]?.int ?? found["w_bit"]?.int
    groupSize = (found["group_size"] ?? found["q_group_size"])?.int.flatMap { $0 > 0 ? $0 : nil }
    format = (found["checkpoint_format"] ?? found["version"] ?? found["format"])?.string?
      .lowercased()
    block = Self.block(found["weight_block_size"])
    for group in found["config_groups"]?.object?.members ?? [] {
      let weights = group.value["weights"]
      if let width = weights?["num_bits"]?.int, weights?["type"]?.string != "float" {
        widths.insert(width)
      }
      block = block ?? Self.block(weights?["block_structure"])
    }
  }

  private static func block(_ value: JSONValue?) -> (rows: Int, columns: Int)? {
    guard let numbers = value?.array?.compactMap(\.int), numbers.count == 2,
      numbers.allSatisfy({ (1...1 << 20).contains($0) })
    else { return nil }
    return (numbers[0], numbers[1])
  }

  /// What MLX says of a module: its bits, group size and mode.
  func mlx(of module: String) -> (bits: Int, groupSize: Int, mode: String)? {
    guard let mlx else { return nil }
    let own = mlx[module]?.object == nil ? nil : mlx[module]
    func value(_ key: String) -> JSONValue? { own?[key] ?? mlx[key] }
    guard let bits = value("bits")?.int, let groupSize = value("group_size")?.int,
      (1...8).contains(bits), (1...1 << 20).contains(groupSize)
    else { return nil }
    return (bits, groupSize, value("mode")?.string ?? "affine")
  }
}
