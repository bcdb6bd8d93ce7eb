import Quantization

/// How many weights a second are decoded, counted and described, on one core.
enum DistributionBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let count = options.quick ? 1 << 21 : 1 << 24
    let piece = QuantizationBenchmark.piece
    let runs = options.quick ? 3 : 7
    let weights = sampleWeights(count)
    let bytes = bfloatBytes(weights)
    var room = [Float](repeating: 0, count: piece)
    var statistics = WeightStatistics()
    statistics.add(weights.span)
    let range = HistogramRange.robust(for: statistics, bins: 128)

    print("Decode and describe, one core, M weights/s")
    var rows = [["work", "M/s"]]
    func time(_ name: String, _ body: (Range<Int>) -> Void) {
      let seconds = medianSeconds(runs: runs) {
        for start in stride(from: 0, to: count, by: piece) {
          body(start..<min(start + piece, count))
        }
      }
      rows.append([name, millions(Double(count) / seconds)])
    }
    time("decode bf16") { part in
      var target = room.mutableSpan
      Decode.bf16(
        bytes.span.bytes.extracting(2 * part.lowerBound..<2 * part.upperBound), into: &target)
    }
    time("decode f16") { part in
      var target = room.mutableSpan
      Decode.f16(
        bytes.span.bytes.extracting(2 * part.lowerBound..<2 * part.upperBound), into: &target)
    }
    time("decode f8_e4m3") { part in
      var target = room.mutableSpan
      Decode.f8E4M3(bytes.span.bytes.extracting(part), into: &target)
    }
    var described = WeightStatistics()
    time("statistics") { part in described.add(weights.span.extracting(part)) }
    var histogram = Histogram(range: range)
    time("histogram, 128 bins") { part in histogram.add(weights.span.extracting(part)) }
    var sums = ErrorSums()
    time("error sums") { part in
      sums.add(weights.span.extracting(part), weights.span.extracting(part))
    }
    print(table(rows))
    print("")
  }
}
