import CTerminal
import Synchronization

/// Messages from other threads to the run loop.
///
/// Any thread may post; the loop waits for `wake` to become readable, then drains.
public final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  /// Tells the loop that there is something.
  public let wake = WakePipe()

  /// Makes an empty one.
  public init() {}

  /// Adds a message and wakes the loop, without waiting.
  public func post(_ message: Message) {
    let isFirst = messages.withLock { messages in
      messages.append(message)
      return messages.count == 1
    }
    if isFirst { wake.ring() }
  }

  /// All messages since the last call, in the order in which they were posted.
  public func drain() -> [Message] {
    // In this order: what is posted in between rings again.
    wake.silence()
    return messages.withLock { messages in
      let all = messages
      messages = []
      return all
    }
  }
}

/// A pipe that doesn't block, with which any thread can wake a loop that waits in poll.
public final class WakePipe: Sendable {
  /// Readable when it rang; -1 if the system had no pipe left.
  public let descriptor: Int32
  private let writer: Int32

  /// Makes one.
  public init() {
    var ends: [Int32] = [-1, -1]
    _ = ct_pipe(&ends)
    descriptor = ends[0]
    writer = ends[1]
  }

  deinit {
    if descriptor >= 0 {
      System.closeDescriptor(descriptor)
      System.closeDescriptor(writer)
    }
  }

  /// Makes `descriptor` readable.
  public func ring() {
    if writer >= 0 { System.ring(writer) }
  }

  /// Makes it unreadable again.
  public func silence() { System.drain(descriptor) }
}
