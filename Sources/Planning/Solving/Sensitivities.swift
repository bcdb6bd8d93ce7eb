import ModelFiles
import Quantization

/// What quantizing one tensor alone does to a model's outputs, tensor by tensor and format by format.
public struct Sensitivities: Sendable, Equatable {
  /// One tensor in one format.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name.
    public var tensor: String
    /// The format.
    public var format: Format
    /// How far the outputs are from the source's then: the mean KL divergence, or 1 - the mean cosine.
    public var distance: Double
    /// An interval that holds it in 95 of 100 cases, where one is known.
    public var interval: ClosedRange<Double>?

    /// An entry from its parts.
    public init(
      tensor: String, format: Format, distance: Double, interval: ClosedRange<Double>? = nil
    ) {
      self.tensor = tensor
      self.format = format
      self.distance = distance
      self.interval = interval
    }
  }

  /// The model that was run.
  public var model: Plan.ModelIdentity
  /// What it was run on, for people.
  public var data: String
  /// How many sequences or samples.
  public var samples: Int
  /// What was found, in the model's order.
  public var entries: [Entry]

  /// Sensitivities from their parts.
  public init(model: Plan.ModelIdentity, data: String, samples: Int, entries: [Entry]) {
    self.model = model
    self.data = data
    self.samples = samples
    self.entries = entries
  }

  /// What a solver is to be given so that its sum of squared errors becomes the sum of these distances. Formats
  /// without one are left out.
  ///
  /// Small effects add up: a sum of distances is what a plan's own is about.
  public func options(for tensors: [TensorOptions]) -> [TensorOptions] {
    var known: [ExactText: [Format: Double]] = [:]
    for entry in entries {
      known[ExactText(entry.tensor), default: [:]][entry.format] = max(0, entry.distance)
    }
    return tensors.map { tensor in
      var tensor = tensor
      let distances = known[ExactText(tensor.tensor.name)] ?? [:]
      // The figure is the sum over that of these, which are 1 together.
      tensor.squares = 1 / Double(tensors.count)
      tensor.weightedSquares = nil
      tensor.options = tensor.options.compactMap { option in
        var option = option
        option.weightedError = nil
        guard let format = option.choice.format else { return option }
        guard let distance = distances[format], distance.isFinite else { return nil }
        option.squaredError = distance
        return option
      }
      return tensor
    }
  }
}

// MARK: - The file

extension Sensitivities {
  /// The version of the file.
  private static let version = 1

  /// The object that stands for it in a file.
  public var json: JSONValue {
    var tensors: [(name: String, formats: [JSONValue])] = []
    for entry in entries {
      let value: JSONValue = [
        "format": .string(entry.format.description), "distance": JSONValue(entry.distance),
        "interval": entry.interval.map {
          .array([JSONValue($0.lowerBound), JSONValue($0.upperBound)])
        } ?? .null,
      ]
      if tensors.last?.name != entry.tensor { tensors.append((entry.tensor, [])) }
      tensors[tensors.count - 1].formats.append(value)
    }
    return [
      "bitladder-sensitivities": JSONValue(Self.version), "model": PlanFile.json(of: model),
      "data": .string(data), "samples": JSONValue(samples),
      "tensors": .array(
        tensors.map { ["name": .string($0.name), "formats": .array($0.formats)] }),
    ]
  }

  /// Reads a file's text.
  /// - Parameter path: of the file, for messages.
  public init(parsing bytes: [UInt8], path: String) throws(ModelFileError) {
    func flaw(_ key: String, _ expected: String) -> ModelFileError {
      ModelFileError(path: path, place: .key(key), found: "something else", expected: expected)
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONParser.parse(bytes)
    } catch {
      throw ModelFileError(
        path: path, place: .byte(error.offset), found: error.found, expected: error.expected)
    }
    guard json["bitladder-sensitivities"]?.int == Self.version else {
      throw flaw("bitladder-sensitivities", "\(Self.version): a file that `sensitivity` wrote")
    }
    let model = json["model"]
    self.init(
      model: Plan.ModelIdentity(
        name: model?["name"]?.string ?? "", architecture: model?["architecture"]?.string,
        fingerprint: model?["fingerprint"]?.string ?? "", weights: model?["weights"]?.int ?? 0,
        bytes: model?["bytes"]?.int ?? 0),
      data: json["data"]?.string ?? "", samples: json["samples"]?.int ?? 0, entries: [])
    guard let tensors = json["tensors"]?.array else { throw flaw("tensors", "a list") }
    for tensor in tensors {
      guard let name = tensor["name"]?.string, let formats = tensor["formats"]?.array else {
        throw flaw("tensors", "names with formats")
      }
      for value in formats {
        guard let text = value["format"]?.string, let format = try? Format(parsing: text),
          let distance = value["distance"]?.double
        else { throw flaw("formats", "formats with distances") }
        let ends = value["interval"]?.array?.compactMap(\.double) ?? []
        entries.append(
          Entry(
            tensor: name, format: format, distance: distance,
            interval: ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil))
      }
    }
  }
}
