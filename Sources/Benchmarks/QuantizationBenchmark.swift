import Quantization

/// How many weights a second are reconstructed and measured (all error sums) in each format, on one core.
enum QuantizationBenchmark {
  /// A piece stays in the cache between reconstruction and measurement.
  static let rowLength = 4096
  static let piece = 8 * rowLength

  static let plain = [
    "f16", "bf16", "f8_e4m3", "f8_e5m2", "int8", "int6", "int4", "int3", "int2", "int4:affine",
    "int4:g32", "int4:g256", "int4:channel", "int8:channel", "int4:tensor",
    "nf4", "fp4", "mxfp8", "mxfp8:e5m2", "mxfp6", "mxfp6:e3m2", "mxfp4:ocp", "nvfp4:tensor",
  ]
  static let searching = [
    "int4:percentile", "int4:affine:percentile", "int4:channel:percentile",
    "int4:tensor:percentile",
    "int8:mse", "int4:mse",
    "int3:mse", "int2:mse", "int4:affine:mse", "int4:channel:mse", "int4:tensor:mse",
    "int8:entropy", "int4:entropy", "int4:channel:entropy",
    "int4:affine:g64:hqq", "int3:affine:g64:hqq", "pal2", "pal3", "pal4", "pal6", "pal8",
  ]
  static let numpy = [
    "f16", "int8", "int4", "int3", "int2", "int4:affine", "int4:g32", "int4:g256", "int4:channel",
    "int4:mse", "int4:affine:mse",
  ]

  static func run(_ options: BenchmarkOptions) {
    let count = (options.quick ? 1 << 21 : 1 << 24)
    let runs = options.quick ? 3 : 7
    let weights = sampleWeights(count)
    let bytes = bfloatBytes(weights)
    let peer = NumpyPeer.speeds(formats: numpy, weights: count, piece: piece, runs: 3)

    print(
      "Reconstruct and measure, one core, M weights/s (\(count >> 20) Mi weights, rows of 4096)")
    var rows = [["format", "bpw", "from f32", "from bf16", "numpy", "ratio"]]
    for name in plain + searching {
      guard let format = try? Format(parsing: name) else { continue }
      let used = searching.contains(name) ? count / 4 : count
      let rate = Double(used)
      let float = medianSeconds(runs: runs) { measure(format, weights, used) }
      let bfloat = medianSeconds(runs: runs) { measure(format, bytes, used) }
      let bits = format.bitsPerWeight(rows: count / rowLength, rowLength: rowLength)
      var row = [
        name, String((bits * 1000).rounded() / 1000), millions(rate / float),
        millions(rate / bfloat),
      ]
      if let speed = peer?[name] {
        row += [millions(speed), String((rate / float / speed * 10).rounded() / 10) + "x"]
      }
      rows.append(row)
    }
    print(table(rows))
    print("")
  }

  /// The codec for a tensor; the passes over it that its format needs count.
  static func codec(_ format: Format, _ weights: Span<Float>) -> any Codec {
    guard var scan = format.scan() else { return format.codec() }
    while true {
      for start in stride(from: 0, to: weights.count, by: piece) {
        scan.observe(weights.extracting(start..<min(start + piece, weights.count)))
      }
      if let codec = scan.endPass() { return codec }
    }
  }

  static func measure(_ format: Format, _ weights: [Float], _ count: Int) {
    var room = [Float](repeating: 0, count: piece)
    let codec = codec(format, weights.span.extracting(0..<count))
    var sums = ErrorSums()
    for start in stride(from: 0, to: count, by: piece) {
      let source = weights.span.extracting(start..<min(start + piece, count))
      var reconstructed = room.mutableSpan
      codec.reconstruct(source, rowLength: rowLength, into: &reconstructed)
      sums.add(source, reconstructed.span)
    }
    precondition(sums.count == count)
  }

  static func measure(_ format: Format, _ bytes: [UInt8], _ count: Int) {
    var decoded = [Float](repeating: 0, count: piece)
    var room = [Float](repeating: 0, count: piece)
    // One codec for all: what scanning the tensor costs is in the other column.
    let sample: [Float] = [-0.1, 0.1]
    let codec = codec(format, sample.span)
    var sums = ErrorSums()
    for start in stride(from: 0, to: count, by: piece) {
      let size = min(piece, count - start)
      var target = decoded.mutableSpan
      Decode.bf16(bytes.span.bytes.extracting(2 * start..<2 * (start + size)), into: &target)
      let source = target.span.extracting(0..<size)
      var reconstructed = room.mutableSpan
      codec.reconstruct(source, rowLength: rowLength, into: &reconstructed)
      sums.add(source, reconstructed.span.extracting(0..<size))
    }
    precondition(sums.count == count)
  }
}
