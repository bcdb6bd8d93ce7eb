import Measurement
import ModelFiles
import Quantization

/// A thread's room for the steps of jobs: no more than a few pieces of weights at a time.
struct StepWorker {
  let model: Model
  let file: PendingFile
  private var weights: [Float] = []
  private var row: [Float] = []

  init(model: Model, file: PendingFile) {
    self.model = model
    self.file = file
  }

  /// Does one step of a job: reads, computes, writes.
  mutating func perform(_ step: Int, of job: TensorJob, givesBack: Bool) throws(StepFailure) {
    switch job.steps {
    case .bytes(let length): try copy(step, of: job, length)
    case .storedRows(let count): try copyRows(job.rows(of: step, count), of: job)
    case .pieces(let reader):
      reader.prepare(step, givesBack: givesBack)
      let rowLength = reader.read(piece: step, into: &weights)
      try check(job)
      let channels = reader.channels(of: step)
      try write(
        job, rowLength: rowLength, firstElement: reader.elements(of: step).lowerBound,
        channels: channels.upperBound <= job.importance.count ? channels : 0..<0)
    case .rows(let reader, let count):
      let rows = job.rows(of: step, count)
      read(rows, of: job, reader)
      try check(job)
      if case .pack(let format, let places) = job.making {
        try pack(rows, of: job, format, places)
      } else {
        let length = job.tensor.orderedRowLength
        try write(
          job, rowLength: length, firstElement: rows.lowerBound * length,
          channels: 0..<min(length, job.importance.count))
      }
    }
  }

  /// What was read of a file that was cut short is zeros.
  private func check(_ job: TensorJob) throws(StepFailure) {
    guard model.isIntact(job.tensor) else { throw .lost(job.tensor) }
  }

  private mutating func read(_ rows: Range<Int>, of job: TensorJob, _ reader: WeightReader) {
    let length = job.tensor.orderedRowLength
    guard job.order != nil else {
      reader.read(
        elements: rows.lowerBound * length..<rows.upperBound * length, into: &weights)
      return
    }
    if weights.count != rows.count * length {
      weights = [Float](repeating: 0, count: rows.count * length)
    }
    for (place, number) in rows.enumerated() {
      let source = job.source(ofRow: number)
      reader.read(elements: source * length..<(source + 1) * length, into: &row)
      weights.replaceSubrange(place * length..<(place + 1) * length, with: row)
    }
  }

  // MARK: - As they are

  private func copy(_ step: Int, of job: TensorJob, _ length: Int) throws(StepFailure) {
    let tensor = job.tensor
    let range = step * length..<min(tensor.byteCount, (step + 1) * length)
    let start = tensor.offset + range.lowerBound
    try model.files[tensor.file].withBytes(in: start..<start + range.count) {
      (bytes) throws(StepFailure) in
      guard bytes.byteCount == range.count else { throw .lost(tensor) }
      try write(bytes, at: job.offset + range.lowerBound)
    }
    try check(job)
  }

  private func copyRows(_ rows: Range<Int>, of job: TensorJob) throws(StepFailure) {
    let length = job.tensor.orderedRowLength
    var bytes: [UInt8] = []
    for row in rows {
      let source = job.source(ofRow: row)
      model.withBytes(of: job.tensor, elements: source * length..<(source + 1) * length) { stored in
        stored.withUnsafeBytes { bytes.append(contentsOf: $0) }
      }
    }
    try check(job)
    let rowBytes = bytes.count / max(1, rows.count)
    try write(bytes.span.bytes, at: job.offset + rows.lowerBound * rowBytes)
  }

  // MARK: - In a format

  private func write(
    _ job: TensorJob, rowLength: Int, firstElement: Int, channels: Range<Int>
  ) throws(StepFailure) {
    guard let codec = job.codec else { throw .lost(job.tensor) }
    let importance = job.importance.span.extracting(channels)
    switch job.making {
    case .copy, .pack: return
    case .encode(let format):
      let encoded = codec.encode(weights.span, rowLength: rowLength, importance: importance)
      try write(
        encoded.bytes.span.bytes, at: job.offset + format.byteOffset(ofElement: firstElement))
    case .reconstruct(_, let type):
      var reconstructed = [Float](repeating: 0, count: weights.count)
      var room = reconstructed.mutableSpan
      codec.reconstruct(
        weights.span, rowLength: rowLength, importance: importance, into: &room)
      let format = Format.float(type)
      let encoded = format.codec().encode(reconstructed.span, rowLength: rowLength)
      try write(
        encoded.bytes.span.bytes, at: job.offset + format.byteOffset(ofElement: firstElement))
    }
  }

  /// Rows as integers: words, scales and zero points, each to its own place.
  private func pack(
    _ rows: Range<Int>, of job: TensorJob, _ format: IntegerFormat, _ places: PackedPlaces
  ) throws(StepFailure) {
    guard let codec = job.codec else { throw .lost(job.tensor) }
    let encoded = codec.encode(weights.span, rowLength: job.tensor.rowLength)
    let parts = PackedRows(encoded, format, places)
    try write(parts.words.span.bytes, at: job.offset + rows.lowerBound * places.bytesPerRow)
    // One scale for the whole tensor is the same in all steps.
    if !places.hasOneScale || rows.lowerBound == 0 {
      try write(
        parts.scales.span.bytes,
        at: places.scales + (places.hasOneScale ? 0 : rows.lowerBound * places.scaleBytesPerRow))
      if let zeroPoints = places.zeroPoints {
        let line = places.hasOneScale ? 0 : rows.lowerBound * format.bits / 32
        try write(
          parts.zeroPoints.span.bytes, at: zeroPoints + line * places.zeroPointBytesPerLine)
      }
    }
  }

  private func write(_ bytes: RawSpan, at offset: Int) throws(StepFailure) {
    do throws(SaveFailure) {
      try file.write(bytes, at: offset)
    } catch {
      throw .notWritten(error)
    }
  }
}

/// Why a step couldn't be done.
enum StepFailure: Error {
  /// The tensor's file doesn't have all its bytes any more.
  case lost(Tensor)
  case notWritten(SaveFailure)
}

extension Format {
  /// Where the stored bytes of an element's block begin, for formats whose blocks follow each other.
  func byteOffset(ofElement element: Int) -> Int {
    switch self {
    case .float(let type): element * type.byteCount
    case .ggml(let type): element / type.blockLength * type.bytesPerBlock
    case .integer, .codeBook, .scaledFloat, .palette, .mlx: 0
    }
  }
}
