import Foundation

/// Saves that are ended by SIGKILL at random moments: the file must be the one plan or the other, whole.
///
///     var saves = KilledSaves(program: path, model: model, folder: folder)
///     try saves.run(1000, using: &numbers)
public struct KilledSaves {
  /// How many times it was killed, how often in the middle of a save.
  public private(set) var kills = 0
  /// Kills that left the temporary file behind: they were in the middle of a save.
  public private(set) var interrupted = 0
  /// How often the file was the one plan, and the other.
  public private(set) var found = [0, 0]
  /// What was wrong, a sentence each.
  public private(set) var broken: [String] = []

  private let program: String
  private let model: String
  private let folder: String
  private let plan: String
  private let environment: [String: String]
  private var whole: [Data] = []

  /// - Parameters:
  ///   - program: the path of the explorer.
  ///   - model: the path of a model with some tensor to quantize.
  ///   - folder: an empty folder to save in.
  public init(program: String, model: String, folder: String) {
    self.program = program
    self.model = model
    self.folder = folder
    plan = folder + "/plan.json"
    environment = [
      "HOME": folder, "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": folder + "-cache",
      "XDG_STATE_HOME": folder + "-cache", "XDG_CONFIG_HOME": folder + "-cache",
    ]
  }

  /// Kills so many times, then saves once more.
  public mutating func run(
    _ count: Int, using numbers: inout some RandomNumberGenerator
  ) throws {
    for keys in ["*4s", "*8s"] {
      try start(keys).waitUntilExit()
      whole.append(FileManager.default.contents(atPath: plan) ?? Data())
    }
    guard whole[0] != whole[1], !whole[0].isEmpty else {
      broken.append("the two plans aren't two")
      return
    }
    for _ in 0..<count {
      try killOnce(after: UInt32.random(in: 0...20_000, using: &numbers))
      look()
    }
    try start("*4s").waitUntilExit()
    if names != ["plan.json"] { broken.append("in the end there is \(names)") }
  }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  private func start(_ keys: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [model, "--plan", plan, "--script", keys]
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// So many microseconds after the first of many saves.
  private mutating func killOnce(after microseconds: UInt32) throws {
    let before = number
    let process = try start("*" + String(repeating: "4s8s", count: 400))
    while process.isRunning, number == before { usleep(200) }
    usleep(microseconds)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    if process.terminationReason != .uncaughtSignal { broken.append("it ended before the kill") }
    kills += 1
  }

  /// Another one for each file of that name.
  private var number: UInt64 {
    var facts = stat()
    guard stat(plan, &facts) == 0 else { return 0 }
    return UInt64(facts.st_ino) &* 1_000_003 &+ UInt64(facts.st_mtim.tv_nsec)
  }

  private mutating func look() {
    let data = FileManager.default.contents(atPath: plan)
    if let index = whole.firstIndex(where: { $0 == data }) {
      found[index] += 1
    } else {
      broken.append("after \(kills) kills the plan has \(data?.count ?? -1) bytes")
    }
    let others = names.filter { $0 != "plan.json" }
    if others == [".plan.json.bitladder-saving"] {
      interrupted += 1
    } else if !others.isEmpty {
      broken.append("after \(kills) kills there is \(others)")
    }
  }
}
