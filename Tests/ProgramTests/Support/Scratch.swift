import Foundation

/// A folder for the files of one test, removed with the object.
final class Scratch {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitladder-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    let manager = FileManager.default
    // Some tests take the right to write away.
    try? manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    try? manager.removeItem(atPath: path)
  }

  subscript(name: String) -> String { path + "/" + name }

  /// Writes a file, with the folders it lies in, and gives its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: self[name])
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  /// Writes a model and gives its path.
  func write(_ model: SampleModel, as name: String = "sample.safetensors") throws -> String {
    try write(name, model.file)
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: self[name], encoding: .utf8)
  }

  /// The names in the folder, hidden ones too.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}
