import ModelFiles
import Planning
import Testing

/// Totals of a plan file that aren't those of its tensors.
struct PlanSumsTests {
  /// The sample plan with the error of its second tensor known.
  private func plan() throws -> Plan {
    var plan = try samplePlan()
    plan.tensors[1].nmse = 0.05
    plan.totals.nmse = 0.03
    plan.totals.sqnr = 15.228_787_452_803_376
    return plan
  }

  @Test func whatIsRightStays() throws {
    for original in [try plan(), try samplePlan()] {
      var plan = original
      let note = plan.correctTotals()
      #expect(note == nil && plan == original)
    }
  }

  @Test func sumsAreThoseOfTheTensors() throws {
    var plan = try plan()
    let right = plan.totals
    plan.totals.bytes = 12
    plan.totals.bitsPerWeight = 0.25
    let note = plan.correctTotals()
    #expect(note == "12 bytes, not 4480, 0.25 bits a weight, not 4.341085271317829")
    #expect(plan.totals == right)
    let again = plan.correctTotals()
    #expect(again == nil)
  }

  /// Rounded by hand, as people do.
  @Test func roundedBitsAreNoFault() throws {
    var plan = try plan()
    plan.totals.bitsPerWeight = 4.34
    let note = plan.correctTotals()
    #expect(note == nil)
  }

  @Test(arguments: [0.051, 1e308]) func anErrorThatNoMeanCanGiveIsDropped(nmse: Double) throws {
    var plan = try plan()
    plan.totals.nmse = nmse
    let note = plan.correctTotals()
    #expect(note?.contains("an NMSE of ") == true)
    #expect(plan.totals.nmse == nil && plan.totals.sqnr == nil)
  }

  /// The whole can't be better than the best of its tensors either.
  @Test func norOneThatIsTooSmall() throws {
    var plan = try plan()
    plan.tensors.removeLast()
    plan.totals = Plan.Sums(bytes: 4_352, bitsPerWeight: 4.25, nmse: 0.012, sqnr: nil)
    let note = plan.correctTotals()
    #expect(note == "an NMSE of 0.012")
    #expect(plan.totals.nmse == nil)
  }

  @Test func decibelsFollowTheError() throws {
    var plan = try plan()
    plan.totals.sqnr = 60
    let note = plan.correctTotals()
    #expect(note == "an SQNR of 60.0 dB")
    #expect(abs(try #require(plan.totals.sqnr) - 15.2288) < 1e-4)
    plan.totals.nmse = nil
    let other = plan.correctTotals()
    #expect(other != nil && plan.totals.sqnr == nil)
  }

  @Test func aPlanWithoutTensorsHasNoBits() throws {
    var plan = try samplePlan()
    plan.tensors = []
    let note = plan.correctTotals()
    #expect(note != nil)
    #expect(plan.totals == Plan.Sums(bytes: 0, bitsPerWeight: 0, nmse: nil, sqnr: nil))
  }
}
