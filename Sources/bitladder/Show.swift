import ArgumentParser
import Explorer
import Foundation
import ModelFiles
import Planning

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print a plan file.")

  @Argument(help: "The plan file.")
  var plan: String

  @Flag(help: "Print one JSON object: the plan file itself.")
  var json = false

  func run() throws {
    guard let read = try readPlan(plan, mayBeAbsent: false) else { return }
    let plan = read.plan
    if json {
      try emit(PlanFile.text(of: plan))
      return
    }
    var table = Table(["tensor", "shape", "source", "format", "bpw", "size", "NMSE", ""])
    table.rightAligned = [4, 5, 6]
    for entry in plan.tensors {
      table.add([
        entry.name.sanitised, shapeText(entry.shape, times: "x"), entry.source.sanitised,
        entry.choice.description, Figures.bits(entry.bitsPerWeight), Figures.bytes(entry.bytes),
        entry.choice == .source ? "" : entry.nmse.map(Figures.percent) ?? "?",
        entry.isPinned ? "pinned" : "",
      ])
    }
    let totals = plan.totals
    let error = totals.nmse.map { "NMSE \(Figures.percent($0))" } ?? "NMSE not measured"
    let decibels = totals.sqnr.map { ", \(Figures.decibels($0))" } ?? ""
    try emit(
      table.text + "\(plan.model.name.sanitised): \(Figures.bytes(plan.model.bytes)) -> "
        + "\(Figures.bytes(totals.bytes)), \(Figures.bits(totals.bitsPerWeight)) bpw, "
        + error + decibels + "\n")
  }
}
