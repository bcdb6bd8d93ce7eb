import Foundation
import Testing

@testable import ModelFiles

/// A folder for the files of one test, removed with the object.
final class ScratchFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitladder-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with the folders it lies in, and returns its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  func link(_ name: String, to target: String) throws {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: url.path, withDestinationPath: target)
  }

  subscript(name: String) -> String { path + "/" + name }
}

/// A number as little-endian bytes.
func bytes<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

/// A safetensors file from its header and data.
func safetensors(header: String, data: [UInt8] = []) -> [UInt8] {
  bytes(UInt64(header.utf8.count)) + Array(header.utf8) + data
}

/// A safetensors file of F32 tensors filled with 0, 1, 2, ...
func safetensors(_ tensors: [(name: String, shape: [Int])]) -> [UInt8] {
  var entries: [String] = []
  var data: [UInt8] = []
  for (name, shape) in tensors {
    let count = shape.reduce(1, *)
    let start = data.count
    for index in 0..<count { data += bytes(Float(index).bitPattern) }
    entries.append(
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(data.count)]}"
    )
  }
  return safetensors(header: "{\(entries.joined(separator: ","))}", data: data)
}

/// Builds GGUF files, right ones and wrong ones.
struct GGUFBuilder {
  var version: UInt32 = 3
  var alignment = 32
  private var pairs: [[UInt8]] = []
  private var entries: [[UInt8]] = []
  private var data: [UInt8] = []

  static func string(_ text: String) -> [UInt8] {
    bytes(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  mutating func set(_ key: String, type: UInt32, _ value: [UInt8]) {
    pairs.append(Self.string(key) + bytes(type) + value)
  }

  mutating func set(_ key: String, _ text: String) { set(key, type: 8, Self.string(text)) }
  mutating func set(_ key: String, _ number: UInt16) { set(key, type: 2, bytes(number)) }
  mutating func set(_ key: String, _ number: UInt32) { set(key, type: 4, bytes(number)) }
  mutating func set(_ key: String, _ number: Int32) { set(key, type: 5, bytes(number)) }

  mutating func set(_ key: String, _ texts: [String]) {
    set(key, type: 9, bytes(UInt32(8)) + bytes(UInt64(texts.count)) + texts.flatMap(Self.string))
  }

  /// Adds a tensor; `dimensions` in GGUF's order, the contiguous one first.
  mutating func add(_ name: String, _ dimensions: [Int], type: UInt32 = 0, _ content: [UInt8]) {
    let place = data.count
    entries.append(
      Self.string(name) + bytes(UInt32(dimensions.count))
        + dimensions.flatMap { bytes(UInt64($0)) } + bytes(type) + bytes(UInt64(place)))
    data += content
    data += [UInt8](repeating: 0, count: (alignment - data.count % alignment) % alignment)
  }

  var file: [UInt8] {
    var head = Array("GGUF".utf8) + bytes(version)
    head += bytes(UInt64(entries.count)) + bytes(UInt64(pairs.count))
    head += pairs.flatMap { $0 } + entries.flatMap { $0 }
    head += [UInt8](repeating: 0, count: (alignment - head.count % alignment) % alignment)
    return head + data
  }
}

/// What comes of opening a model.
func outcome(
  opening path: String, environment: [String: String] = [:]
) -> Result<Model, ModelFileError> {
  do throws(ModelFileError) {
    return .success(try Model.open(path, environment: environment))
  } catch {
    return .failure(error)
  }
}

/// The error of an attempt that must fail.
func failure(opening path: String, environment: [String: String] = [:]) throws -> ModelFileError {
  switch outcome(opening: path, environment: environment) {
  case .success(let model): throw Unexpected.opened(model.path)
  case .failure(let error): return error
  }
}

enum Unexpected: Error { case opened(String) }
