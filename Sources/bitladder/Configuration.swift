import Explorer
import Foundation
import ModelFiles
import Planning
import TOMLKit

/// What the user has set in `$XDG_CONFIG_HOME/bitladder/config.toml`.
///
/// The file is read here, as one value; each part of it is read by what it is for.
struct Configuration {
  /// The user's own devices.
  var devices: [Device] = []
  /// What the screen is to look like.
  var theme = ThemeChoice.auto
  /// The keys of the explorer.
  var keys = KeyMap.standard

  /// The keys at the top of the file.
  private static let tables = ["device", "display", "keys"]
  /// Larger files are refused.
  private static let maximumByteCount = 1 << 20
  private static let longestLine = 4096

  /// Where the file is; nil where there is no home.
  static func path(_ environment: [String: String]) -> String? {
    let name = "bitladder/config.toml"
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      return "\(folder)/\(name)"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/.config/\(name)"
  }

  /// Reads the file, if there is one; says on standard error which of its keys aren't known.
  static func load() throws(Failure) -> Configuration {
    guard let path = path(ProcessInfo.processInfo.environment),
      FileManager.default.fileExists(atPath: path)
    else { return Configuration() }
    do {
      let text = try text(ofFile: path)
      return try Configuration(try value(of: text, path: path), path: path, text: text)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure("\(error)")
    }
  }

  private init() {}

  private init(_ value: JSONValue, path: String, text: String) throws {
    for key in value.object?.keys ?? [] where !Self.tables.contains(key) {
      Self.warn(
        "\(path.sanitised): \(key.sanitised) isn't known; there are "
          + Self.tables.joined(separator: ", "))
    }
    devices = try Device.read(value["device"], path: path, warn: Self.warn)
    keys = try KeyMap.read(value["keys"], path: path, text: text)
    try readDisplay(value["display"], path: path)
  }

  /// `[display] theme = "light"`.
  private mutating func readDisplay(_ value: JSONValue?, path: String) throws(ModelFileError) {
    guard let value else { return }
    guard let table = value.object else {
      throw ModelFileError(
        path: path, place: .key("display"), found: "no table", expected: "[display]")
    }
    for key in table.keys where key != "theme" {
      Self.warn("\(path.sanitised): display.\(key.sanitised) isn't known; there is theme")
    }
    guard let name = table["theme"] else { return }
    guard let choice = name.string.flatMap(ThemeChoice.init) else {
      throw ModelFileError(
        path: path, place: .key("display.theme"), found: name.string?.sanitised ?? "no text",
        expected: ThemeChoice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    theme = choice
  }

  private static func warn(_ sentence: String) { tell("bitladder: note: \(sentence)") }

  /// All devices, the user's own first: of the same name, theirs counts.
  var allDevices: [Device] {
    let own = Set(devices.map(\.name))
    return devices + Device.catalogue.filter { !own.contains($0.name) }
  }

  /// The device of a name.
  func device(_ name: String) throws(Failure) -> Device {
    do {
      return try allDevices.named(name)
    } catch {
      throw Failure("\(error); `bitladder devices` lists all")
    }
  }

  // MARK: - The file

  private static func text(ofFile path: String) throws -> String {
    let file = try MappedFile(path)
    guard file.byteCount <= maximumByteCount else {
      throw ModelFileError(
        path: path, found: "\(file.byteCount) bytes", expected: "at most \(maximumByteCount)")
    }
    let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
    // The parser reads up to a zero byte.
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw ModelFileError(path: path, found: "other bytes", expected: "UTF-8 text")
    }
    // Names of names of names: the parser goes as deep as the lines are long.
    if let long = bytes.split(separator: UInt8(ascii: "\n")).first(where: { $0.count > longestLine }
    ) {
      throw ModelFileError(
        path: path, found: "a line of \(long.count) bytes", expected: "at most \(longestLine)")
    }
    if let line = TOMLBrackets.firstFault(in: bytes) {
      throw Failure(
        "\(path.sanitised): line \(line): found a stray bracket, expected [name], [[name]] or a value"
      )
    }
    return text
  }

  private static func value(of text: String, path: String) throws -> JSONValue {
    do {
      return json(try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      let place = error.source.begin
      throw Failure(
        "\(path.sanitised): line \(place.line), column \(place.column): "
          + error.description.sanitised)
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
