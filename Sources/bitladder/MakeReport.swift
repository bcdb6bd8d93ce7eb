import ArgumentParser
import Consumers
import Explorer
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization

struct MakeReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a report of a plan on a model: one HTML file, or Markdown.",
    discussion: """
      Totals, a heat map of bits and errors, the frontier with other plans, histograms, where it fits, and \
      all tensors. The HTML file needs nothing else: no network, no scripts. Without --plan it shows the \
      source, the frontier, and what about 4 bits for all tensors would do. What isn't remembered is \
      measured. The same input gives the same report.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "The plan file; without it, one format for all tensors.")
  var plan: String?

  @Option(help: "All that is measured beside the plan, separated by commas; as in `plan` without.")
  var formats: String?

  @Option(help: "Estimate errors from about so many weights of each tensor that is much larger.")
  var sample: Int?

  @OptionGroup var imatrix: ImatrixOption

  @OptionGroup var store: StoreOptions

  @Option(
    name: .customLong("device"), help: "A device to be fitted; a few without. May be repeated.")
  var names: [String] = []

  @OptionGroup var use: UseOptions

  @Option(help: "html or markdown; by the file's name without it.")
  var format: ReportFormat?

  @Option(help: "A date to be printed, as you write it; none without.")
  var date: String?

  @Option(name: .shortAndLong, help: "The file to write; - prints it.")
  var output: String

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  func validate() throws {
    if let sample, sample < 1 { throw ValidationError("--sample must be 1 at least") }
  }

  func run() throws {
    let asked = try readFormats(formats)
    let target = ResultFile(path: output, force: force)
    try target.refuseOverwriting()
    let plan = try plan.flatMap { try readPlan($0, mayBeAbsent: false)?.plan }
    let devices = try devices()
    let model = try model.open()
    let importance = try imatrix.read(for: model)
    let identity = Plan.ModelIdentity(model, fingerprint: model.fingerprint())
    var gathering = try ReportGathering(
      model, identity, importance: importance, formats: asked, plan: plan,
      name: planName ?? "", sample: sample)
    for line in gathering.candidates.passedOver { tell("bitladder: \(line)") }
    let store = store.openTelling()
    defer { store?.close() }
    var report = try gathering.report(store: store, command: command)
    report.devices = try fits(model, devices, &report)
    report.date = date
    try target.write(
      kind == .html ? report.html : report.markdown)
  }

  private var kind: ReportFormat {
    let isMarkdown = [".md", ".markdown"].contains { output.lowercased().hasSuffix($0) }
    return format ?? (isMarkdown ? .markdown : .html)
  }

  /// The name of the plan's file.
  private var planName: String? {
    plan.map { ($0.split(separator: "/").last.map(String.init) ?? $0).sanitised }
  }

  /// What was typed, so that a shell takes it again.
  private var command: String {
    (["bitladder"] + CommandLine.arguments.dropFirst().map(\.shellQuoted)).joined(separator: " ")
  }

  // MARK: - Devices

  /// Cards, a Mac, a computer and a telephone of different sizes.
  private static let usualDevices = [
    "RTX 4060", "RTX 4090", "H100 SXM", "M4 16GB", "M4 Max 128GB", "PC DDR5-5600 32GB",
    "phone Snapdragon 8 Elite 16GB",
  ]

  private func devices() throws -> [Device] {
    let configuration = try Configuration.load()
    return try (names.isEmpty ? Self.usualDevices : names).map(configuration.device)
  }

  /// Where the model fits; nil, and a note, where its cache isn't known.
  private func fits(
    _ model: Model, _ devices: [Device], _ report: inout Report
  ) throws -> Report.Devices? {
    let shape: CacheShape
    do throws(CacheUnknown) {
      shape = try CacheShape(model)
    } catch {
      report.notes.append("Where it fits isn't known: \(error)")
      return nil
    }
    let use = use.use(shape)
    try self.use.check(use, shape)
    let reads = TokenReads(model)
    let bytes = report.entries.map(\.contribution.bytes)
    let source = Demand(model, cache: shape, reads: reads) { model.tensors[$0].byteCount }
    let subject = Demand(model, cache: shape, reads: reads) { bytes[$0] }
    return Report.Devices(
      use: use, source: devices.map { Fit(source, on: $0, use) },
      subject: devices.map { Fit(subject, on: $0, use) })
  }
}

/// What a report is written as.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case html, markdown
}
