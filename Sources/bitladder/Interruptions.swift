import Dispatch
import Foundation

/// Does something before a signal ends the program.
struct Interruptions {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter cleaning: what to do; on another thread.
  init(_ cleaning: @Sendable @escaping () -> Void) {
    sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
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
      return source
    }
  }

  /// Leaves signals to themselves again, as far as they hadn't come.
  func end() { sources.forEach { $0.cancel() } }
}
