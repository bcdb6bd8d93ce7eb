import Foundation
import ModelFiles
import Planning
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Whether the plan fits a device: the totals, the list of devices, a device as the goal.
struct FittingTests {
  private let model: Model
  private let wide = Size(columns: 120, rows: 36)

  init() throws {
    model = try SampleModel.llama().open(configuration: SampleModel.llamaConfiguration)
  }

  /// The cache of a small model as a large one's would be.
  private static let large =
    #"{"model_type": "llama", "num_hidden_layers": 80, "num_attention_heads": 64, "#
    + #""num_key_value_heads": 8, "hidden_size": 8192, "vocab_size": 128256, "#
    + #""max_position_embeddings": 131072}"#

  /// A device that leaves so many bytes for weights at a context of 8k.
  private func device(_ weights: Int, name: String = "Small 1") -> Device {
    let overhead = 256 << 20 + 2048 * (128 + 2 * 64 + 8192)
    let cache = 8192 * 3 * 64 * 2
    return Device(
      name: name, kind: .own, memory: overhead + cache + weights, bandwidth: 1e9, source: "made up")
  }

  private func options(_ devices: [Device], chosen: Device? = nil) -> Options {
    var options = Options()
    options.devices = devices
    options.device = chosen
    return options
  }

  private func player(_ device: Device, size: Size? = nil) -> Player {
    Player(
      model, size: size ?? wide, options: options([device], chosen: device), answers: .madeUp)
  }

  private func list(_ player: Player) -> DeviceList? {
    if case .devices(let list) = player.state.modal { list } else { nil }
  }

  private func problem(_ player: Player) -> String? {
    if case .solve(let form) = player.state.modal { form.problem } else { nil }
  }

  // MARK: - The totals

  @Test func theTotalsFollowThePlan() throws {
    var player = player(device(model.byteCount / 2))
    let lack = Figures.bytes(model.byteCount - model.byteCount / 2)
    #expect(player.lines[1].contains("Small 1: 0.3 of 0.3 GiB at 8k · too large by \(lack)"))
    try player.press("mproj<Enter>4")
    #expect(player.lines[1].contains("GiB at 8k · ≤ "))
    #expect(player.lines[1].contains(" tok/s"))
    try player.press("u")
    #expect(player.lines[1].contains("too large by \(lack)"))
  }

  /// However narrow the screen, it says whether it fits, and cuts nothing off.
  @Test(arguments: [false, true])
  func everyWidthSaysIt(fits: Bool) throws {
    let player = player(device(fits ? model.byteCount : 1))
    var state = player.state
    for columns in 40...200 {
      state.resize(to: Size(columns: columns, rows: 24))
      let line = state.draw().text[1]
      #expect(line.columns <= columns)
      #expect(line.contains(fits ? "fits" : "too large") || fits && line.contains("of 0.3 GiB"))
      if columns >= 80 { #expect(line.contains("NMSE") && line.contains("Small 1: ")) }
    }
  }

  @Test func aCacheThatIsNotKnownIsNotCounted() throws {
    let model = try SampleModel.llama().open()
    let device = device(model.byteCount)
    var player = Player(
      model, size: wide, options: options([device], chosen: device), answers: .madeUp)
    #expect(player.lines[1].contains("Small 1: 0.3 of 0.3 GiB without the cache"))
    try player.press("d")
    let text = player.lines.joined()
    #expect(text.contains("the cache isn't counted, nor is a speed told: the model doesn't say"))
    #expect(text.contains("of weights,") && !text.contains("of cache"))
    try player.press("<Esc>bfit<Enter>")
    #expect(!player.hasModal)
  }

  // MARK: - The list

  @Test func aDeviceIsChosen() throws {
    var player = Player(model, size: wide)
    try player.press("d")
    player.type("4090")
    try player.press("<Right>")
    #expect(list(player)?.use.context == 16_384)
    try player.press("<Enter>")
    #expect(player.state.fitting.device?.name == "RTX 4090")
    #expect(player.state.fitting.use.context == 16_384)
    #expect(player.message.hasPrefix("RTX 4090: 0.3 of 24 GiB at 16k · ≤ "))
    // It is where the cursor stands the next time; above all stands none.
    try player.press("d<Enter>")
    #expect(player.state.fitting.device?.name == "RTX 4090")
    try player.press("d<Home><Enter>")
    #expect(player.state.fitting.device == nil)
    #expect(player.message == "no device")
  }

  @Test(arguments: [
    ("<Right*2>", "32768 f16 1"), ("<Right*20>", "65536 f16 1"), ("<Left*20>", "256 f16 1"),
    ("<Tab>", "8192 bf16 1"), ("<S-Tab>", "8192 f8_e5m2 1"), ("+++", "8192 f16 8"),
    ("==-", "8192 f16 2"), ("---", "8192 f16 1"),
  ])
  func theUseIsChanged(keys: String, expected: String) throws {
    var player = Player(model, size: wide)
    try player.press("d\(keys)")
    let use = try #require(list(player)?.use)
    #expect("\(use.context) \(use.cache) \(use.sequences)" == expected)
    // Nothing of it stays that isn't taken.
    try player.press("<Esc>")
    #expect(player.state.fitting.use == Use(context: 8192))
    #expect(player.state.fitting.device == nil)
  }

  @Test func typesThatDoNotFitTheCacheAreLeftOut() throws {
    // 32 keys in each layer: one block of 32, none of 256.
    let types = Player(model).state.fitting.cacheTypes(with: .standard)
    #expect(types.contains { $0.description == "q8_0" })
    let odd = try CacheType(parsing: "q8_0:q4_0")
    #expect(Player(model).state.fitting.cacheTypes(with: odd).first == odd)
  }

  @Test func theStartIsWhatWasAskedFor() throws {
    var options = options([device(1), device(2, name: "Large")], chosen: device(1))
    options.use = Use(context: 32_768, sequences: 2, cache: try CacheType(parsing: "q8_0"))
    let player = Player(model, size: wide, options: options)
    #expect(player.lines[1].contains("Small 1: ") && player.lines[1].contains("at 32k"))
  }

  // MARK: - As a goal

  @Test(arguments: [
    ("fit", "fit RTX 4090 8k"), ("FIT", "fit RTX 4090 8k"), ("fit 32k", "fit RTX 4090 32k"),
    ("fit 4096", "fit RTX 4090 4k"), ("fit 3090", "fit RTX 3090 8k"),
    ("fit  rtx3090  16k", "fit RTX 3090 16k"), ("fit 4080", "fit RTX 4080 8k"),
    ("fit M4 Max 36GB 1000", "fit M4 Max 36GB 1000"),
  ])
  func aDeviceIsAGoal(text: String, expected: String) throws {
    let state = Player(model, options: options(Device.catalogue, chosen: .catalogue("RTX 4090")))
      .state
    let goal = try FitGoal(text, state.fitting, state.demand)
    #expect(goal.text == expected)
    #expect(goal.bytes == Fit(state.demand, on: goal.device, goal.use).weightBudget)
    #expect(try FitGoal(goal.text, state.fitting, state.demand) == goal)
  }

  @Test(arguments: [
    ("fit", "no device is chosen"), ("fit 32k", "no device is chosen"),
    ("fit 5070", nil), ("fit gb", "that can be "), ("fit quux", "\"quux\" is no device"),
    ("fit quux 32k", "\"quux\" is no device"), ("fit tiny", "tiny has 1.00 KiB, and cache and"),
    ("fitting", "'fitting' isn't a goal: a budget is"),
  ])
  func whatIsNoGoalIsRefused(text: String, reason: String?) throws {
    let tiny = Device(name: "tiny", kind: .own, memory: 1024, bandwidth: 1, source: "made up")
    var player = Player(
      model, size: wide, options: options([tiny] + Device.catalogue), answers: .madeUp)
    try player.press("b")
    player.type(text)
    try player.press("<Enter>")
    #expect(player.hasModal == (reason != nil))
    if let reason { #expect(problem(player)?.hasPrefix(reason) == true) }
  }

  @Test func solvingForADeviceFitsIt() throws {
    let device = device(model.byteCount / 4)
    var player = Player(
      model, size: wide, options: options([device]), answers: .real)
    try player.press("bfit<Space>small1<Space>8k")
    #expect(player.lines.joined().contains("the least error that Small 1 has room for, with a"))
    try player.press("<Enter>")
    #expect(player.state.fitting.device == device)
    #expect(player.state.edits.budget == .bytes(model.byteCount / 4))
    let fit = try #require(player.state.fit)
    #expect(fit.fits && fit.freeBytes < model.byteCount / 4)
    #expect(player.state.edits.done.count == 1)
    try player.press("u")
    #expect(player.state.edits.budget == nil && player.changed.isEmpty)
    #expect(player.lines[1].contains("too large by"))
    try player.press("<C-r>")
    #expect(player.state.edits.budget == .bytes(model.byteCount / 4))
    #expect(player.state.fit == fit)
    // The goal follows what is chosen.
    try player.press("d<Left><Enter>")
    #expect(player.state.solver.settings.goalText == "fit Small 1 4k")
    try player.press("b<Enter>")
    #expect(player.state.edits.budget.map { $0 != .bytes(model.byteCount / 4) } == true)
    try player.press("b5bpw<Enter>")
    #expect(player.state.solver.settings.fit == nil)
  }

  // MARK: - Frames

  @Test(arguments: [
    ("devices-80x24", Size(columns: 80, rows: 24), false, "d<Right*3>"),
    ("devices-120x36", Size(columns: 120, rows: 36), false, "d<Right*3><Down*3>"),
    ("devices-60x16", Size(columns: 60, rows: 16), false, "drtx<Tab>+"),
    ("devices-ascii-80x24", Size(columns: 80, rows: 24), true, "d<Right*4>"),
    ("fit-80x24", Size(columns: 80, rows: 24), false, "d4090<Enter>4"),
    ("fit-120x36", Size(columns: 120, rows: 36), false, "d4090<Right*4><Enter>4"),
    ("fit-60x16", Size(columns: 60, rows: 16), false, "d4090<Right*4><Enter>4"),
    ("fit-ascii-80x24", Size(columns: 80, rows: 24), true, "d4060<Right*4><Enter>4"),
    ("solve-fit-80x24", Size(columns: 80, rows: 24), false, "bfit 4090 16k"),
  ])
  func framesAreAsTheyWere(name: String, size: Size, isASCII: Bool, keys: String) throws {
    let model = try SampleModel.llama().open(configuration: Self.large)
    let screen = MemoryScreen(size: size, glyphs: isASCII ? .ascii : .unicode)
    let script = try KeyScript.parse(keys.replacing(" ", with: "<Space>"))
    _ = Session.play(script, model, options: Options(), plan: nil, on: screen)
    try Golden.expect(screen.canvas.text, name)
    if name == "fit-120x36" { try Golden.expect(Golden.styles(screen.canvas), name + ".styles") }
    for line in screen.canvas.text {
      #expect(line.columns <= size.columns)
      if isASCII { #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) }) }
    }
  }
}

extension Device {
  fileprivate static func catalogue(_ name: String) -> Device? {
    catalogue.first { $0.name == name }
  }
}
