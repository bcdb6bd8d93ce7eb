import ModelFiles

/// Why a plan couldn't be written into a file, in one sentence that is safe for a terminal; nothing was written.
public struct ApplyFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// A failure in words.
  public init(_ description: String) { self.description = description }
}

/// What is said of a file that isn't as it was when it was opened.
func changedSource(_ file: MappedFile) -> ApplyFailure {
  ApplyFailure(
    "\(file.path.sanitised): changed or cut short while it was read; nothing was written")
}
