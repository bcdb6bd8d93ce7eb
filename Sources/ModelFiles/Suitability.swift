/// Why a tensor is taken for a part of packed weights.
public enum PackedPart: Sendable, Hashable {
  /// Its name alone says so.
  case named
  /// Its whole was found, but isn't decoded: of which kind, and why not.
  case found(String)
}

/// Whether a tensor is worth quantizing.
///
/// Decided here and nowhere else.
public enum Suitability: Sendable, Hashable {
  /// It is: at least two dimensions, weights that can be read (quantized already or not), large enough, and
  /// a matrix.
  case quantizable
  /// It keeps the type it has, and why.
  case kept(Reason)

  /// Tensors of fewer weights are kept: quantizing them saves nothing.
  public static let fewestWeights = 1024

  /// Why a tensor is kept.
  ///
  /// Its description is a short phrase for people.
  public enum Reason: Sendable, Hashable, CustomStringConvertible {
    /// A normalisation.
    case norm
    /// A bias.
    case bias
    /// One dimension only, or one that is not 1.
    case oneDimensional
    /// So few weights.
    case tiny(Int)
    /// Numbers of a type that are no floating-point weights.
    case notFloating(SourceType)
    /// Blocks of a type that is quantized already and can't be read.
    case alreadyQuantized(String)
    /// Codes, scales or the like of packed weights that aren't joined: of which kind, and why not.
    case partOfPacked(String)
    /// A floating-point type that can't be read.
    case unreadable(SourceType)
    /// The router of a mixture of experts.
    case router
    /// Embeddings of positions or token types.
    case positions
    /// No weights at all.
    case empty

    /// A short phrase for people.
    public var description: String {
      switch self {
      case .norm: "norm"
      case .bias: "bias"
      case .oneDimensional: "one dimension"
      case .tiny(let count): "tiny: \(counted(count, "weight"))"
      case .notFloating(let type): "not floating point: \(type)"
      case .alreadyQuantized(let type): "already quantized: \(type)"
      case .partOfPacked(let kind): kind
      case .unreadable(let type): "unreadable type: \(type)"
      case .router: "router"
      case .positions: "positions"
      case .empty: "empty"
      }
    }
  }

  /// Whether it is worth quantizing.
  public var isQuantizable: Bool { self == .quantizable }

  /// Whether its numbers are weights, which count for errors: integers, such as the numbers of positions, aren't.
  public var isWeights: Bool { if case .kept(.notFloating) = self { false } else { true } }

  /// Why not, in a short phrase; nil if it is worth it.
  public var reason: String? {
    if case .kept(let reason) = self { reason.description } else { nil }
  }

  /// Decides for a tensor by what its file and its name say.
  /// - Parameters:
  ///   - packing: how its weights are packed, if they are.
  ///   - partOf: what kind of packed weights it is a part of.
  public static func of(
    source: SourceType, role: Role, shape: [Int], packing: TensorPacking? = nil,
    partOf: PackedPart? = nil
  ) -> Suitability {
    let weightCount = elementCount(shape) ?? 0
    if weightCount == 0 { return .kept(.empty) }
    if source.isQuantized {
      if packing == nil, !source.isRequantizable {
        return .kept(.alreadyQuantized(source.rawValue))
      }
    } else {
      if case .found(let kind)? = partOf { return .kept(.partOfPacked(kind)) }
      if !source.isFloatingPoint { return .kept(.notFloating(source)) }
    }
    switch role {
    case .norm: return .kept(.norm)
    case .bias: return .kept(.bias)
    case .router: return .kept(.router)
    case .positionEmbedding: return .kept(.positions)
    default: break
    }
    if partOf != nil { return .kept(.partOfPacked("part of packed weights")) }
    if source == .f8E4M3FNUZ || source == .f8E5M2FNUZ { return .kept(.unreadable(source)) }
    // A row or a column in more dimensions, such as [1, 1, 768], is still one vector.
    if shape.count(where: { $0 > 1 }) < 2 && weightCount > 1 || shape.count < 2 {
      return .kept(.oneDimensional)
    }
    if weightCount < fewestWeights { return .kept(.tiny(weightCount)) }
    return .quantizable
  }
}
