// What the operating system is asked for, in one place: files, folders, the environment.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Questions to the operating system that need no open file.
enum Platform {
  enum Kind { case file, folder, other, missing }

  /// What a path leads to, symbolic links followed.
  static func kind(of path: String) -> Kind {
    var status = stat()
    guard !path.utf8.contains(0), stat(path, &status) == 0 else { return .missing }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// The names in a folder in order, without hidden ones; nil if it can't be listed.
  static func names(inFolder path: String) -> [String]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { naturalOrder($0, $1) }
  }

  /// The path with symbolic links resolved; nil if it leads nowhere.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The memory of the machine in bytes; nil if the system doesn't say.
  static var physicalMemory: Int? {
    #if canImport(Darwin)
      var bytes: UInt64 = 0
      var size = MemoryLayout.size(ofValue: bytes)
      guard sysctlbyname("hw.memsize", &bytes, &size, nil, 0) == 0 else { return nil }
      return Int(exactly: bytes)
    #else
      let pages = sysconf(Int32(_SC_PHYS_PAGES))
      let pageSize = sysconf(Int32(_SC_PAGESIZE))
      guard pages > 0, pageSize > 0 else { return nil }
      let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageSize)
      return overflow ? nil : bytes
    #endif
  }

  /// Whether a page of a mapping is in memory; true if the system doesn't say.
  static func isResident(_ page: UnsafeRawPointer) -> Bool {
    let address = UnsafeMutableRawPointer(mutating: page)
    #if canImport(Darwin)
      var state: CChar = 0
    #else
      var state: UInt8 = 0
    #endif
    return mincore(address, 1, &state) != 0 || state & 1 != 0
  }

  /// Tells the system that a part of a file needn't be kept in memory; only a hint.
  static func forgetCached(_ descriptor: Int32, _ range: Range<Int>) {
    #if !canImport(Darwin)
      // On Darwin the mapping's MADV_DONTNEED says as much.
      _ = posix_fadvise(
        descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
    #endif
  }

  /// The text of the last failed system call.
  static func lastErrorText() -> String { String(cString: strerror(errno)) }

  /// The values of the environment variables `names`, as far as they are set and not empty.
  static func environment(_ names: [String]) -> [String: String] {
    var values: [String: String] = [:]
    for name in names {
      guard let value = getenv(name) else { continue }
      let text = String(cString: value)
      if !text.isEmpty { values[name] = text }
    }
    return values
  }
}

/// Paths as text, split and joined at "/".
///
/// In place of NSString's functions: swift-corelibs-foundation traps on names of one character.
public enum Path {
  /// The last component: "c" of "a/b/c" and of "a/b/c/".
  public static func name(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// What the last component lies in: "a/b" of "a/b/c", "." of "c".
  public static func folder(_ path: String) -> String {
    let trimmed = path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// A path below a folder; a folder "." is left out.
  public static func join(_ folder: String, _ name: String) -> String {
    if folder == "." { return name }
    return folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }
}
