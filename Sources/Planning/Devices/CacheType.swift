import ModelFiles
import Quantization

/// How keys and values are stored in the cache.
public struct CacheType: Sendable, Hashable, CustomStringConvertible {
  /// The format of keys.
  public var keys: Format
  /// The format of values.
  public var values: Format

  /// 16-bit floats, what runtimes do unless told otherwise.
  public static let standard = CacheType(.float(.f16))

  /// The same for both.
  public init(_ format: Format) {
    keys = format
    values = format
  }

  /// The formats that runtimes have for caches: llama.cpp's `--cache-type-k`, vLLM's `kv_cache_dtype`.
  public static let knownNames = [
    "f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl", "f8_e4m3", "f8_e5m2",
  ]

  /// One name for both, or `KEYS:VALUES`.
  public init(parsing text: String) throws(CacheTypeError) {
    let parts = text.lowercased().split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, let last = parts.last else {
      throw CacheTypeError(text: text, objection: nil)
    }
    keys = try Self.format(String(first))
    values = try Self.format(String(last))
  }

  private static func format(_ name: String) throws(CacheTypeError) -> Format {
    guard knownNames.contains(name), let format = try? Format(parsing: name) else {
      throw CacheTypeError(text: name, objection: nil)
    }
    return format
  }

  /// The name, or both as `KEYS:VALUES`.
  public var description: String {
    keys == values ? keys.description : "\(keys):\(values)"
  }
}

/// A cache that can't be stored so.
public struct CacheTypeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name as given.
  public let text: String
  /// What is against it; nil if it isn't a name at all.
  public let objection: String?

  /// One sentence, safe for a terminal.
  public var description: String {
    let name = "\"\(String(text.unicodeScalars.prefix(40)).sanitised)\""
    if let objection { return "the cache can't be \(name): \(objection)" }
    return "\(name) is no type of a cache; there are "
      + CacheType.knownNames.joined(separator: ", ") + ", or two of them as KEYS:VALUES"
  }
}
