/// Where the program remembers what isn't worth a copy elsewhere: `$XDG_STATE_HOME/bitladder`, or
/// `~/.local/state/bitladder` without that.
enum StateFolder {
  /// The path of a file in it; nil where there is no home.
  static func path(_ environment: [String: String], _ name: String) -> String? {
    if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
      return "\(folder)/bitladder/\(name)"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/.local/state/bitladder/\(name)"
  }
}
