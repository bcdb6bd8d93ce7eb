import Explorer
import Foundation
import ModelFiles
import Planning
import Settings

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
      return try Configuration(try TOMLText.value(of: text, path: path), path: path, text: text)
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
    guard file.byteCount <= TOMLText.maximumByteCount else {
      throw ModelFileError(
        path: path, found: "\(file.byteCount) bytes",
        expected: "at most \(TOMLText.maximumByteCount)")
    }
    let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
    return try TOMLText.text(of: bytes, path: path)
  }
}
