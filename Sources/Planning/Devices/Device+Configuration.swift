import ModelFiles

extension Device {
  /// The devices of a configuration: its list `device`, with `name`, `memory`, `bandwidth` and, if one likes,
  /// `usable` and `source`.
  /// - Parameters:
  ///   - value: the list; nil where there is none.
  ///   - path: names the file in errors.
  ///   - warn: is told of keys that aren't known.
  public static func read(
    _ value: JSONValue?, path: String, warn: (String) -> Void
  ) throws(ModelFileError) -> [Device] {
    guard let value else { return [] }
    guard let entries = value.array else {
      throw ModelFileError(
        path: path, place: .key("device"), found: value.kind, expected: "tables: [[device]]")
    }
    var devices: [Device] = []
    var names: Set<String> = []
    for (index, entry) in entries.enumerated() {
      let reader = DeviceReader(path: path, place: "device[\(index)]", value: entry)
      let device = try reader.device(warn)
      guard names.insert(device.name).inserted else {
        throw reader.error("name", found: "\"\(device.name)\" again", expected: "each device once")
      }
      devices.append(device)
    }
    return devices
  }
}

/// One table of the list.
private struct DeviceReader {
  let path: String
  let place: String
  let value: JSONValue

  private static let keys = ["name", "memory", "bandwidth", "usable", "source"]
  /// More than any machine has, and small enough to be added.
  private static let mostBytes = 1 << 50

  func error(_ key: String?, found: String, expected: String) -> ModelFileError {
    ModelFileError(
      path: path, place: .key(key.map { "\(place).\($0)" } ?? place), found: found,
      expected: expected)
  }

  func device(_ warn: (String) -> Void) throws(ModelFileError) -> Device {
    guard let members = value.object else {
      throw error(nil, found: value.kind, expected: "a table")
    }
    for key in members.keys where !Self.keys.contains(key) {
      warn(
        "\(path.sanitised): \(place).\(key.sanitised) isn't known; there are "
          + Self.keys.joined(separator: ", "))
    }
    let name = try text("name")
    guard !name.isEmpty, name.utf8.count <= 100 else {
      throw error("name", found: "\(name.utf8.count) bytes", expected: "1 to 100")
    }
    let memory = try size("memory")
    let bandwidth = try text("bandwidth")
    guard let speed = Quantity.bytesPerSecond(bandwidth), speed > 0, speed < 0x1p60 else {
      throw error("bandwidth", found: quote(bandwidth), expected: "a speed such as \"1008GB/s\"")
    }
    let usable = members["usable"] == nil ? nil : try size("usable")
    if let usable, usable > memory {
      throw error("usable", found: "more than the memory", expected: "a part of it")
    }
    let source = members["source"] == nil ? path : try text("source")
    return Device(
      name: name.sanitised, kind: .own, memory: memory, usable: usable, bandwidth: speed,
      source: source.sanitised)
  }

  private func text(_ key: String) throws(ModelFileError) -> String {
    guard let found = value[key] else {
      throw error(key, found: "nothing", expected: "this key")
    }
    guard let text = found.string else {
      throw error(key, found: found.kind, expected: "a string")
    }
    return text
  }

  private func size(_ key: String) throws(ModelFileError) -> Int {
    let text = try text(key)
    guard let bytes = Quantity.bytes(text), bytes > 0, bytes <= Self.mostBytes else {
      throw error(key, found: quote(text), expected: "a size such as \"24GiB\"")
    }
    return bytes
  }

  private func quote(_ text: String) -> String {
    "\"\(String(String.UnicodeScalarView(text.unicodeScalars.prefix(60))))\""
  }
}
