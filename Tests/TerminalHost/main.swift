// A program for the tests to run in a pseudo-terminal: shows what happens to it, and has keys to end
// in every way there is.
//
//   q quit   t trap here   T trap on another thread   e write to standard error   p print
//   x exit(3)   o use up the stack   h hang (for ever)   m mouse on or off   S show 1,000 styles

import Foundation
import Terminal

let arguments = Set(CommandLine.arguments.dropFirst())
let environment = ProcessInfo.processInfo.environment
let options = TerminalOptions(
  color: arguments.contains("--color=always") ? .always : .auto,
  asciiOnly: arguments.contains("--ascii"), environment: environment)

struct Host {
  var lines: [String] = []
  var keys = 0
  var frames = 0
  var position = 0
  var pasted = 0
  var manyStyles = false

  mutating func handle(_ event: Event) {
    switch event {
    case .key(let key):
      keys += 1
      if key == .up { position -= 1 }
      if key == .down { position += 1 }
      lines.append("key \(key)")
    case .mouse(let mouse):
      lines.append("mouse \(mouse.action) \(mouse.position.column),\(mouse.position.row)")
    case .resize(let size): lines.append("resize \(size)")
    case .paste(let text):
      pasted += text.count
      lines.append("paste \(text.prefix(30))")
    case .wake: lines.append("wake")
    case .terminate(let signal): lines.append("terminate \(signal)")
    }
  }

  func canvas(on screen: any Screen, note: String?) -> Canvas {
    let glyphs = screen.glyphs
    var canvas = Canvas(size: screen.size)
    let inside = canvas.box(canvas.bounds, glyphs: glyphs, title: "host")
    let head = [
      "ready size=\(screen.size) depth=\(screen.depth.rawValue) ascii=\(glyphs.isASCII)",
      "keys=\(keys) position=\(position) pasted=\(pasted) frames=\(frames)",
      "note: \(note ?? "none")",
      "wide 层\u{65}\u{301}|\u{1B}|\u{7F}| \(glyphs.approximately) \(glyphs.arrow)",
    ]
    for (row, line) in (head + lines.suffix(max(0, inside.rows - head.count))).enumerated() {
      let style = row == 0 ? Style(foreground: .green, attributes: .bold) : .standard
      let place = inside.line(row)
      canvas.write(line, at: place.origin, style: style, within: place.columns)
    }
    if manyStyles {
      for cell in 0..<1000 {
        let style = Style(
          foreground: .indexed(UInt8(cell % 256)), background: .indexed(UInt8(cell / 4 % 256)))
        canvas.write(
          "s", at: Point(column: cell % 50 + 20, row: cell / 50 + 5), style: style)
      }
    }
    return canvas
  }
}

/// Never returns; too much is done after the call for it to be a loop.
func deep(_ number: Int) -> Int { number < 0 ? 0 : deep(number + 1) + deep(number + 2) % 7 }

/// How long frames take that change nothing, a few cells, and everything, in milliseconds.
func measure(_ terminal: CursesTerminal) -> String {
  var results: [String] = []
  for (name, change) in [("nothing", 0), ("a row", 1), ("everything", 2)] {
    var draw = Duration.zero
    var show = Duration.zero
    let count = 200
    for frame in 0..<count {
      let start = ContinuousClock.now
      var canvas = Canvas(size: terminal.size)
      for row in 0..<canvas.size.rows {
        let turn = change == 2 || change == 1 && row == 7 ? frame : 0
        for column in stride(from: 0, to: canvas.size.columns, by: 10) {
          // So mixed that no row is another one of the frame before: curses would scroll.
          let number = (row * 71 + column * 37 + turn * 129) &* (turn + 1) % 8999
          canvas.write(
            "▌ten\(1000 + number)┤─", at: Point(column: column, row: row),
            style: Style(foreground: .indexed(UInt8(number % 256))))
        }
      }
      let drawn = ContinuousClock.now
      terminal.show(canvas)
      draw += drawn - start
      show += ContinuousClock.now - drawn
    }
    let (drawn, shown) = (draw / count / .milliseconds(1), show / count / .milliseconds(1))
    results.append("\(name): drawn in \(drawn) ms, shown in \(shown) ms")
  }
  return results.joined(separator: "\n")
}

do {
  let mailbox = Mailbox<String>()
  let terminal = try CursesTerminal(options, wake: mailbox.wake)
  if arguments.contains("--measure") {
    let size = terminal.size
    let results = measure(terminal)
    terminal.close()
    print("frames of \(size)\n\(results)")
    exit(0)
  }
  var host = Host()
  if arguments.contains("--post") {
    Thread.detachNewThread { mailbox.post("hello from a thread") }
  }
  var signal: Int32?
  loop: while true {
    host.frames += 1
    terminal.show(host.canvas(on: terminal, note: terminal.note))
    for event in terminal.events(timeout: nil) {
      host.handle(event)
      host.lines += mailbox.drain()
      switch event {
      case .key(.character("q")): break loop
      case .key(.character("t")):
        let none: [Int] = []
        print(none[arguments.count])
      case .key(.character("T")):
        Thread.detachNewThread {
          let none: [Int] = []
          print(none[arguments.count])
        }
      case .key(.character("e")):
        FileHandle.standardError.write(Data("to standard error\n".utf8))
      case .key(.character("p")): print("to standard output")
      case .key(.character("x")): exit(3)
      case .key(.character("o")): print(deep(arguments.count))
      case .key(.character("h")):
        terminal.show(host.canvas(on: terminal, note: "hanging"))
        while true { usleep(1000) }
      case .key(.character("m")): terminal.mouse.toggle()
      case .key(.character("S")): host.manyStyles = true
      case .terminate(let number):
        signal = number
        break loop
      default: break
      }
    }
  }
  terminal.close()
  for argument in arguments where argument.hasPrefix("--saved=") {
    _ = FileManager.default.createFile(atPath: String(argument.dropFirst(8)), contents: Data())
  }
  if let signal {
    print("saved before signal \(signal)")
    CursesTerminal.end(bySignal: signal)
  }
  print("bye")
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
