import Foundation
import ModelFiles
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// A mixture of twenty thousand tensors.
struct HugeModelTests {
  @Test func twentyThousandTensorsAreExplored() throws {
    let model = try SampleModel.huge().open()
    #expect(model.tensors.count == 20_000)
    var state = State(model: model)
    state.resize(to: Size(columns: 120, rows: 36))
    _ = state.settle()
    let script = [
      ("move", "jjjjjjjjjj"), ("unfold", "Z"), ("page", "<PgDn*10>"), ("bottom", "G<Up>"),
      ("bits", "4"), ("mark all of a role", "*"), ("bits of the role", "3"), ("undo", "u"),
      ("redo", "<C-r>"), ("search", "/49.mlp.experts.131.down<Enter>"), ("next", "nN"),
      ("filter", "f*experts.7.*<Enter>"), ("unfilter", "<Esc><Esc>"), ("fold", "Z"),
      ("formats", "t4<Esc>"), ("map", "<F2>jjj"), ("colours", "ooo"), ("gains", "jlj"),
      ("all", "G"), ("mark on the map", "k<Space>"), ("layers", "<F1>"), ("help", "?<Esc>"),
      ("device", "d4090<Enter>"), ("list of devices", "d<Down*20>"), ("close", "<Esc>"),
      ("export", "ellama<Enter>"), ("close", "<Esc>"),
    ]
    for (name, keys) in script {
      let events = try KeyScript.parse(keys)
      let clock = ContinuousClock()
      let updates = clock.measure { for event in events { _ = state.update([.input(event)]) } }
      var canvas = Canvas(size: state.size)
      let frame = clock.measure { canvas = state.draw() }
      #expect(canvas.text.count == 36)
      if ProcessInfo.processInfo.environment["TIMES"] != nil {
        print("\(name): \(updates / events.count) a key, \(frame) a frame")
      }
    }
    #expect(state.edits.assignments.count { $0.choice != .source } == 400)
    #expect(state.totals.bytes < state.totals.sourceBytes)
    #expect(state.totals.unmeasured == 20_000)
  }
}
