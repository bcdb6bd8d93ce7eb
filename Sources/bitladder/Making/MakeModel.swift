import ArgumentParser
import Explorer
import Foundation
import ModelFiles
import Synchronization

struct MakeModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-model",
    abstract: "Write a model of a known shape with made-up weights, to try sizes out.",
    discussion: "Shapes: " + ModelShape.all.map(\.name).joined(separator: ", ") + ".")

  @Option(help: "The shape: a name from the list below.")
  var like: String?

  @Flag(help: "List the shapes.")
  var list = false

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: "The .safetensors file, or a folder, which gets a config.json too.")
  var output: String?

  @Flag(help: "All weights zero, in a file that takes no room on disk.")
  var sparse = false

  @Option(help: "Other weights, the same for the same number; 1 by default.")
  var seed: UInt64?

  @Option(help: "The type of the weights: bf16, f16, f32.")
  var type = ModelMaker.ElementType.bf16

  func validate() throws {
    if list { return }
    guard let like, output != nil else {
      throw ValidationError("--like NAME and -o FILE are needed (--list prints the names)")
    }
    guard ModelShape.named(like) != nil else {
      throw ValidationError(
        "no shape \"\(like.sanitised)\"; there are "
          + ModelShape.all.map(\.name).joined(separator: ", "))
    }
    if sparse, seed != nil { throw ValidationError("--sparse and --seed contradict each other") }
  }

  func run() throws {
    guard let shape = like.flatMap(ModelShape.named), let output, !list else {
      try emit(table)
      return
    }
    let maker = ModelMaker(
      shape: shape, weights: sparse ? .sparse : .random(seed: seed ?? 1), type: type)
    let folder = try folder(output)
    let path = folder.map { $0 + "/model.safetensors" } ?? output
    try maker.write(to: path, progress: Self.progress)
    if isatty(2) == 1 { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    guard let folder else { return }
    let configuration = shape.configuration(type: type.longName)
    let text = JSONWriter(.pretty).string(configuration)
    do {
      try AtomicFile.write(Array(text.utf8), to: folder + "/config.json", expecting: .absent)
    } catch {
      throw Failure("\(folder.sanitised)/config.json: \(error)")
    }
  }

  /// The folder that is meant, made if need be; nil where a file is.
  private func folder(_ output: String) throws -> String? {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: output, isDirectory: &isFolder)
    guard exists ? isFolder.boolValue : !output.hasSuffix(".safetensors") else { return nil }
    do {
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    } catch {
      throw Failure("\(output.sanitised): can't make the folder")
    }
    var name = output
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    if FileManager.default.fileExists(atPath: name + "/config.json") {
      throw Failure("\(name.sanitised): there is a config.json already; expected an empty folder")
    }
    return name
  }

  private var table: String {
    var table = Table(["shape", "weights", "BF16", "tensors", "as in"])
    table.rightAligned = [1, 2, 3]
    for shape in ModelShape.all {
      table.add([
        shape.name, Figures.count(shape.weightCount), Figures.bytes(2 * shape.weightCount),
        "\(shape.tensors.count)", shape.source.map { "\($0) (config.json)" } ?? "",
      ])
    }
    return table.text
  }

  /// Shows how far it is, ten times a second at most, if there is a terminal to show it on.
  private static let progress: @Sendable (Int, Int) -> Void = { done, all in
    guard isatty(2) == 1 else { return }
    let isDue = lastShown.withLock { last in
      guard ContinuousClock.now - last > .milliseconds(100) else { return false }
      last = .now
      return true
    }
    guard isDue else { return }
    let text = "\rwriting \(Figures.bytes(done)) of \(Figures.bytes(all))\u{1B}[K"
    FileHandle.standardError.write(Data(text.utf8))
  }

  private static let lastShown = Mutex(ContinuousClock.now)
}

extension ModelMaker.ElementType: ExpressibleByArgument {}
