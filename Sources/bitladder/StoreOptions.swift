import ArgumentParser
import Foundation
import Measurement
import ModelFiles
import Storage

/// Where measurements are remembered.
struct StoreOptions: ParsableArguments {
  @Option(name: .customLong("store"), help: "Where measurements are remembered (an SQLite file).")
  var path: String?

  @Flag(name: .customLong("no-store"), help: "Remember nothing, and recall nothing.")
  var none = false

  @Option(name: .customLong("store-limit"), help: "The store's greatest size: 256MiB, 2GiB.")
  var limit: ByteSize = ByteSize(byteCount: MeasurementStore.standardLimit)

  func validate() throws {
    if none, path != nil { throw ValidationError("--no-store and --store contradict each other") }
  }

  /// The store; nil if there is to be none.
  func open() -> MeasurementStore? {
    guard !none, let path = path ?? Self.defaultPath else { return nil }
    return MeasurementStore(path: path, limit: limit.byteCount)
  }

  /// The store, its notes told on standard error; nil if there is to be none.
  func openTelling() -> MeasurementStore? {
    let store = open()
    store?.watch { tell("bitladder: note: \($0)") }
    return store
  }

  /// Where what was measured by running a model is remembered: beside the store; nil if nothing is to be.
  var sensitivityFolder: String? {
    guard !none, let path = path ?? Self.defaultPath else { return nil }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return (folder + ["sensitivities"]).joined(separator: "/")
  }

  static var defaultPath: String? {
    MeasurementStore.defaultPath(environment: ProcessInfo.processInfo.environment)
  }
}

/// A size in bytes as `512MiB`.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
  let byteCount: Int

  init(byteCount: Int) { self.byteCount = byteCount }

  init?(argument: String) {
    let units = ["KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40, "B": 0, "": 0]
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let unit = argument.dropFirst(digits.count).trimmingCharacters(in: .whitespaces)
    guard let number = Int(digits), let shift = units[unit], number > 0 else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    byteCount = size
  }

  var description: String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)]
    where byteCount % (1 << shift) == 0 {
      return "\(byteCount >> shift)\(unit)"
    }
    return "\(byteCount)B"
  }

  var defaultValueDescription: String { description }
}

extension Shard: ExpressibleByArgument {
  /// A part as `3/16`.
  public init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), count <= 1_000_000
    else { return nil }
    self.init(index: index, count: count)
  }
}
