import Foundation
import Testing

@testable import Terminal

@Suite struct ScreenTests {
  @Test func memoryScreen() {
    let screen = MemoryScreen(
      size: Size(columns: 4, rows: 2), depth: .eight, glyphs: .ascii,
      events: [.key(.enter), .resize(Size(columns: 3, rows: 1))])
    var canvas = Canvas(size: Size(columns: 9, rows: 1))
    canvas.write("a层cdef", at: Point(column: 0, row: 0), style: Style(foreground: .indexed(196)))
    screen.show(canvas)
    #expect(screen.canvas.text == ["a? c", ""])
    #expect(screen.canvas.legend == ["a = 1"])
    #expect(screen.events(timeout: nil).count == 2)
    #expect(screen.events(timeout: nil).isEmpty)
    #expect(screen.size == Size(columns: 3, rows: 1))
    #expect(screen.frames == 1)
  }

  @Test func mailbox() {
    let mailbox = Mailbox<Int>()
    #expect(mailbox.drain().isEmpty)
    let threads = 4
    let each = 5000
    for thread in 0..<threads {
      Thread.detachNewThread {
        for number in 0..<each { mailbox.post(thread * each + number) }
      }
    }
    var received: [Int] = []
    let end = ContinuousClock.now + .seconds(60)
    while received.count < threads * each, ContinuousClock.now < end {
      // Nothing may be left lying without the pipe saying so.
      _ = System.wait(for: [mailbox.wake.descriptor], milliseconds: 10_000)
      received += mailbox.drain()
    }
    #expect(received.count == threads * each)
    for thread in 0..<threads {
      let own = received.filter { $0 / each == thread }
      #expect(own == Array(thread * each..<(thread + 1) * each))
    }
    #expect(System.wait(for: [mailbox.wake.descriptor], milliseconds: 0) == [.nothing])
  }

  @Test(arguments: [
    (
      TerminalError.notATerminal(.output),
      "standard output is not a terminal: run it in one, or use a command that prints its results (see --help)"
    ),
    (
      .termUnset,
      "TERM is not set: set it to the kind of your terminal (xterm-256color), or use a command that prints its results (see --help)"
    ),
    (
      .termDumb("du\u{1B}mb"),
      "TERM=du?mb can't move its cursor: set TERM to the kind of your terminal (xterm-256color), or use a command that prints its results (see --help)"
    ),
  ])
  func errors(error: TerminalError, expected: String) { #expect(error.description == expected) }
}
