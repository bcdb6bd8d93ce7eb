import ArgumentParser
import Consumers
import Explorer
import Foundation
import ModelFiles
import Planning

extension Consumer: ExpressibleByArgument {}

struct ExportPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a plan as a quantizer takes it.",
    discussion: """
      CONSUMER is one of
      \(Consumer.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

      Each tensor gets an entry of its own, by its exact name. What the consumer can't express is said for each \
      tensor, and nothing is written unless --nearest accepts what comes nearest.
      """)

  @Argument(help: "The plan file.")
  var plan: String

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("Which program is to take it.", valueName: "consumer"))
  var consumer: Consumer

  @Option(name: .shortAndLong, help: "The file to write; without it, the plan's file is printed.")
  var output: String?

  @Flag(help: "Write what comes nearest where the consumer can't express what the plan says.")
  var nearest = false

  @Option(help: "A JSON object: the consumer's own names of tensors, by their names in the plan.")
  var names: String?

  @Flag(help: "Overwrite files.")
  var force = false

  func run() throws {
    guard let read = try readPlan(plan, mayBeAbsent: false) else { return }
    let export = Export(
      read.plan, for: consumer, names: try readNames(), fileName: output.map(Export.fileName))
    ProblemLines(export).tell()
    guard export.problems.isEmpty || nearest else {
      throw Failure(
        "nothing written: \(consumer.rawValue) can't express what the plan says of "
          + "\(Figures.counted(export.problems.count, "tensor")); --nearest takes what comes nearest"
      )
    }
    for note in export.notes { bitladder.tell("bitladder: note: \(note)") }
    if let output {
      try write(export, to: output)
      bitladder.tell(export.usage.joined(separator: "\n"))
    } else {
      try emit(export.files.first?.text ?? "")
      for file in export.files.dropFirst() {
        bitladder.tell("bitladder: note: with -o, \(file.name.sanitised) is written as well")
      }
    }
  }

  private func readNames() throws -> [String: String] {
    guard let names else { return [:] }
    let object: JSONValue
    do {
      let file = try MappedFile(names)
      let bytes = file.withBytes(in: 0..<min(file.byteCount, 1 << 26)) { bytes in
        bytes.withUnsafeBytes { Array($0) }
      }
      object = try JSONParser.parse(bytes)
    } catch let error as ModelFileError {
      throw Failure(error.description)
    } catch let error as JSONError {
      throw Failure("\(names.sanitised): \(error.description)")
    }
    guard case .object(let members) = object else {
      throw Failure("\(names.sanitised): found \(object.kind), expected an object")
    }
    var result: [String: String] = [:]
    for member in members.members {
      guard let name = member.value.string else {
        throw Failure(
          "\(names.sanitised): \(member.key.sanitised): found \(member.value.kind), expected a string"
        )
      }
      result[member.key] = name
    }
    return result
  }

  private func write(_ export: Export, to output: String) throws(Failure) {
    do throws(ExportFailure) {
      for path in try export.write(to: output, overwriting: force) {
        bitladder.tell("bitladder: wrote \(path.sanitised)")
      }
    } catch {
      switch error {
      case .exists(let paths): throw .exists(paths.first ?? output)
      case .notSaved(let path, let failure):
        throw Failure("\(path.sanitised): \(failure.description)")
      }
    }
  }
}

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a quantizer would make of a plan, before it runs.",
    discussion: """
      Row and group sizes, types that it lacks, what it would put in their place and what that costs, layers that must \
      agree, tensors that it never touches. Exit status 1 if the plan can't be carried out as it is.
      """)

  @Argument(help: "The plan file.")
  var plan: String

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("The program that is to take it (see `export`).", valueName: "consumer"))
  var consumer: Consumer

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    guard let read = try readPlan(plan, mayBeAbsent: false) else { return }
    let export = Export(read.plan, for: consumer)
    if json {
      try emit(JSONWriter(.pretty).string(object(export)))
    } else {
      ProblemLines(export).tell()
      for note in export.notes { bitladder.tell("bitladder: note: \(note)") }
    }
    guard export.problems.isEmpty else {
      let extra = export.problems.reduce(0) { $0 + $1.extraBytes }
      throw Failure(
        "\(consumer.rawValue) can't do this plan as it is: "
          + "\(Figures.counted(export.problems.count, "tensor")) would be otherwise, "
          + "\(Figures.change(bytes: extra)) in all")
    }
    if !json { try emit("\(consumer.rawValue) can do this plan as it is\n") }
  }

  private func object(_ export: Export) -> JSONValue {
    [
      "consumer": .string(export.consumer.rawValue),
      "problems": .array(
        export.problems.map { problem in
          [
            "tensor": .string(problem.tensor), "asked": .string(problem.asked.description),
            "reason": .string(problem.reason), "instead": .string(problem.instead.description),
            "extraBytes": JSONValue(problem.extraBytes),
          ]
        }),
      "notes": .array(export.notes.map { .string($0) }),
    ]
  }
}

/// What a consumer can't express, for people: tensors with the same trouble on one line.
private struct ProblemLines {
  private var lines: [String] = []

  init(_ export: Export) {
    for group in export.problemGroups {
      lines.append(
        "\(group.asked): \(group.reason); nearest: \(group.instead) (\(Figures.change(bytes: group.extraBytes)))"
      )
      lines += group.tensors.map { "  \($0.sanitised)" }
    }
  }

  func tell() { for line in lines { bitladder.tell(line) } }
}
