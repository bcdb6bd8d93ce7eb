import Dispatch
import Foundation

/// Does something before a signal ends the program. Signals that are ignored stay so: `nohup` means it.
struct Interruptions {
  private let sources: [(signal: Int32, source: any DispatchSourceSignal)]

  /// - Parameter cleaning: what to do; on another thread.
  init(_ cleaning: @Sendable @escaping () -> Void) {
    sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
      let former = unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
      guard former != unsafeBitCast(SIG_IGN, to: Int.self) else { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        cleaning()
        signal(number, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(number)
      }
      source.resume()
      return (number, source)
    }
  }

  /// Leaves signals to themselves again, as far as they hadn't come.
  func end() {
    for (number, source) in sources {
      source.cancel()
      signal(number, SIG_DFL)
    }
  }
}
