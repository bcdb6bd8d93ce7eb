import ModelFiles
import Terminal

/// Which keys do what: those of the table of actions, changed as the user's configuration says.
///
/// Keys within lists, forms and prompts aren't in it: they are the same for everybody.
public struct KeyMap: Sendable {
  /// The keys of the table.
  public static let standard = KeyMap(changed: [:])

  /// The keys of the actions that were changed, by the action's id.
  private let changed: [String: [Key]]
  private let actions: [View: [Key: Action]]

  private init(changed: [String: [Key]]) {
    self.changed = changed
    actions = Dictionary(
      uniqueKeysWithValues: View.allCases.map { view in
        let bindings = Action.all.filter { $0.views.contains(view) }.flatMap { action in
          (changed[action.id] ?? action.keys).map { ($0, action) }
        }
        return (view, Dictionary(bindings, uniquingKeysWith: { first, _ in first }))
      })
  }

  /// The keys of an action, the one to show first; none if it was unbound.
  func keys(of action: Action) -> [Key] { changed[action.id] ?? action.keys }

  /// The keys of an action by its id.
  func keys(of id: String) -> [Key] {
    changed[id] ?? Action.named(id)?.keys ?? []
  }

  /// The action of a key in a view, if it has one there.
  func action(of key: Key, in view: View) -> Action? { actions[view]?[key] }

  /// Whether the user changed the keys of an action.
  func isChanged(_ action: Action) -> Bool { changed[action.id] != nil }

  // MARK: - Changing it

  /// The standard one with some actions' keys replaced.
  /// - Parameter bindings: ids of actions with the names of their keys, as help writes them; without
  ///   keys an action is unbound.
  public init(bindings: [(action: String, keys: [String])]) throws(KeyMapError) {
    var changed: [String: [Key]] = [:]
    for (id, names) in bindings {
      guard Action.named(id) != nil else {
        throw .unknownAction(id, nearest: Self.nearest(to: id))
      }
      var keys: [Key] = []
      for name in names {
        guard let key = Key(name: name) else { throw .unknownKey(name, action: id) }
        if key == .control("z") { throw .reserved(key, action: id) }
        if !keys.contains(key) { keys.append(key) }
      }
      if keys.isEmpty, Self.indispensable.contains(id) { throw .indispensable(action: id) }
      changed[id] = keys
    }
    let map = KeyMap(changed: changed)
    if let conflict = map.conflict(preferring: bindings.map(\.action)) { throw conflict }
    self = map
  }

  /// Without these there would be no way out, or none to find one.
  private static let indispensable = ["quit", "back"]

  /// Two actions of one view on one key; told of the one that was changed.
  private func conflict(preferring ids: [String]) -> KeyMapError? {
    for id in ids {
      guard let action = Action.named(id) else { continue }
      for key in keys(of: action) {
        let other = Action.all.first { other in
          other.id != id && keys(of: other).contains(key)
            && !other.views.isDisjoint(with: action.views)
        }
        guard let other else { continue }
        let view = View.allCases.first { action.views.intersection(other.views).contains($0) }
        return .conflict(key, action: id, other: other.id, view: view?.title ?? "")
      }
    }
    return nil
  }

  private static func nearest(to id: String) -> [String] {
    let letters = id.lowercased()
    func distance(_ name: String) -> Int { Self.distance(Array(letters), Array(name.lowercased())) }
    let near = Action.all.map { (distance: distance($0.id), id: $0.id) }
      .filter { $0.distance <= max(2, letters.count / 2) || $0.id.lowercased().contains(letters) }
      .sorted { ($0.distance, $0.id) < ($1.distance, $1.id) }
    return near.prefix(3).map(\.id)
  }

  /// How many letters must be put in, taken out or changed.
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    // No action's name is as long.
    guard a.count <= 40 else { return .max }
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let change = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}

/// What is wrong with the keys that a user wants.
public enum KeyMapError: Error, Equatable, Sendable {
  /// There is no such action.
  case unknownAction(String, nearest: [String])
  /// There is no such key.
  case unknownKey(String, action: String)
  /// Two actions of a view on one key.
  case conflict(Key, action: String, other: String, view: String)
  /// A key that always does the same.
  case reserved(Key, action: String)
  /// An action that must keep a key.
  case indispensable(action: String)

  /// The action whose line is wrong.
  public var action: String {
    switch self {
    case .unknownAction(let id, _), .unknownKey(_, let id), .conflict(_, let id, _, _),
      .reserved(_, let id), .indispensable(let id):
      id
    }
  }
}

extension KeyMapError: CustomStringConvertible {
  /// A phrase for the user: what was found, and what can be there.
  public var description: String {
    switch self {
    case .unknownAction(let id, let nearest):
      let near = nearest.isEmpty ? "" : "; the nearest are \(nearest.joined(separator: ", "))"
      return "there is no action '\(Self.printable(id))'\(near); `bitladder keys` lists all"
    case .unknownKey(let name, let id):
      return "\(id): there is no key '\(Self.printable(name))'; keys are written as in help: "
        + Key.exampleNames
    case .conflict(let key, let id, let other, let view):
      return "\(id): \(key.label) is the key of \(other) in \(view) as well; "
        + "give \(other) another key, or none: \(other) = []"
    case .reserved(let key, let id):
      return "\(id): \(key.label) always suspends the program; take another key"
    case .indispensable(let id):
      return "\(id): it must keep a key"
    }
  }

  private static func printable(_ text: String) -> String {
    text.sanitised.truncated(to: 60, mark: "...")
  }
}

extension Action {
  private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  /// The action of an id.
  static func named(_ id: String) -> Action? { byID[id] }
}

extension State {
  /// The key to name for an action, in the characters that the screen has; nil where it has none.
  func key(_ id: String) -> String? { keys.keys(of: id).first?.label(in: glyphs) }

  /// A phrase that begins with an action's key, as in "u takes it back"; empty where it has none.
  func by(_ id: String, _ words: String, after start: String = "") -> String {
    key(id).map { "\(start)\($0) \(words)" } ?? ""
  }

  /// What can be done next, at the end of a message: "   F4 compares, u undoes".
  func ways(_ ways: (id: String, words: String)...) -> String {
    let texts = ways.map { by($0.id, $0.words) }.filter { !$0.isEmpty }
    return texts.isEmpty ? "" : "   " + texts.joined(separator: ", ")
  }
}
