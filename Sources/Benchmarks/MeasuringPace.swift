import Dispatch
import Explorer
import Foundation
import Measurement
import ModelFiles
import Quantization
import Synchronization

/// How fast the ladders of all tensors of a model are measured, for some seconds or until all is done.
struct MeasuringPace {
  /// Weights, each once for each format.
  private(set) var perSecond = 0.0
  /// The same for each second of processor time.
  private(set) var perProcessorSecond = 0.0
  private let ladderWeights: Double
  private var seconds = 0.0
  private var isWhole = false

  init(_ model: Model, workers: Int, seconds limit: Double) {
    @Sendable func ladder(_ tensor: Int) -> [Work] {
      guard model.tensors[tensor].suitability.isQuantizable else { return [] }
      return Self.formats.map { .measurement(tensor: tensor, format: $0) }
    }
    ladderWeights = model.tensors.reduce(0) {
      $0 + Double($1.weightCount) * Double(ladder($1.id).count)
    }
    let lastFound = Mutex(ContinuousClock.now)
    let left = Mutex(model.tensors.reduce(0) { $0 + ladder($1.id).count })
    let measurer = Measurer(model: model, workers: workers) { _, _ in
      left.withLock { $0 -= 1 }
      lastFound.withLock { $0 = .now }
    }
    let start = ContinuousClock.now
    let before = ProcessFigures.processorSeconds
    measurer.want(ladders: LadderWishes(works: ladder))
    while ContinuousClock.now - start < .seconds(limit), !isWhole {
      usleep(10_000)
      isWhole = left.withLock { $0 == 0 }
    }
    let end = isWhole ? lastFound.withLock { $0 } : .now
    let measured = Double(measurer.weightsMeasured)
    seconds = (end - start) / .seconds(1)
    perSecond = measured / seconds
    perProcessorSecond = measured / max(1e-9, ProcessFigures.processorSeconds - before)
    measurer.stop()
  }

  /// How long all ladders take.
  var wholeLadder: String {
    (isWhole ? "" : "~") + Figures.duration(isWhole ? seconds : ladderWeights / perSecond)
  }

  /// The explorer's usual ladder.
  static let formats = [
    "int8", "int6", "int5", "int4", "int3", "int2", "f8_e4m3", "f8_e5m2",
  ]
  .compactMap { try? Format(parsing: $0) }

  /// What one core makes of weights that are in its cache, decoded already: encoding, decoding and the error
  /// sums of each format in turn.
  static let encoderPerSecond: Double = {
    let weights = sampleWeights(WeightReader.pieceLength)
    var back = weights
    let rounds = 40
    let seconds = medianSeconds(runs: 5) {
      for format in formats {
        let codec = format.codec()
        var sums = ErrorSums()
        for _ in 0..<rounds {
          var target = back.mutableSpan
          codec.reconstruct(weights.span, rowLength: 4096, into: &target)
          sums.add(weights.span, back.span)
        }
      }
    }
    return Double(weights.count * formats.count * rounds) / seconds
  }()
}

/// What the system says of this process.
enum ProcessFigures {
  /// Memory that isn't the pages of a file; 0 where the system doesn't say.
  static var anonymousBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
      let number = line.split(separator: " ").dropLast().last
    else { return 0 }
    return (Int(number.filter(\.isNumber)) ?? 0) * 1024
  }

  /// Its processor time.
  static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// The pages of files that the system keeps in memory.
enum DiskCache {
  /// Has the system forget a model's files, which must not be mapped; whether it can be asked to.
  static func evict(_ path: String) -> Bool {
    #if canImport(Darwin)
      return false
    #else
      let manager = FileManager.default
      let names = (try? manager.contentsOfDirectory(atPath: path)).map { names in
        names.map { path + "/" + $0 }
      }
      for name in names ?? [path] {
        let file = open(name, O_RDONLY)
        guard file >= 0 else { continue }
        // Only pages that are on the disk can be forgotten.
        fsync(file)
        _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        close(file)
      }
      return true
    #endif
  }
}
