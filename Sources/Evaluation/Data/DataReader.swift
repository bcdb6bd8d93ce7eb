import ModelFiles

/// Reads what a model is run on: text, tokens, pictures with their classes, sentences.
public struct DataReader: Sendable {
  /// The model.
  private let model: Model
  private let network: any Network

  /// Texts larger than this aren't read.
  private static let greatestFile = 1 << 30
  /// llama-perplexity's context, for models that can do more.
  private static let usualContext = 512

  /// - Throws: why the model can't be run.
  public init(_ model: Model) throws(EvaluationError) {
    self.model = model
    network = try NetworkFinder.network(of: model)
  }

  /// What the model's outputs are.
  public var task: Task { network.task }

  /// The tokens that a language model can take in at once; nil: no limit, or it is none.
  public var contextLength: Int? {
    if case .language = network.task { network.contextLength } else { nil }
  }

  /// The data of a file, or the model's own where there is none: for a language model `heldout.txt` beside it, for
  /// a classifier the file that its config.json names, for an encoder a few sentences that the program brings.
  /// - Parameter context: tokens in a sequence; by default as many as the model was made for, 512 at most.
  public func read(_ path: String?, context: Int? = nil) throws(EvaluationError) -> EvaluationData {
    switch network.task {
    case .language: try text(path, context)
    case .classification: try pictures(path)
    case .embedding: try sentences(path)
    }
  }

  /// The file beside the model that is read where no other is given; nil if there is none.
  public var usualPath: String? {
    let name =
      switch network.task {
      case .language: "heldout.txt"
      case .classification: testName
      case .embedding: ""
      }
    return model.filesBeside.first { Path.name($0) == name }
  }

  /// What a classifier's config.json calls its test data.
  private var testName: String {
    model.configuration?["test"]?["file"]?.string ?? "test.safetensors"
  }

  /// What a model is trained on: a file, or `train.txt` beside a language model, `train.safetensors` beside a
  /// classifier.
  public func readTraining(
    _ path: String?, context: Int? = nil
  ) throws(EvaluationError) -> EvaluationData {
    var name = "train.txt"
    if case .classification = network.task { name = "train.safetensors" }
    guard let path = path ?? model.filesBeside.first(where: { Path.name($0) == name }) else {
      throw .data("\(model.name): there is no \(name) beside it; give it its training data")
    }
    return try read(path, context: context)
  }

  // MARK: - Language models

  private func text(_ path: String?, _ context: Int?) throws(EvaluationError) -> EvaluationData {
    guard let path = path ?? usualPath else {
      throw .data("\(model.name): there is no heldout.txt beside it; give it a text to read")
    }
    let most = network.contextLength ?? Self.usualContext
    let context = context ?? min(Self.usualContext, most)
    guard (4...1 << 20).contains(context) else {
      throw .data("sequences of \(context) tokens are too short, or too long")
    }
    let tokens: [Int]
    var beginning: Int?
    if path.hasSuffix(".json") || path.hasSuffix(".safetensors") {
      tokens = try self.tokens(path)
    } else {
      let tokenizer = try Tokenizer(of: model)
      beginning = tokenizer.beginning
      tokens = tokenizer.tokens(try readText(path), readsSpecial: false)
    }
    let data = EvaluationData(
      tokens: tokens, context: context, beginning: beginning, name: Path.name(path))
    guard !data.samples.isEmpty else {
      throw .data(
        "\(path.sanitised): \(tokens.count) tokens don't fill a sequence of \(context)")
    }
    return data
  }

  /// A list of numbers in JSON, or the first tensor of integers in a safetensors file.
  private func tokens(_ path: String) throws(EvaluationError) -> [Int] {
    if path.hasSuffix(".json") {
      guard let list = (try? JSONParser.parse(try readBytes(path)))?.array,
        case let tokens = list.compactMap(\.int), tokens.count == list.count
      else { throw .data("\(path.sanitised): expected a list of whole numbers") }
      return tokens
    }
    let file = try open(path)
    guard let tensor = file.tensors.first(where: { !$0.source.isFloatingPoint }) else {
      throw .data("\(path.sanitised): expected a tensor of whole numbers")
    }
    // Singles hold whole numbers up to 2^24: no vocabulary is larger.
    return try WeightSource(model: file).values(of: tensor, in: nil).map { Int(exactly: $0) ?? -1 }
  }

  // MARK: - Classifiers

  private func pictures(_ path: String?) throws(EvaluationError) -> EvaluationData {
    let test = model.configuration?["test"]
    guard let path = path ?? usualPath else {
      throw .data(
        "\(model.name): there is no \(testName.sanitised) beside it; give it its test data")
    }
    let file = try open(path)
    func tensor(_ name: String) throws(EvaluationError) -> [Float] {
      guard let tensor = file.tensors.first(where: { $0.name == name }) else {
        throw .data("\(path.sanitised): there is no tensor \(name.sanitised)")
      }
      return try WeightSource(model: file).values(of: tensor, in: nil)
    }
    let labels = try tensor(test?["labels"]?.string ?? "labels").map { Int(exactly: $0) ?? -1 }
    let pixels = try tensor(test?["images"]?.string ?? "images")
    guard !labels.isEmpty, pixels.count % labels.count == 0 else {
      throw .data("\(path.sanitised): \(pixels.count) numbers for \(labels.count) pictures")
    }
    let size = pixels.count / labels.count
    let samples = labels.indices.map {
      Sample.picture(Array(pixels[$0 * size..<($0 + 1) * size]))
    }
    return EvaluationData(samples: samples, labels: labels, name: Path.name(path))
  }

  // MARK: - Encoders

  private func sentences(_ path: String?) throws(EvaluationError) -> EvaluationData {
    let tokenizer = try Tokenizer(of: model)
    let lines: [String]
    if let path {
      lines = try readText(path).split(whereSeparator: \.isNewline).map(String.init)
    } else {
      lines = Self.sentences
    }
    let most = max(2, network.contextLength ?? Self.usualContext)
    let samples = lines.map { line in
      var tokens = tokenizer.tokens(line)
      if tokens.count > most { tokens = Array(tokens.prefix(most - 1)) + tokens.suffix(1) }
      return Sample.tokens(tokens)
    }
    return EvaluationData(samples: samples, name: path.map(Path.name) ?? "built-in sentences")
  }

  /// Pairs that say nearly the same, about different things.
  private static let sentences = [
    "The cat is asleep on the warm windowsill.", "A kitten naps in a sunny window.",
    "The central bank raised interest rates by a quarter point.",
    "Borrowing became dearer after the monetary authority's decision.",
    "She parked her bicycle behind the library.",
    "Her bike stands at the back of the reading room.",
    "Heavy rain flooded several streets last night.",
    "Roads were under water after yesterday's storm.",
    "Add two cups of flour and knead the dough.", "Mix the dough with flour until it is smooth.",
    "The goalkeeper saved a penalty in the last minute.",
    "A late spot kick was stopped by the keeper.",
    "Photosynthesis turns light into chemical energy.",
    "Plants store the energy of the sun in sugar.",
    "The orchestra played Beethoven's seventh symphony.",
    "Musicians performed a classical work in the concert hall.",
    "Restart the server after changing its configuration.",
    "New settings take effect when the service is started again.",
    "The museum opens at ten and closes at six.", "Visitors are admitted until the early evening.",
    "Our train to Vienna was delayed by an hour.", "We arrived late because of the railway.",
    "The doctor prescribed rest and plenty of water.",
    "The patient was told to drink and to stay in bed.",
  ]

  // MARK: - Files

  private func open(_ path: String) throws(EvaluationError) -> Model {
    do {
      return try Model.open(path)
    } catch {
      throw .data(error.description)
    }
  }

  private func readBytes(_ path: String) throws(EvaluationError) -> [UInt8] {
    do {
      let file = try MappedFile(path)
      guard file.byteCount <= Self.greatestFile else {
        throw EvaluationError.data("\(path.sanitised): larger than 1 GiB")
      }
      return file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
    } catch let error as ModelFileError {
      throw .data(error.description)
    } catch {
      throw .data("\(path.sanitised): larger than 1 GiB")
    }
  }

  private func readText(_ path: String) throws(EvaluationError) -> String {
    guard let text = String(validating: try readBytes(path), as: UTF8.self) else {
      throw .data("\(path.sanitised): found bytes that aren't UTF-8, expected a text")
    }
    return text
  }
}
