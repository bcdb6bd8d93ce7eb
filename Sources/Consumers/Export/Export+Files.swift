import ModelFiles
import Planning

/// Why an export wasn't written, or not all of it.
public enum ExportFailure: Error, Sendable, Hashable {
  /// These files are there already; nothing was written.
  case exists([String])
  /// A file couldn't be written.
  case notSaved(path: String, SaveFailure)
}

extension Export {
  /// Where its files go, for an export that was made for the name of this path: beside each other.
  public func paths(to output: String) -> [String] {
    let folder = output.lastIndex(of: "/").map { String(output[...$0]) } ?? ""
    let name = Self.fileName(output)
    return files.map { $0.name == name ? output : folder + $0.name }
  }

  /// Writes its files, each whole or not at all.
  /// - Returns: their paths.
  @discardableResult
  public func write(to output: String, overwriting: Bool) throws(ExportFailure) -> [String] {
    let paths = paths(to: output)
    let present = paths.filter { FileStamp(path: $0) != nil }
    guard overwriting || present.isEmpty else { throw .exists(present) }
    for (file, path) in zip(files, paths) {
      do throws(SaveFailure) {
        try AtomicFile.write(
          Array(file.text.utf8), to: path, expecting: overwriting ? .anything : .absent)
      } catch {
        throw error == .exists ? .exists([path]) : .notSaved(path: path, error)
      }
    }
    return paths
  }

  /// The name of the file at a path.
  public static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  // MARK: - Problems, for people

  /// Tensors with the same trouble.
  public struct ProblemGroup: Sendable, Equatable {
    /// What the plan says.
    public let asked: Choice
    /// Why not, in a few words.
    public let reason: String
    /// What comes nearest.
    public let instead: Choice
    /// Their names in the plan, in its order.
    public var tensors: [String] = []
    /// What that takes more.
    public var extraBytes = 0
  }

  /// The problems by what is asked, why not and what comes nearest, in the order of the first of each.
  public var problemGroups: [ProblemGroup] {
    struct Kind: Hashable {
      let asked: Choice
      let reason: String
      let instead: Choice
    }
    var groups: [ProblemGroup] = []
    var places: [Kind: Int] = [:]
    for problem in problems {
      let kind = Kind(asked: problem.asked, reason: problem.reason, instead: problem.instead)
      let place = places[kind, default: groups.count]
      if place == groups.count {
        places[kind] = place
        groups.append(
          ProblemGroup(asked: problem.asked, reason: problem.reason, instead: problem.instead))
      }
      groups[place].tensors.append(problem.tensor)
      groups[place].extraBytes += problem.extraBytes
    }
    return groups
  }
}
