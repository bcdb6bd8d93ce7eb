#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A regular file mapped read-only into memory; it stays mapped as long as the object lives.
///
/// Opening reads nothing. Pages come in when they are touched.
///
/// Sendable unchecked: the mapping is never written, and nothing else of the object changes.
public final class MappedFile: @unchecked Sendable {
  /// The path that it was opened by.
  public let path: String
  /// The size of the file when it was opened, in bytes.
  public let byteCount: Int

  private let bytes: UnsafeRawBufferPointer
  /// nil for bytes that are in memory.
  private let descriptor: Int32?
  private let guardSlot: Int?

  /// The last component of the path.
  public var name: String { Path.name(path) }

  /// Maps a file.
  ///
  /// Throws if there is none, if it may not be read, and if it is no regular file (a folder, a
  /// pipe, a device); never waits.
  public init(_ path: String) throws(ModelFileError) {
    func failure(_ found: String, remedy: String? = nil) -> ModelFileError {
      ModelFileError(path: path, found: found, expected: "a readable file", remedy: remedy)
    }
    if path.utf8.contains(0) { throw failure("a NUL in the path") }
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw failure(Platform.lastErrorText().lowercasedFirst) }
    var keep = false
    defer { if !keep { close(descriptor) } }

    var status = stat()
    if fstat(descriptor, &status) != 0 { throw failure(Platform.lastErrorText().lowercasedFirst) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw failure("a folder")
    case S_IFIFO: throw failure("a pipe")
    case S_IFSOCK: throw failure("a socket")
    default: throw failure("a device")
    }
    guard let size = Int(exactly: status.st_size), size >= 0 else {
      throw failure("a size of \(status.st_size) bytes")
    }
    if size == 0 {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    } else {
      let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
      guard let start, start != MAP_FAILED else {
        throw failure("that it can't be mapped: \(Platform.lastErrorText().lowercasedFirst)")
      }
      bytes = UnsafeRawBufferPointer(start: start, count: size)
    }
    FaultGuard.installed
    guardSlot = FaultGuard.add(bytes)
    self.path = path
    self.byteCount = size
    self.descriptor = descriptor
    keep = true
  }

  /// A file that was never on disk: a copy of bytes, which end where the file does, so that the address
  /// sanitizer sees a read past the end. For tests that make up files by the million.
  package init(copying bytes: UnsafeRawBufferPointer, path: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyMemory(from: bytes)
    self.bytes = UnsafeRawBufferPointer(copy)
    self.path = path
    byteCount = bytes.count
    descriptor = nil
    guardSlot = nil
  }

  deinit {
    guard let descriptor else {
      bytes.deallocate()
      return
    }
    if let guardSlot { FaultGuard.remove(guardSlot) }
    if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
    close(descriptor)
  }

  /// Whether the file still has all the bytes it had when it was opened.
  ///
  /// Of a file that was cut short, the bytes past the new end read as zeros: ask after reading, and
  /// drop what was read if it is false.
  public var isIntact: Bool {
    guard let descriptor else { return true }
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_size >= byteCount
  }

  /// What tells the file, in the state it is in now, from all others; nil if the system doesn't say.
  public var identity: FileIdentity? {
    guard let descriptor else { return nil }
    var status = stat()
    return fstat(descriptor, &status) == 0 ? FileIdentity(status) : nil
  }

  /// The bytes in `range`, which is cut to what the file has; none if it was cut short meanwhile.
  public func withBytes<R, E>(
    in range: Range<Int>, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let safe = isIntact ? range.clamped(to: 0..<byteCount) : 0..<0
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(rebasing: bytes[safe]).bytes)
  }

  /// The whole file, for the readers of headers.
  ///
  /// The pointer must not leave the closure.
  func withUnsafeBytes<R, E>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  /// Makes sure that reading a file that is cut short meanwhile doesn't end the program.
  ///
  /// The first file that is opened does this; again only for who has taken SIGBUS since.
  public static func surviveTruncation() { FaultGuard.install() }

  /// What the program is about to do with a part of the file.
  public enum Advice: Sendable {
    /// It will be read soon, from front to back.
    case sequential
    /// It will be read soon.
    case willNeed
    /// It won't be read again soon: its pages may go.
    case dontNeed
    /// It won't be read again soon by anyone: the system may forget it too.
    case giveBack
  }

  /// Whether the page that holds a byte is in memory, as far as the system says.
  public func isResident(at offset: Int) -> Bool {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard descriptor != nil, let start = bytes.baseAddress, 0..<byteCount ~= offset, page > 0
    else { return true }
    return Platform.isResident(start + offset / page * page)
  }

  /// Tells the kernel about coming reads of `range`; only a hint.
  public func advise(_ advice: Advice, in range: Range<Int>) {
    let safe = range.clamped(to: 0..<byteCount)
    guard let descriptor, let start = bytes.baseAddress, !safe.isEmpty else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard page > 0 else { return }
    let first = safe.lowerBound / page * page
    let flag =
      switch advice {
      case .sequential: MADV_SEQUENTIAL
      case .willNeed: MADV_WILLNEED
      case .dontNeed, .giveBack: MADV_DONTNEED
      }
    _ = madvise(
      UnsafeMutableRawPointer(mutating: start + first), safe.upperBound - first, Int32(flag))
    if case .giveBack = advice { Platform.forgetCached(descriptor, safe) }
  }
}

extension String {
  /// The text with a small first letter: the system's messages within a sentence.
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
