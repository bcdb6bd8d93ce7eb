import FuzzTargets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// Has one parser read one hostile input, and says what it took: ParserHost INPUT BYTES.
// A process of its own, because memory is counted for the whole process.

/// The largest part of memory that was ever in use, in bytes.
private func peak() -> Int {
  var usage = rusage()
  // 0 is RUSAGE_SELF, which is of another type in each C library.
  getrusage(0, &usage)
  #if canImport(Darwin)
    return usage.ru_maxrss
  #else
    return usage.ru_maxrss << 10
  #endif
}

let arguments = CommandLine.arguments
guard arguments.count == 3, let size = Int(arguments[2]),
  let input = HostileInput.named(arguments[1]), let target = FuzzTarget.named(input.target)
else {
  print("ParserHost INPUT BYTES")
  exit(2)
}
// What is made once counts for no file.
_ = try? target.run([0x7B, 0x7D])
let bytes = input.bytes(count: size)
let before = peak()
do {
  let isAccepted = try target.run(bytes)
  print(bytes.count, peak() - before, isAccepted)
} catch {
  print("\(error)")
  exit(1)
}
