import Measurement
import ModelFiles

let modelTargets: [FuzzTarget] = [
  FuzzTarget(name: "safetensors") { try open($0, name: "model.safetensors") },
  FuzzTarget(name: "gguf") { try open($0, name: "model.gguf") },
  FuzzTarget(name: "index") { bytes in
    // Its shards aren't there: an index that is in order fails by that, any other before.
    try open(bytes, name: "model.safetensors.index.json")
  },
  FuzzTarget(name: "sharded") { bytes in
    let files = parts(bytes, count: 3)
    let folder = FuzzFolder.shared
    try folder.fill([
      ("model.safetensors.index.json", files[0]),
      ("model-00001-of-00002.safetensors", files.count > 1 ? files[1] : nil),
      ("model-00002-of-00002.safetensors", files.count > 2 ? files[2] : nil),
    ])
    return try check { () throws(ModelFileError) in try Model.open(folder.path, environment: [:]) }
  },
  FuzzTarget(name: "packed") { bytes in
    let files = parts(bytes, count: 2)
    guard files.count == 2 else { return false }
    let configuration = files[0].withMemoryRebound(to: UInt8.self) {
      try? JSONParser.parse(Array($0))
    }
    return try open(files[1], name: "model.safetensors", configuration: configuration)
  },
  FuzzTarget(name: "imatrix") { bytes in
    guard
      let imatrix = try parsed({ () throws(ModelFileError) in
        try Imatrix.read(MappedFile(copying: bytes, path: "imatrix"))
      })
    else { return false }
    for entry in imatrix.entries {
      try expect(
        entry.matrices > 0 && entry.values.count.isMultiple(of: entry.matrices),
        "\(entry.values.count) values for \(entry.matrices) matrices")
      try expect(entry.values.allSatisfy { $0.isFinite && $0 >= 0 }, "an importance below 0")
      try expect(entry.unseen.allSatisfy((0..<entry.matrices).contains), "an unseen matrix")
    }
    let importance = ModelImportance(imatrix, model: SmallModel.checkpoint)
    for tensor in SmallModel.checkpoint.tensors where importance.covers(tensor) {
      let values = importance[tensor]?.values.count ?? 0
      try expect(values.isMultiple(of: tensor.rowLength), "\(values) values for a row")
    }
    return true
  },
]

/// Opens a model of one file and tries what the program does with an open model.
private func open(
  _ bytes: UnsafeRawBufferPointer, name: String, configuration: JSONValue? = nil
) throws -> Bool {
  try check { () throws(ModelFileError) in
    try Model.open(
      MappedFile(copying: bytes, path: "memory/\(name)"), configuration: configuration)
  }
}

private func check(_ open: () throws(ModelFileError) -> Model) throws -> Bool {
  guard let model = try parsed(open) else { return false }
  try checkLayout(model)
  try checkTensors(model)
  for entry in model.metadata.entries { try expectOneLine("-" + entry.value.description) }
  for note in model.notes { try expectOneLine(note) }
  try expect(model.fingerprint().utf8.count == 71, "a fingerprint of another length")
  _ = GGUFNames(model)
  if let shape = try? CacheShape(model) {
    try expect(shape.layerCount <= 10_000, "\(shape.layerCount) layers")
  }
  let pairs = try parsed { () throws(ModelFileError) in try model.storedPairs() }
  try expect(pairs != nil, "an open file refused")
  if model.container == .gguf, model.files.count == 1 {
    try expect(pairs?.count == model.metadata.entries.count, "other pairs when read again")
  }
  return true
}

/// All data lies within its file, and no two tensors share a byte.
private func checkLayout(_ model: Model) throws {
  for file in model.files.indices {
    let tensors = model.tensors.filter { $0.file == file && $0.byteCount > 0 && $0.packing == nil }
    var end = 0
    for tensor in tensors.sorted(by: { $0.offset < $1.offset }) {
      try expect(tensor.offset >= end, "an overlap at \(tensor.offset)")
      try expect(
        tensor.byteCount <= model.files[file].byteCount - tensor.offset, "data past the end")
      end = tensor.offset + tensor.byteCount
    }
  }
}

private func checkTensors(_ model: Model) throws {
  var buffer: [Float] = []
  var budget = 1 << 16
  for tensor in model.tensors {
    let product = tensor.rows.multipliedReportingOverflow(by: tensor.rowLength)
    try expect(!product.overflow && product.partialValue == tensor.weightCount, "rows x length")
    try expect(tensor.label == tensor.label.sanitised, "an unsafe label")
    if tensor.packing == nil {
      let length = model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { $0.byteCount }
      try expect(length == tensor.byteCount, "\(length) of \(tensor.byteCount) bytes")
    }
    // Some weights from the start, the middle and the end, as far as time allows.
    guard budget > 0, let reader = WeightReader(model: model, tensor: tensor) else { continue }
    for piece in Set([0, reader.pieceCount / 2, reader.pieceCount - 1])
    where (0..<reader.pieceCount).contains(piece) {
      let elements = reader.elements(of: piece)
      try expect(
        elements.lowerBound >= 0 && elements.upperBound <= tensor.weightCount, "a piece outside")
      reader.read(piece: piece, into: &buffer)
      try expect(buffer.count == elements.count, "\(buffer.count) of \(elements.count) weights")
      budget -= buffer.count
    }
  }
}
