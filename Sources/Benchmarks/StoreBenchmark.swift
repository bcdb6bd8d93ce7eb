import Foundation
import Measurement
import ModelFiles
import Quantization
import Storage

/// How long the store of measurements takes: to hash, to remember, and to recall a very large model.
enum StoreBenchmark {
  private static let formats = [
    "int2", "int3", "int4", "int5", "int6", "int7", "int8", "int4:affine", "int4:g32", "int3:g32",
    "int4:mse", "int3:mse", "f8_e4m3", "f8_e5m2", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "iq4_nl",
  ]

  static func run(_ options: BenchmarkOptions) {
    print("The store")
    hash(options)
    do {
      try remember(tensors: options.quick ? 4_000 : 40_000)
    } catch {
      print("can't: \(error)")
    }
    print("")
  }

  private static func hash(_ options: BenchmarkOptions) {
    let count = options.quick ? 1 << 26 : 1 << 30
    let bytes = [UInt64](repeating: 0x3C00_3555_BA11_9D1E, count: count / 8)
    let seconds = medianSeconds(runs: 3) { _ = ContentHash(of: bytes) }
    print("hash of \(count >> 20) MiB: \(Int((Double(count) / seconds / 1e8).rounded()) / 10) GB/s")
  }

  private static func remember(tensors: Int) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitladder-benchmark-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/model.safetensors"
    try model(tensors: tensors).write(to: URL(fileURLWithPath: path))
    let formats = formats.compactMap { try? Format(parsing: $0) }
    let model = try Model.open(path)
    // So that its place is noted: a file that was changed just now isn't trusted.
    Thread.sleep(forTimeInterval: 2.5)
    func store() -> MeasurementStore {
      MeasurementStore(path: folder + "/store.sqlite", limit: 1 << 30)
    }
    time("record \(tensors) x \(formats.count)") {
      let store = store()
      let view = ModelStore(store, model: model)
      for tensor in model.tensors {
        for format in formats {
          var sums = ErrorSums()
          sums.count = tensor.weightCount
          let measurement = Measurement(
            format: format, rows: tensor.rows, rowLength: tensor.rowLength, sums: sums)
          view.record(
            .measurement(tensor: tensor.id, format: format), .measurement(measurement))
        }
      }
      view.finish()
      store.close()
    }
    time("open, empty model") {
      let store = store()
      _ = store.info()?.files
      store.close()
    }
    for thorough in [false, true] {
      var count = 0
      time("open and recall" + (thorough ? ", thorough" : "")) {
        let store = store()
        count = ModelStore(store, model: model).recall(thorough: thorough).count
        store.close()
      }
      print("  findings: \(count)")
    }
    let copy = folder + "/copy.safetensors"
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let copied = try Model.open(copy)
    time("open and recall a copy") {
      let store = store()
      print("  findings: \(ModelStore(store, model: copied).recall().count)")
      store.close()
    }
    let size = try FileManager.default.attributesOfItem(atPath: folder + "/store.sqlite")[.size]
    print("size: \(((size as? Int) ?? 0) >> 20) MiB")
  }

  private static func time(_ name: String, _ body: () -> Void) {
    let seconds = ContinuousClock().measure(body)
    print("\(name): \(seconds.formatted(.units(allowed: [.milliseconds], width: .narrow)))")
  }

  /// Small tensors, all different.
  private static func model(tensors: Int) -> Data {
    let rows = 4, rowLength = 64
    let size = 4 * rows * rowLength
    var header = "{"
    for index in 0..<tensors {
      header += index == 0 ? "" : ","
      header += "\"model.layers.\(index / 400).mlp.experts.\(index % 400).up_proj.weight\":"
      header += "{\"dtype\":\"F32\",\"shape\":[\(rows),\(rowLength)],"
      header += "\"data_offsets\":[\(index * size),\((index + 1) * size)]}"
    }
    header += "}"
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file.append(contentsOf: header.utf8)
    var numbers = [Float](repeating: 0, count: tensors * rows * rowLength)
    var span = numbers.mutableSpan
    BellNumbers.fill(&span, key: 7, deviation: 0.1)
    numbers.withUnsafeBytes { file.append(contentsOf: $0) }
    return file
  }
}
