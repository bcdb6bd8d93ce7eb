import Foundation
import ModelFiles

/// Holds JSON against the keywords of JSON Schema (draft 2020-12) that the plan's schema uses. A
/// keyword that it doesn't know is a violation, so that the schema can't outgrow it unseen.
struct SchemaValidator {
  let schema: JSONValue

  /// What a value violates, with the way to it; empty if it holds.
  func violations(of value: JSONValue) -> [String] { Self.check(value, schema, at: "$") }

  private static func check(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
    var violations: [String] = []
    for member in schema.object?.members ?? [] {
      let rule = member.value
      let holds: Bool
      switch member.key {
      case "$schema", "title", "description": holds = true
      case "const": holds = value == rule
      case "type":
        let types = rule.array?.compactMap(\.string) ?? [rule.string].compactMap { $0 }
        holds = types.contains { isOf($0, value) }
      case "minimum": holds = value.double.map { $0 >= rule.double ?? 0 } ?? true
      case "maximum": holds = value.double.map { $0 <= rule.double ?? 0 } ?? true
      case "minLength":
        holds = value.string.map { $0.unicodeScalars.count >= rule.int ?? 0 } ?? true
      case "pattern":
        holds =
          value.string.map {
            $0.range(of: rule.string ?? "", options: .regularExpression) != nil
          } ?? true
      case "required":
        let names = rule.array?.compactMap(\.string) ?? []
        holds = value.object.map { object in names.allSatisfy { object[$0] != nil } } ?? true
      case "oneOf":
        holds = (rule.array ?? []).count { check(value, $0, at: place).isEmpty } == 1
      case "properties":
        holds = true
        for property in rule.object?.members ?? [] {
          guard let inner = value[property.key] else { continue }
          violations += check(inner, property.value, at: "\(place).\(property.key)")
        }
      case "items":
        holds = true
        for (index, element) in (value.array ?? []).enumerated() {
          violations += check(element, rule, at: "\(place)[\(index)]")
        }
      default: holds = false
      }
      if !holds { violations.append("\(place): \(member.key)") }
    }
    return violations
  }

  private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
    switch (type, value) {
    case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array),
      ("object", .object), ("number", .number):
      true
    case ("integer", .number): value.double.map { $0.rounded() == $0 } ?? false
    default: false
    }
  }
}
