import ModelFiles
import TOMLKit

/// Reads TOML, the language of the configuration, into the values that JSON has.
public enum TOMLText {
  /// Larger files are refused.
  public static let maximumByteCount = 1 << 20

  /// The text of a file, if it is one that the parser withstands.
  /// - Parameter path: names the file in errors.
  public static func text(of bytes: [UInt8], path: String) throws(TOMLError) -> String {
    guard bytes.count <= maximumByteCount else {
      throw TOMLError(
        path: path, problem: "found \(bytes.count) bytes, expected at most \(maximumByteCount)")
    }
    // The parser reads up to a zero byte.
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw TOMLError(path: path, problem: "found other bytes, expected UTF-8 text")
    }
    do throws(TOMLSyntax.Flaw) {
      try TOMLSyntax.check(bytes)
    } catch {
      throw TOMLError(path: path, line: error.line, problem: error.problem)
    }
    return text
  }

  /// The value of a text.
  public static func value(of text: String, path: String) throws(TOMLError) -> JSONValue {
    do {
      return json(try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      let place = error.source.begin
      throw TOMLError(
        path: path, line: Int(place.line), column: Int(place.column), problem: error.description)
    } catch {
      throw TOMLError(path: path, problem: "\(error)")
    }
  }

  private static func json(_ table: TOMLTable) -> JSONValue {
    .object(
      JSONObject(
        table.keys.map { key in
          JSONObject.Member(key: key, value: table[key].map(json) ?? .null)
        }))
  }

  private static func json(_ value: TOMLValueConvertible) -> JSONValue {
    if let table = value.table { return json(table) }
    if let array = value.array { return .array(array.map(json)) }
    if let text = value.string { return .string(text) }
    if let flag = value.bool { return .bool(flag) }
    if let number = value.int { return JSONValue(number) }
    if let number = value.double { return JSONValue(number) }
    // Dates and times: nothing here takes one.
    return .null
  }
}

/// Why a configuration can't be read; `description` is one line.
public struct TOMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The line, from 1; nil for the file as a whole.
  public var line: Int?
  /// The column, from 1, where it is known.
  public var column: Int?
  /// What was found and what was expected.
  public let problem: String

  /// `PATH: line N, column N: PROBLEM`, safe for a terminal.
  public var description: String {
    var place = line.map { "line \($0)" } ?? ""
    if let column { place += ", column \(column)" }
    return "\(path.sanitised): \(place.isEmpty ? "" : place + ": ")\(problem.sanitised)"
  }
}
