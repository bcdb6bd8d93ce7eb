extension IntegerFormat: CustomStringConvertible {
  /// The canonical name: `intB[:affine][:tensor|:channel|:gN][:CALIBRATION][:SCALE]`, without the parts that
  /// are at their default (`sym`, `g128`, `minmax`, `f16`; 99.9 for `percentile`).
  public var description: String {
    var parts = ["int\(bits)"]
    if scheme != .symmetric { parts.append(scheme.rawValue) }
    if granularity != .group(128) { parts.append(granularity.name) }
    if calibration != .minmax { parts.append(calibration.name) }
    if scaleType != .f16 { parts.append(scaleType.rawValue) }
    return parts.joined(separator: ":")
  }

  /// Parses names: parts after `intB` in any order, each kind at most once.
  static let family = FormatFamily(
    knownNames: (2...8).map { "int\($0)" } + [
      "int8:channel", "int4:affine", "int4:g32", "int4:mse", "int3:mse", "int2:mse",
      "int4:affine:hqq", "int4:gptq", "int4:gptq-act", "int4:awq",
    ]
  ) { name throws(FormatError) in
    guard name.hasPrefix("int") else { return nil }
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let digits = String(parts[0].dropFirst(3))
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    guard digits.utf8.count == 1, let bits = Int(digits), (2...8).contains(bits) else {
      throw FormatError(text: name, problem: .bits(digits))
    }
    var parser = PartParser(text: name)
    for part in parts.dropFirst() { try parser.add(part) }
    let format = IntegerFormat(
      bits: bits, scheme: parser.scheme ?? .symmetric,
      granularity: parser.granularity ?? .group(128), calibration: parser.calibration ?? .minmax,
      scaleType: parser.scaleType ?? .f16)
    guard let format else {
      if let calibration = parser.calibration, calibration.needsActivations {
        let plain = IntegerFormat(
          bits: bits, scheme: parser.scheme ?? .symmetric, granularity: .channel,
          calibration: calibration)
        throw FormatError(
          text: name, problem: .needsRows(calibration.name),
          nearest: plain.map { [$0.description] } ?? [])
      }
      // The parts are good one by one: hqq is what doesn't go with all others.
      let group = parser.granularity.flatMap { $0 == .tensor ? nil : ":\($0.name)" } ?? ""
      throw FormatError(
        text: name, problem: .needsAffineGroups, nearest: ["int\(bits):affine\(group):hqq"])
    }
    return .integer(format)
  }
}

extension IntegerFormat.Granularity {
  /// The part of a format's name that says it.
  public var name: String {
    switch self {
    case .tensor: "tensor"
    case .channel: "channel"
    case .group(let length): "g\(length)"
    }
  }
}

extension IntegerFormat.Calibration {
  /// The part of a format's name that says it.
  public var name: String {
    switch self {
    case .minmax: return "minmax"
    case .percentile(let value):
      guard value != Self.defaultPercentile else { return "percentile" }
      let whole = value.rounded(.towardZero)
      return value == whole ? "percentile=\(Int(whole))" : "percentile=\(value)"
    case .mse: return "mse"
    case .entropy: return "entropy"
    case .hqq: return "hqq"
    case .gptq: return "gptq"
    case .gptqAct: return "gptq-act"
    case .awq: return "awq"
    }
  }
}

/// The parts of an integer format's name, gathered one by one.
private struct PartParser {
  let text: String
  var scheme: IntegerFormat.Scheme?
  var granularity: IntegerFormat.Granularity?
  var calibration: IntegerFormat.Calibration?
  var scaleType: IntegerFormat.ScaleType?

  static let known =
    ["sym", "affine", "tensor", "channel", "g32", "g64", "g128", "g256"]
    + ["minmax", "percentile", "mse", "entropy", "hqq", "gptq", "gptq-act", "awq"]
    + ["f16", "bf16", "f32"]

  init(text: String) { self.text = text }

  mutating func add(_ part: String) throws(FormatError) {
    if let value = IntegerFormat.Scheme(rawValue: part) {
      try set(\.scheme, to: value, part)
    } else if let value = IntegerFormat.ScaleType(rawValue: part) {
      try set(\.scaleType, to: value, part)
    } else if let value = try granularity(part) {
      try set(\.granularity, to: value, part)
    } else if let value = try calibration(part) {
      try set(\.calibration, to: value, part)
    } else {
      let nearest = Self.known.map { (distance: editDistance(part, $0), name: $0) }
        .filter { $0.distance <= 2 && part.utf8.count <= 64 }
        .min { $0.distance < $1.distance }
      throw FormatError(
        text: text, problem: .unknownPart(part), nearest: nearest.map { [$0.name] } ?? [])
    }
  }

  private mutating func set<Value>(
    _ path: WritableKeyPath<PartParser, Value?>, to value: Value, _ part: String
  ) throws(FormatError) {
    guard self[keyPath: path] == nil else {
      throw FormatError(text: text, problem: .repeatedPart(part))
    }
    self[keyPath: path] = value
  }

  private func granularity(_ part: String) throws(FormatError) -> IntegerFormat.Granularity? {
    switch part {
    case "tensor": return .tensor
    case "channel": return .channel
    default:
      let digits = part.dropFirst()
      guard part.first == "g", !digits.isEmpty,
        digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
      else { return nil }
      guard let length = Int(digits), digits.first != "0",
        IntegerFormat.Granularity.groupLengths.contains(length)
      else { throw FormatError(text: text, problem: .groupLength(String(digits))) }
      return .group(length)
    }
  }

  private func calibration(_ part: String) throws(FormatError) -> IntegerFormat.Calibration? {
    switch part {
    case "minmax": return .minmax
    case "mse": return .mse
    case "entropy": return .entropy
    case "hqq": return .hqq
    case "gptq": return .gptq
    case "gptq-act": return .gptqAct
    case "awq": return .awq
    case "percentile": return .percentile(IntegerFormat.Calibration.defaultPercentile)
    default:
      guard part.hasPrefix("percentile=") else { return nil }
      let number = part.dropFirst("percentile=".count)
      guard number.utf8.count <= 24,
        number.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2e }),
        number.first != ".", number.last != ".", let value = Double(number),
        value > 50, value <= 100
      else { throw FormatError(text: text, problem: .percentile(String(number))) }
      return .percentile(value)
    }
  }
}
