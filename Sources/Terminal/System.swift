// What is called differently on different systems is here, for the rest of the module.
#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

enum System {
  static let hangup = SIGHUP
  static let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
  static let stop = SIGTSTP
  static let goOn = SIGCONT

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

  /// Writes a byte; a full pipe is as good.
  static func ring(_ descriptor: Int32) {
    var byte: UInt8 = 0
    _ = write(descriptor, &byte, 1)
  }

  /// Empties a pipe that doesn't block.
  static func drain(_ descriptor: Int32) {
    withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
      while descriptor >= 0, read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
    }
  }

  /// Appends what can be read at once; false at the end of the input.
  static func receive(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
      return count > 0 || count < 0 && (errno == EINTR || errno == EAGAIN)
    }
  }

  /// What a descriptor has to offer.
  enum Readiness { case nothing, readable, ended }

  /// Waits until one of the descriptors (those below 0 are left out) can be read.
  ///
  /// `milliseconds` at most, for ever if below 0. Returns what each has; a signal ends the wait.
  static func wait(for descriptors: [Int32], milliseconds: Int32) -> [Readiness] {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let count = poll(&polled, nfds_t(polled.count), milliseconds)
    return polled.map {
      if count <= 0 { return .nothing }
      if $0.revents & Int16(POLLIN) != 0 { return .readable }
      return $0.revents == 0 ? .nothing : .ended
    }
  }
}
