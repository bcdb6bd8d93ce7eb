import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps the program alive when a file is cut short while its pages are being read.
///
/// The kernel answers a read past the new end with SIGBUS. The handler puts a page of zeros where
/// the file's page was, if the address lies in a mapping of ours, and the read goes on; whoever
/// reads asks `MappedFile.isIntact` afterwards and drops what it made of the zeros. Faults
/// elsewhere go to whoever handled SIGBUS before.
///
/// The handler only loads atomics and maps a page. The table is fixed, so that it never moves while
/// the handler looks at it; mappings beyond its size are merely not guarded.
enum FaultGuard {
  /// Takes SIGBUS, from now on or again.
  static func install() {
    // The table is made now: the handler must not be the first to touch it.
    _ = table
    _ = pageSize
    var action = sigaction()
    #if canImport(Darwin)
      action.__sigaction_u.__sa_sigaction = handler
    #else
      action.__sigaction_handler.sa_sigaction = handler
    #endif
    action.sa_flags = Int32(SA_SIGINFO)
    var former = sigaction()
    guard sigaction(SIGBUS, &action, &former) == 0 else { return }
    previous.withLock { saved in
      if saved == nil { saved = Former(action: former) }
    }
  }

  /// Takes SIGBUS the first time it is asked for.
  static let installed: Void = install()

  /// Guards a mapping until `remove`; the number to remove it by, nil if the table is full.
  static func add(_ mapping: UnsafeRawBufferPointer) -> Int? {
    guard let start = mapping.baseAddress else { return nil }
    let first = UInt(bitPattern: start)
    for slot in 0..<capacity {
      let free = table[slot].end.compareExchange(
        expected: 0, desired: 1, ordering: .acquiringAndReleasing)
      if free.exchanged {
        table[slot].start.store(first, ordering: .releasing)
        table[slot].end.store(first + UInt(mapping.count), ordering: .releasing)
        return slot
      }
    }
    return nil
  }

  /// Ends the guard of a mapping.
  static func remove(_ slot: Int) {
    table[slot].end.store(0, ordering: .releasing)
  }

  private struct Slot: ~Copyable {
    let start = Atomic<UInt>(0)
    /// The end of the mapping; 0 for a free slot, 1 for one that is being filled.
    let end = Atomic<UInt>(0)
  }

  private struct Former: @unchecked Sendable { var action: sigaction }

  private static let capacity = 4096
  private static let previous = Mutex<Former?>(nil)
  private static let pageSize = UInt(max(4096, sysconf(Int32(_SC_PAGESIZE))))

  /// Written only through its atomics; lives as long as the program.
  nonisolated(unsafe) private static let table: UnsafeMutablePointer<Slot> = {
    let table = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    for slot in 0..<capacity { (table + slot).initialize(to: Slot()) }
    return table
  }()

  private static let handler:
    @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void = {
      signal, information, _ in
      #if canImport(Darwin)
        let fault = UInt(bitPattern: information?.pointee.si_addr)
      #else
        let fault = UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
      #endif
      if FaultGuard.putZeros(at: fault) { return }
      // Not ours: give the signal back, and let the read fault again.
      FaultGuard.restore(signal)
    }

  /// Whether the address lies in a guarded mapping, whose page there is zeros now.
  private static func putZeros(at address: UInt) -> Bool {
    for slot in 0..<capacity {
      let end = table[slot].end.load(ordering: .acquiring)
      guard end > 1, address < end, address >= table[slot].start.load(ordering: .acquiring) else {
        continue
      }
      let page = UnsafeMutableRawPointer(bitPattern: address / pageSize * pageSize)
      let flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
      return mmap(page, Int(pageSize), PROT_READ, Int32(flags), -1, 0) != MAP_FAILED
    }
    return false
  }

  private static func restore(_ signal: Int32) {
    let isRestored = previous.withLockIfAvailable { saved -> Bool in
      guard var former = saved?.action else { return false }
      return sigaction(signal, &former, nil) == 0
    }
    if isRestored == true { return }
    var standard = sigaction()
    sigaction(signal, &standard, nil)
  }
}
