import ArgumentParser
import Explorer
import Foundation
import Measurement
import ModelFiles
import Storage

struct Store: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look after the store of measurements.",
    subcommands: [StoreInfoCommand.self, StoreMerge.self, StoreClear.self])
}

/// The store that a command is about.
struct StoreArgument: ParsableArguments {
  @Option(name: .customLong("store"), help: "The store; the usual one by default.")
  var path: String?

  func open(existing: Bool) throws -> MeasurementStore {
    guard let path = path ?? StoreOptions.defaultPath else {
      throw Failure("there is no place for a store: neither XDG_CACHE_HOME nor HOME is set")
    }
    if existing, !FileManager.default.fileExists(atPath: path) {
      throw Failure("\(path.sanitised): found no such file, expected a store of measurements")
    }
    let store = MeasurementStore(path: path)
    store.watch { tell("bitladder: note: \($0)") }
    return store
  }
}

struct StoreInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Print what a store holds.")

  @OptionGroup var store: StoreArgument

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let store = try store.open(existing: true)
    defer { store.close() }
    guard let info = store.info() else {
      throw Failure("\(store.path.sanitised): it can't be read")
    }
    if json {
      let formats = info.formats.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }
      var counts = JSONObject()
      for (name, count) in formats { counts[name] = JSONValue(count) }
      let object: JSONValue = [
        "path": .string(store.path), "bytes": JSONValue(info.byteCount),
        "limit": JSONValue(store.limit), "files": JSONValue(info.files),
        "tensors": JSONValue(info.contents), "findings": JSONValue(info.findings),
        "usable": JSONValue(info.usable), "formats": .object(counts),
      ]
      try emit(JSONWriter(.pretty).string(object))
      return
    }
    var table = Table(["format", "measurements"])
    table.rightAligned = [1]
    for (name, count) in info.formats.sorted(by: { $0.key < $1.key }) {
      table.add([name.isEmpty ? "(statistics)" : name.sanitised, "\(count)"])
    }
    let old = info.findings - info.usable
    try emit(
      table.text + "\(store.path.sanitised): \(Figures.counted(info.findings, "finding")) of "
        + "\(Figures.counted(info.contents, "tensor")) in \(Figures.counted(info.files, "file")), "
        + Figures.bytes(info.byteCount)
        + (old > 0 ? "; \(old) of other versions" : "") + "\n")
  }
}

struct StoreMerge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Add what other stores know to one.")

  @Argument(help: "The store that takes; made if need be.")
  var into: String

  @Argument(help: "The stores that give; they stay as they are.")
  var from: [String]

  @Option(name: .customLong("store-limit"), help: "The store's greatest size: 256MiB, 2GiB.")
  var limit: ByteSize = ByteSize(byteCount: MeasurementStore.standardLimit)

  func run() throws {
    let store = MeasurementStore(path: into, limit: limit.byteCount)
    store.watch { tell("bitladder: note: \($0)") }
    defer { store.close() }
    for path in from {
      do throws(StoreFailure) {
        let result = try store.merge(from: path)
        tell(
          "\(path.sanitised): \(Figures.counted(result.findings, "finding")), "
            + "\(result.taken) taken")
      } catch {
        throw Failure(error.description)
      }
    }
  }
}

struct StoreClear: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear", abstract: "Forget all that a store holds.")

  @OptionGroup var store: StoreArgument

  func run() throws {
    let store = try store.open(existing: true)
    defer { store.close() }
    guard store.clear() else { throw Failure("\(store.path.sanitised): it can't be cleared") }
  }
}
