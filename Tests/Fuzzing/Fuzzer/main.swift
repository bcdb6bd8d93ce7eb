import FuzzTargets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// libFuzzer on one parser, which the environment names: it starts itself again at times, with arguments of its own.

/// libFuzzer's own loop (compiler-rt, lib/fuzzer/FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ tryInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private let chosen: FuzzTarget = {
  if let name = getenv("FUZZ_TARGET"), let target = FuzzTarget.named(String(cString: name)) {
    return target
  }
  print("FUZZ_TARGET must be one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
  exit(2)
}()

private func fuzz() -> CInt {
  var count = CommandLine.argc
  var arguments = CommandLine.unsafeArgv
  return runDriver(&count, &arguments) { bytes, count in
    do {
      _ = try chosen.run(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
      // libFuzzer reports the input of a program that ends so.
      fatalError("\(error)")
    }
    return 0
  }
}

exit(fuzz())
