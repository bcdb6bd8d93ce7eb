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
    case .language: try text(path, or: "heldout.txt", context)
    case .classification: try pictures(path, or: "test")
    case .embedding: try sentences(path)
    }
  }

  /// The file beside the model that is read where no other is given; nil if there is none.
  public var usualPath: String? {
    let name =
      switch network.task {
      case .language: "heldout.txt"
      case .classification: model.configuration?["test"]?["file"]?.string ?? "test.safetensors"
      case .embedding: ""
      }
    return model.filesBeside.first { Path.name($0) == name }
  }

  /// What a model is trained on: a file, or `train.txt` beside a language model, `train.safetensors` beside a
  /// classifier.
  public func readTraining(
    _ path: String?, context: Int? = nil
  ) throws(EvaluationError) -> EvaluationData {
    switch network.task {
    case .language: try text(path, or: "train.txt", context)
    case .classification: try pictures(path, or: "train")
    case .embedding: try sentences(path)
    }
  }

  /// What a model is calibrated on: samples spread evenly over a file, by default over the data beside the model that it
  /// was trained on. Never what it is evaluated on.
  /// - Parameter count: samples at most; by default 128 sequences of a language model, else 1,024 samples.
  public func readCalibration(
    _ path: String?, context: Int? = nil, count: Int? = nil
  ) throws(EvaluationError) -> EvaluationData {
    let data: EvaluationData
    var usual = 1024
    switch network.task {
    case .language:
      data = try readTraining(path, context: context)
      usual = 128
    case .classification: data = try readTraining(path)
    case .embedding:
      guard path != nil else {
        throw .data(
          "\(model.name): no sentences to calibrate on; give a text with one in each line")
      }
      data = try sentences(path)
    }
    let all = data.samples
    let used = min(all.count, max(1, count ?? usual))
    return EvaluationData(samples: (0..<used).map { all[$0 * all.count / used] }, name: data.name)
  }

  // MARK: - Language models

  private func text(
    _ path: String?, or name: String, _ context: Int?
  ) throws(EvaluationError) -> EvaluationData {
    guard let path = path ?? model.filesBeside.first(where: { Path.name($0) == name }) else {
      throw .data("\(model.name): there is no \(name) beside it; give it a text to read")
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

  private func pictures(
    _ path: String?, or part: String
  ) throws(EvaluationError) -> EvaluationData {
    let named = model.configuration?[part]?["file"]?.string ?? "\(part).safetensors"
    let test = model.configuration?[part] ?? model.configuration?["test"]
    guard let path = path ?? model.filesBeside.first(where: { Path.name($0) == named }) else {
      throw .data("\(model.name): there is no \(named.sanitised) beside it; give it such data")
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
