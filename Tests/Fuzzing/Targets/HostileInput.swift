/// Inputs that grow: what a parser's time and memory are held against.
public struct HostileInput: Sendable {
  /// What is in it.
  public let name: String
  /// The target that reads it.
  public let target: String
  private let make: @Sendable (Int) -> [UInt8]

  /// An input of about so many bytes.
  public func bytes(count: Int) -> [UInt8] { make(count) }

  private init(_ target: String, _ name: String, _ make: @escaping @Sendable (Int) -> [UInt8]) {
    self.target = target
    self.name = name
    self.make = make
  }

  private init(
    _ target: String, _ name: String, start: String = "", unit: String, end: String = ""
  ) {
    self.init(target, name) { repeated(unit, start, end, count: $0) }
  }

  /// The input of a name.
  public static func named(_ name: String) -> HostileInput? { all.first { $0.name == name } }

  /// All of them.
  public static let all: [HostileInput] = [
    HostileInput("safetensors", "safetensors: many tensors") { size in
      safetensors { "\"model.layers.\($0).w\":\(emptyTensor)" }.joined(count: size)
    },
    HostileInput("safetensors", "safetensors: a long name") { size in
      let name = String(repeating: "n", count: size)
      return safetensors { _ in "" }.whole("{\"\(name)\":\(emptyTensor)}")
    },
    HostileInput("safetensors", "safetensors: one name again and again") { size in
      safetensors { _ in "\"a\":\(emptyTensor)" }.joined(count: size)
    },
    HostileInput("safetensors", "safetensors: deep") { size in
      safetensors { _ in "" }.whole("{\"a\":{\"x\":" + String(repeating: "[", count: size))
    },
    HostileInput("gguf", "gguf: many strings") { size in
      let count = size / 9
      return gguf(pairs: 1, array(of: 8, count: count))
        + ([1, 0, 0, 0, 0, 0, 0, 0, 0x61] as [UInt8]).repeated(count)
    },
    HostileInput("gguf", "gguf: many keys") { size in
      let count = size / 22
      var bytes = gguf(pairs: count, [])
      for index in 0..<count {
        bytes += key(String(100_000_000 + index), type: 0)
        bytes.append(1)
      }
      return bytes
    },
    HostileInput("gguf", "gguf: arrays of arrays") { size in
      let count = size / 12
      return gguf(pairs: 1, array(of: 9, count: count)) + [UInt8](repeating: 0, count: 12 * count)
    },
    HostileInput("index", "index: many shards") { size in
      let entries = (0..<size / 32).map { "\"t\($0)\":\"s-\($0).safetensors\"" }
      return Array("{\"weight_map\":{\(entries.joined(separator: ","))}}".utf8)
    },
    HostileInput("imatrix", "imatrix: many entries") { size in
      let count = size / 24
      var bytes = number(UInt32(count))
      for index in 0..<count {
        bytes += number(UInt32(8))
        bytes += Array(String(10_000_000 + index).utf8)
        bytes += number(UInt32(1))
        bytes += number(UInt32(1))
        bytes += number(Float(1).bitPattern)
      }
      return bytes
    },
    HostileInput("json", "json: deep", unit: "["),
    HostileInput("json", "json: many numbers", start: "[0", unit: ",0", end: "]"),
    HostileInput("json", "json: a long string", start: "\"", unit: "\\u0041", end: "\""),
    HostileInput("json", "json: many members") { size in
      Array("{".utf8) + Array((0..<size / 12).map { "\"\($0)\":0" }.joined(separator: ",").utf8)
        + Array("}".utf8)
    },
    HostileInput("plan", "plan: many tensors") { size in
      let entries = (0..<size / 110).map {
        "{\"name\":\"t\($0)\",\"shape\":[1,1],\"source\":\"F32\",\"format\":\"q4_K\",\"bytes\":1,"
          + "\"bitsPerWeight\":4.5,\"nmse\":0.1}"
      }
      return Array((planStart + entries.joined(separator: ",") + "]}").utf8)
    },
    HostileInput(
      "plan", "plan: a long shape",
      start: planStart + "{\"name\":\"t\",\"shape\":[1", unit: ",1",
      end: "],\"source\":\"F32\",\"format\":\"f16\",\"bytes\":1,\"bitsPerWeight\":1,\"nmse\":0}]}"),
    HostileInput("recipe", "recipe: many patterns") { size in
      Array((0..<size / 24).map { "blk\\.(\($0)|x).*=q4_K\n" }.joined().utf8)
    },
    HostileInput("recipe", "recipe: many names") { size in
      Array((0..<size / 24).map { "^blk\\.\($0)\\.x$=q4_K\n" }.joined().utf8)
    },
    HostileInput("config", "config: many devices") { size in
      Array(
        (0..<min(size, 900_000) / 64).map {
          "[[device]]\nname=\"\($0)\"\nmemory=\"1GB\"\nbandwidth=\"1GB/s\"\n"
        }.joined().utf8)
    },
    HostileInput("config", "config: deep", start: "a=", unit: "["),
    HostileInput("keys", "keys: characters", unit: "j"),
    HostileInput("keys", "keys: names", unit: "<Down>"),
    HostileInput("terminal", "terminal: half a sequence", start: "\u{1B}[", unit: ";1"),
    HostileInput("terminal", "terminal: a paste", start: "\u{1B}[200~", unit: "x\u{1B}[2"),
    HostileInput("pattern", "pattern: a long name", start: "/^(a+)+$/\n", unit: "a", end: "!"),
    HostileInput("pattern", "pattern: a long glob", start: "*a*b\n", unit: "a"),
    HostileInput("format", "format: a long name", start: "int4", unit: ":sym"),
    HostileInput(
      "configuration", "configuration: many layers",
      start: "{\"num_hidden_layers\":10000,\"num_attention_heads\":1,\"hidden_size\":1,"
        + "\"full_attn_idxs\":[0",
      unit: ",7", end: "]}"),
    HostileInput("tokenizer", "tokenizer: only a claim") { size in
      Array(
        ("{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":1,\"hidden_size\":1,"
          + "\"intermediate_size\":1,\"max_position_embeddings\":1,\"vocab_size\":16777216}\u{1E}"
          + "{\"model\":{\"byte_fallback\":true,\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}").utf8)
    },
  ]
}

// MARK: - Pieces

private let emptyTensor = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"

private let planStart =
  "{\"bitladder\":1,\"model\":{\"name\":\"m\",\"fingerprint\":\"f\",\"weights\":1,\"bytes\":1},"
  + "\"totals\":{\"bytes\":1,\"bitsPerWeight\":1},\"tensors\":["

private func repeated(_ unit: String, _ start: String, _ end: String, count: Int) -> [UInt8] {
  Array(start.utf8) + Array(unit.utf8).repeated(max(1, count / unit.utf8.count)) + Array(end.utf8)
}

extension Collection<UInt8> {
  fileprivate func repeated(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(self.count * count)
    for _ in 0..<count { bytes.append(contentsOf: self) }
    return bytes
  }
}

/// A safetensors file of entries that are made one by one.
private struct HeaderMaker {
  let entry: (Int) -> String

  func joined(count: Int) -> [UInt8] {
    let length = entry(0).utf8.count + 4
    return whole("{" + (0..<max(1, count / length)).map(entry).joined(separator: ",") + "}")
  }

  func whole(_ header: String) -> [UInt8] { number(UInt64(header.utf8.count)) + Array(header.utf8) }
}

private func safetensors(_ entry: @escaping (Int) -> String) -> HeaderMaker {
  HeaderMaker(entry: entry)
}

private func gguf(pairs: Int, _ rest: [UInt8]) -> [UInt8] {
  var bytes = Array("GGUF".utf8)
  bytes += number(UInt32(3))
  bytes += number(UInt64(0))
  bytes += number(UInt64(pairs))
  return bytes + rest
}

private func key(_ name: String, type: UInt32) -> [UInt8] {
  number(UInt64(name.utf8.count)) + Array(name.utf8) + number(type)
}

private func array(of type: UInt32, count: Int) -> [UInt8] {
  var bytes = key("k", type: 9)
  bytes += number(type)
  bytes += number(UInt64(count))
  return bytes
}

private func number(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
