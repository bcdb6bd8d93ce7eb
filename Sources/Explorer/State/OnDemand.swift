import Synchronization

/// A value that is worked out once, when it is first asked for, on whichever thread asks: for what takes a while where
/// there are very many tensors, and may never be needed.
final class OnDemand<Value: Sendable>: Sendable {
  private let make: @Sendable () -> Value
  private let known = Mutex<Value?>(nil)

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  var value: Value {
    known.withLock { known in
      let value = known ?? make()
      known = value
      return value
    }
  }
}
