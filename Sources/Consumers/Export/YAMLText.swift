import ModelFiles
import Yams

/// YAML of what is easily said in JSON.
enum YAMLText {
  /// The text; keys that look like whole numbers are numbers, as they may be in YAML.
  static func of(_ value: JSONValue) -> String {
    // An error can only be one of the emitter's own, which has no reason to occur for such nodes.
    (try? Yams.serialize(node: node(value), width: -1, sortKeys: false)) ?? ""
  }

  private static func node(_ value: JSONValue) -> Node {
    switch value {
    case .null: return Node("null", Tag(.null))
    case .bool(let isTrue): return Node(isTrue ? "true" : "false", Tag(.bool))
    case .number(let number):
      return Node(number.text, Tag(number.int == nil ? .float : .int))
    case .string(let text):
      // Names with a star, or that look like something else, must stay texts.
      let isPlain =
        text.first.map { $0.isLetter } ?? false
        && text.allSatisfy { $0.isLetter || $0.isNumber || "._-/".contains($0) }
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(
          text.lowercased())
      return .scalar(Node.Scalar(text, Tag(.str), isPlain ? .plain : .doubleQuoted))
    case .array(let elements):
      let isFlat = elements.isEmpty
      return .sequence(
        Node.Sequence(elements.map(node), Tag(.seq), isFlat ? .flow : .block))
    case .object(let object):
      let pairs = object.members.map { member -> (Node, Node) in
        let isNumber = Int(member.key) != nil
        let key = isNumber ? Node(member.key, Tag(.int)) : node(.string(member.key))
        return (key, node(member.value))
      }
      let isFlat = object.members.allSatisfy { member in
        switch member.value {
        case .array, .object: false
        default: true
        }
      }
      return .mapping(Node.Mapping(pairs, Tag(.map), isFlat ? .flow : .block))
    }
  }
}
