import FuzzTargets

/// How long parsers take for each byte of inputs that are hard for them, at three sizes: about the same at each, where
/// time is linear in the size.
enum ParsersBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let sizes = [1, 4, 16].map { $0 << (options.quick ? 14 : 17) }
    var rows = [["input (ns/byte)"] + sizes.map { "\($0 >> 10) KiB" } + ["last : first"]]
    for input in HostileInput.all {
      guard let target = FuzzTarget.named(input.target) else { continue }
      let paces = sizes.map { size in
        let bytes = input.bytes(count: size)
        let seconds = medianSeconds(runs: options.quick ? 1 : 3) { _ = try? target.run(bytes) }
        return seconds * 1e9 / Double(bytes.count)
      }
      let ratio = paces[2] / max(paces[0], .leastNormalMagnitude)
      rows.append([input.name] + (paces + [ratio]).map { "\(($0 * 100).rounded() / 100)" })
    }
    print("parsers: what is read is also checked, as the fuzzer does; an input that only claims a")
    print("size, or is refused early, has no pace.")
    print(table(rows))
  }
}
