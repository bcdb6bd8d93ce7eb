import Foundation
import GRDB
import ModelFiles
import Quantization
import SampleSupport
import Synchronization
import Testing

@testable import Measurement
@testable import Storage

/// The store of measurements: what is written comes back, whatever happens to the file.
struct StoreTests {
  private let scratch: ScratchFolder
  private let model: Model
  private let formats: [Format]

  init() throws {
    scratch = try ScratchFolder()
    model = try SampleModel.llama(blocks: 1).open()
    formats = try ["int4", "int3:affine:g32", "q4_0", "f8_e4m3"].map { try Format(parsing: $0) }
  }

  private var path: String { scratch["store.sqlite"] }

  private func work(_ model: Model) -> [Work] {
    model.tensors.flatMap { tensor in
      [Work.statistics(tensor: tensor.id)]
        + formats.filter { $0.objection(rowLength: tensor.rowLength) == nil }.map {
          Work.measurement(tensor: tensor.id, format: $0)
        }
    }
  }

  /// Measures everything that the store doesn't know; what was measured, and all findings.
  @discardableResult
  private func measure(
    _ model: Model, in store: MeasurementStore, _ work: [Work]? = nil
  ) -> (measured: Int, findings: [Work: Finding]) {
    let view = ModelStore(store, model: model)
    var findings = Dictionary(view.recall()) { first, _ in first }
    var measuring = Measuring(model: model)
    var measured = 0
    for work in work ?? self.work(model) where findings[work] == nil {
      guard let finding = try? measuring.perform(work, checkpoint: { () throws(Abandoned) in })
      else { continue }
      view.record(work, finding)
      findings[work] = finding
      measured += 1
    }
    view.finish()
    return (measured, findings)
  }

  private func expectEqual(_ a: [Work: Finding], _ b: [Work: Finding]) {
    #expect(Set(a.keys) == Set(b.keys))
    for (work, finding) in a {
      switch (finding, b[work]) {
      case (.measurement(let first), .measurement(let second)): #expect(first == second)
      case (.statistics(let first), .statistics(let second)): #expect(first == second)
      default: Issue.record("\(work)")
      }
    }
  }

  @discardableResult
  private func with<R>(
    _ path: String? = nil, limit: Int = MeasurementStore.standardLimit, engine: Int = 1,
    _ body: (MeasurementStore) throws -> R
  ) rethrows -> (result: R, notes: [String]) {
    let store = MeasurementStore(path: path ?? self.path, limit: limit, engine: engine)
    let result = try body(store)
    store.close()
    return (result, store.notes)
  }

  /// Packed weights are filed under all their parts, and under what these mean.
  @Test(arguments: ["gptq_int4", "float8_blocks", "mxfp4"])
  func packedWeightsComeBack(name: String) throws {
    let folder = scratch["packed"]
    try FileManager.default.copyItem(
      atPath: try PackedModelTests.folder(name).path, toPath: folder)
    let model = try Model.open(folder)
    let packed = model.tensors.filter { $0.packing != nil }
    let format = try Format(parsing: "int3:affine:g32")
    let work = packed.map { Work.measurement(tensor: $0.id, format: format) }
    let first = with { measure(model, in: $0, work) }
    let again = with { measure(model, in: $0, work) }
    #expect(first.result.measured == work.count && again.result.measured == 0)
    expectEqual(first.result.findings, again.result.findings)

    // One byte of one tensor's scales is another: that tensor alone is measured again.
    let scales = try #require(packed.first?.packing?.part(.scales))
    let path = model.files[scales.file].path
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.seek(toOffset: UInt64(scales.offset))
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: UInt64(scales.offset))
    try handle.write(contentsOf: Data([byte ^ 1]))
    try handle.close()
    let changed = try Model.open(folder)
    let third = with { measure(changed, in: $0, work) }
    #expect(third.result.measured == 1)
  }

  @Test func everythingComesBack() {
    let first = with { measure(model, in: $0) }
    let second = with { measure(model, in: $0) }
    #expect(first.result.measured == work(model).count && second.result.measured == 0)
    #expect(first.notes.isEmpty && second.notes.isEmpty)
    expectEqual(first.result.findings, second.result.findings)
  }

  /// NaN, infinities and denormals, by their bits.
  @Test func valuesKeepTheirBits() throws {
    var sums = ErrorSums()
    sums.count = 7
    sums.squaredError = .infinity
    sums.squares = .leastNonzeroMagnitude
    sums.products = -0.0
    sums.maxError = .nan
    sums.weighted = WeightedSums()
    sums.weighted?.squares = 0.1
    let measurement = Measurement(
      format: formats[0], rows: 1, rowLength: 7, sums: sums, exact: false)
    let content = ContentHash(of: [1, 2, 3])
    let seal = FindingKey(format: "int4", importance: nil, engine: 1).seal(content: content)
    let data = StoredValue.data(measurement, seal: seal)
    let back = try #require(StoredValue.measurement(data, seal: seal))
    #expect(!back.exact && back.sums.maxError.isNaN && back.sums.squaredError == .infinity)
    #expect(back.sums.squares == .leastNonzeroMagnitude && back.sums.weighted == sums.weighted)
    #expect(back.sums.products.sign == .minus)
    // Another key, or another byte: no figure.
    let other = FindingKey(format: "int4", importance: nil, engine: 2).seal(content: content)
    #expect(StoredValue.measurement(data, seal: other) == nil)
    for index in data.indices {
      var broken = data
      broken[index] ^= 0x10
      #expect(StoredValue.measurement(broken, seal: seal) == nil)
    }
    #expect(StoredValue.measurement(data.dropLast(), seal: seal) == nil)
    #expect(StoredValue.statistics(data, seal: seal) == nil)
  }

  /// The same weights elsewhere, under another name, are known; others of the same shape aren't.
  @Test func contentCounts() throws {
    let original = SampleModel.llama(blocks: 1)
    var renamed = original
    for index in renamed.tensors.indices where renamed.tensors[index].name.contains("proj") {
      renamed.tensors[index].name += "_copy.weight"
    }
    let copy = try SampleModel(renamed.tensors.reversed()).open()
    let other = try SampleModel.llama(blocks: 1, seed: 77).open()
    with { _ = measure(model, in: $0) }
    #expect(with { measure(copy, in: $0).measured }.result == 0)
    #expect(with { measure(other, in: $0).measured }.result == work(other).count)
  }

  /// Two tensors that agree in all but one bit, far from any sample.
  @Test func oneBitMakesAnother() throws {
    let values = uneven()
    var changed = values
    changed[3] = changed[3].nextUp
    let a = try SampleModel([SampleTensor("w", [300, 257], values: values)]).open()
    let b = try SampleModel([SampleTensor("w", [300, 257], values: changed)]).open()
    #expect(
      TensorContent.sample(of: a.tensors[0], in: a) == TensorContent.sample(of: b.tensors[0], in: b)
    )
    #expect(
      TensorContent.hash(of: a.tensors[0], in: a) != TensorContent.hash(of: b.tensors[0], in: b))
    with { _ = measure(a, in: $0) }
    #expect(with { measure(b, in: $0).measured }.result == work(b).count)
  }

  /// Shape and type are part of the content.
  @Test func shapeCounts() throws {
    let data = [UInt8](repeating: 0x3C, count: 8192)
    let tensors = [
      SampleTensor("a", [32, 64], type: "F32", data: data),
      SampleTensor("b", [64, 32], type: "F32", data: data),
      SampleTensor("c", [64, 64], type: "BF16", data: data),
      SampleTensor("d", [64, 64], type: "F16", data: data),
    ]
    let model = try SampleModel(tensors).open()
    #expect(Set(model.tensors.map { TensorContent.hash(of: $0, in: model) }).count == 4)
  }

  /// A file that was seen before, and hasn't changed for a while, is known without reading it.
  @Test func placesAreKnown() throws {
    let file = scratch["model.safetensors"]
    try scratch.write("model.safetensors", SampleModel.llama(blocks: 1).bytes)
    let date = Date(timeIntervalSince1970: 1_700_000_000)
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file)
    let model = try Model.open(file)
    with { _ = measure(model, in: $0) }
    usleep(2_200_000)
    // Now it has been at rest for long enough for its place to be noted.
    with { _ = ModelStore($0, model: model).recall() }
    let info = try #require(with { $0.info() }.result)
    #expect(info.files == 1)
    let known = with { ModelStore($0, model: model).recall(thorough: false).count }.result
    #expect(known == work(model).count)
    // Written to in place, with its times put back: its inode tells.
    let handle = try #require(FileHandle(forUpdatingAtPath: file))
    try handle.seek(toOffset: UInt64(model.tensors[0].offset))
    handle.write(Data([1, 2, 3, 4]))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file)
    #expect(try attributes(of: file)[.modificationDate] as? Date == date)
    let changed = try Model.open(file)
    #expect(with { ModelStore($0, model: changed).recall(thorough: false).count }.result == 0)
    let measured = with { measure(changed, in: $0).measured }.result
    #expect(measured > 0 && measured <= 1 + formats.count)
  }

  private func attributes(of path: String) throws -> [FileAttributeKey: Any] {
    try FileManager.default.attributesOfItem(atPath: path)
  }

  @Test func enginesDoNotMix() {
    with(engine: 1) { _ = measure(model, in: $0) }
    #expect(with(engine: 2) { measure(model, in: $0).measured }.result == work(model).count)
    #expect(with(engine: 1) { measure(model, in: $0).measured }.result == 0)
    #expect(with(engine: 2) { measure(model, in: $0).measured }.result == 0)
  }

  /// An estimate gives way to an exact figure, never the other way round.
  @Test func exactStays() throws {
    let tensor = try #require(model.tensors.first { $0.suitability.isQuantizable })
    let work = Work.measurement(tensor: tensor.id, format: formats[0])
    func finding(_ error: Double, count: Int, exact: Bool) -> Finding {
      var sums = ErrorSums()
      sums.count = count
      sums.squaredError = error
      return .measurement(
        Measurement(
          format: formats[0], rows: tensor.rows, rowLength: tensor.rowLength, sums: sums,
          exact: exact))
    }
    func stored() -> Double? {
      let found = with { ModelStore($0, model: model).recall() }.result
      for case (work, .measurement(let measurement)) in found {
        return measurement.sums.squaredError
      }
      return nil
    }
    func record(_ error: Double, count: Int, exact: Bool) {
      with { store in
        let view = ModelStore(store, model: model)
        _ = view.recall()
        view.record(work, finding(error, count: count, exact: exact))
        view.finish()
      }
    }
    // Content unknown: an estimate isn't worth a pass.
    record(1, count: 10, exact: false)
    #expect(stored() == nil)
    with { _ = measure(model, in: $0, [.statistics(tensor: tensor.id)]) }
    record(1, count: 10, exact: false)
    #expect(stored() == 1)
    record(2, count: 20, exact: false)
    record(3, count: 15, exact: false)
    #expect(stored() == 2)
    record(4, count: 5, exact: true)
    record(5, count: 500, exact: false)
    #expect(stored() == 4)
  }

  // MARK: - Files that are not as they should be

  /// What is done to the file of a good store.
  enum Harm: String, CaseIterable {
    case empty, cutShort, cutAtPage, noise, noiseAtStart, noiseWithin, text, otherVersion, noTables
  }

  @Test(arguments: Harm.allCases) func damage(_ harm: Harm) throws {
    with { _ = measure(model, in: $0) }
    try inflict(harm)
    let again = with { measure(model, in: $0) }
    // Whatever is measured anew or recalled: the figures are right.
    let reference = with(scratch["other.sqlite"]) { measure(model, in: $0) }.result.findings
    expectEqual(again.result.findings, reference)
    if harm != .empty, harm != .noiseWithin {
      #expect(again.notes.count == 1, "\(again.notes)")
      #expect(again.notes.first?.contains("set aside as") == true, "\(again.notes)")
      #expect(scratch.names.contains { $0.hasPrefix("store.sqlite.damaged-20") })
    }
    // And it serves again.
    let last = with { measure(model, in: $0) }
    #expect(last.result.measured == 0 && last.notes.isEmpty, "\(last.notes)")
  }

  private func inflict(_ harm: Harm) throws {
    var bytes = try #require(scratch.read("store.sqlite"))
    var generator = SeededGenerator(seed: 5)
    func noise(_ range: Range<Int>) {
      for index in range { bytes[index] = UInt8(truncatingIfNeeded: generator.next()) }
    }
    switch harm {
    case .empty: bytes = []
    case .cutShort: bytes.removeLast(bytes.count / 2 + 100)
    case .cutAtPage: bytes.removeLast(2 * 4096)
    case .noise: noise(0..<bytes.count)
    case .noiseAtStart: noise(0..<4096)
    case .noiseWithin: noise(bytes.count / 2..<bytes.count / 2 + 2_000)
    case .text: bytes = Array("Just words.\n".utf8)
    case .otherVersion:
      // user_version, at byte 60 of the header: a store of a version that was never released.
      bytes[60...63] = [0xFF, 0xFF, 0xFF, 0xFF]
    case .noTables:
      try scratch.write("store.sqlite", [])
      let file = try StoreFile(path: path)
      try file.queue.inDatabase { try $0.execute(sql: "DROP TABLE finding") }
      try file.queue.close()
      return
    }
    try scratch.write("store.sqlite", bytes)
  }

  /// Noise all over a large store, again and again: figures are right or missing, never wrong.
  @Test(arguments: 0..<12) func noiseAnywhere(seed: Int) throws {
    with { _ = measure(model, in: $0) }
    let reference = with { measure(model, in: $0) }.result.findings
    var bytes = try #require(scratch.read("store.sqlite"))
    var generator = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<(1 << seed % 6) {
      bytes[Int.random(in: 100..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8)
    }
    try scratch.write("store.sqlite", bytes)
    expectEqual(with { measure(model, in: $0) }.result.findings, reference)
    with { _ = $0.info() }
    let last = with { measure(model, in: $0) }.result
    expectEqual(last.findings, reference)
  }

  @Test func laterVersionsAreLeftAlone() throws {
    with { _ = measure(model, in: $0) }
    var bytes = try #require(scratch.read("store.sqlite"))
    bytes[60...63] = [0, 0, 0, 9]
    try scratch.write("store.sqlite", bytes)
    let outcome = with { measure(model, in: $0) }
    #expect(outcome.result.measured == work(model).count)
    #expect(outcome.notes.count == 1 && outcome.notes[0].contains("later bitladder"))
    #expect(scratch.read("store.sqlite") == bytes)
  }

  @Test func othersFilesAreLeftAlone() throws {
    for name in ["model.safetensors", "model.gguf", "plan.json"] {
      let bytes = Array("anything".utf8)
      try scratch.write(name, bytes)
      let outcome = with(scratch[name]) { measure(model, in: $0) }
      #expect(outcome.notes.count == 1 && outcome.result.measured > 0)
      #expect(scratch.read(name) == bytes && scratch.names.count { $0.hasPrefix(name) } == 1)
    }
    try FileManager.default.createDirectory(
      atPath: scratch["folder"], withIntermediateDirectories: true)
    mkfifo(scratch["pipe"], 0o600)
    for name in ["folder", "pipe", "model.gguf/store"] {
      let outcome = with(scratch[name]) { measure(model, in: $0) }
      #expect(outcome.notes.count == 1 && outcome.notes[0].contains("going on without it"))
    }
    // Another program's database.
    let other = try StoreFile(path: scratch["theirs"])
    try other.queue.inDatabase { try $0.execute(sql: "PRAGMA application_id = 7") }
    try other.queue.close()
    let before = scratch.read("theirs")
    #expect(with(scratch["theirs"]) { measure(model, in: $0) }.notes.count == 1)
    #expect(scratch.read("theirs") == before)
  }

  /// A disk that is full: what is known is recalled, nothing new is kept, and it says so once.
  @Test func noSpace() throws {
    let tensor = [Work.statistics(tensor: 0)]
    let outcome = with { store in
      measure(model, in: store, tensor)
      _ = store.queue.sync {
        store.attempt { file in
          try file.queue.inDatabase { database in
            try database.execute(sql: "PRAGMA max_page_count = 1")
          }
        }
      }
      measure(model, in: store)
      return measure(model, in: store).findings.count
    }
    #expect(outcome.result == work(model).count)
    #expect(outcome.notes.count == 1 && outcome.notes[0].contains("no space left"))
    #expect(with { ModelStore($0, model: model).recall().count }.result == 1)
  }

  // MARK: - Together

  /// Another program holds it all the time: everything is measured, and it says so once.
  @Test func lockedByAnother() throws {
    with { measure(model, in: $0, [.statistics(tensor: 0)]) }
    let other = try DatabaseQueue(path: path)
    let outcome = try other.inDatabase { database in
      try database.execute(sql: "BEGIN IMMEDIATE")
      defer { try? database.execute(sql: "COMMIT") }
      return with { measure(model, in: $0).findings.count }
    }
    #expect(outcome.result == work(model).count)
    #expect(outcome.notes.count == 1 && outcome.notes[0].contains("other programs hold it"))
  }

  @Test func twoAtOnce() throws {
    let models = try (0..<4).map { try SampleModel.llama(blocks: 1, seed: UInt64(40 + $0)).open() }
    let stores = (0..<4).map { _ in MeasurementStore(path: path) }
    DispatchQueue.concurrentPerform(iterations: 4) { index in
      measure(models[index], in: stores[index])
      measure(models[3 - index], in: stores[index])
    }
    stores.forEach { $0.close() }
    #expect(stores.allSatisfy { $0.notes.isEmpty }, "\(stores.map(\.notes))")
    for model in models { #expect(with { measure(model, in: $0).measured }.result == 0) }
  }

  /// Parts of the work on machines of their own, united, are the whole.
  @Test(arguments: [1, 2, 3, 7]) func shards(count: Int) throws {
    let model = try SampleModel.mixture().open()
    let all = work(model)
    let whole = with(scratch["whole"]) { measure(model, in: $0) }.result.findings
    var parts: [Work] = []
    for index in 1...count {
      let shard = try #require(Shard(index: index, count: count))
      let part = shard.part(of: all) { Double(model.tensors[$0.tensor].byteCount) }
      parts += part
      with(scratch["part\(index)"]) { _ = measure(model, in: $0, part) }
    }
    #expect(parts.count == all.count && Set(parts) == Set(all))
    try with { store in
      for index in 1...count {
        let result = try store.merge(from: scratch["part\(index)"])
        #expect(result.findings == result.taken)
        #expect(try store.merge(from: scratch["part\(index)"]).taken == 0)
      }
    }
    let united = with { measure(model, in: $0) }.result
    #expect(united.measured == 0)
    expectEqual(united.findings, whole)
  }

  @Test func shardsAreBalanced() throws {
    let work = (0..<500).flatMap { tensor in
      formats.map { Work.measurement(tensor: tensor, format: $0) }
    }
    func cost(_ work: Work) -> Double {
      work.tensor == 0 ? 4e6 : Double(1 + work.tensor % 17) * 1e4
    }
    let loads = (1...8).map { index in
      Shard(index: index, count: 8)?.part(of: work, cost: cost).reduce(0) { $0 + cost($1) } ?? 0
    }
    #expect((loads.max() ?? 0) < 1.02 * (loads.min() ?? 0), "\(loads)")
    #expect(Shard(index: 0, count: 3) == nil && Shard(index: 4, count: 3) == nil)
  }

  @Test func mergingWhatIsNoStore() throws {
    try scratch.write("noise", [UInt8](repeating: 77, count: 5000))
    with { store in
      for name in ["noise", "absent"] {
        #expect(throws: StoreFailure.self) { try store.merge(from: scratch[name]) }
      }
    }
    #expect(scratch.read("noise")?.count == 5000 && scratch.read("absent") == nil)
  }

  @Test func sizeLimit() throws {
    let limit = 256 << 10
    var models: [Model] = []
    for seed in 0..<24 {
      let model = try SampleModel.llama(blocks: 1, seed: UInt64(100 + seed)).open()
      models.append(model)
      let outcome = with(limit: limit) { store in
        measure(model, in: store)
        // Each is a day older than the next.
        _ = store.queue.sync {
          store.write {
            try $0.database.execute(sql: "UPDATE content SET used = used - 86400")
          }
        }
        return store.info()?.byteCount ?? .max
      }
      #expect(outcome.result <= limit && outcome.notes.isEmpty)
    }
    #expect((scratch.read("store.sqlite")?.count ?? .max) < 2 * limit)
    let known = models.map { model in with { ModelStore($0, model: model).recall().count }.result }
    #expect(known.first == 0 && known.last == work(model).count, "\(known)")
    #expect(known == known.sorted(), "\(known)")
  }

  @Test func clearing() throws {
    with { _ = measure(model, in: $0) }
    with { #expect($0.clear()) }
    let info = try #require(with { $0.info() }.result)
    #expect(info.findings == 0 && info.contents == 0)
    #expect(with { measure(model, in: $0).measured }.result == work(model).count)
  }

  @Test func defaultPaths() {
    let path = "bitladder/measurements.sqlite"
    func found(_ environment: [String: String]) -> String? {
      MeasurementStore.defaultPath(environment: environment)
    }
    #expect(found(["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/\(path)")
    #expect(found(["XDG_CACHE_HOME": "c", "HOME": "/h"]) == "/h/.cache/\(path)")
    #expect(found(["HOME": "/h"]) == "/h/.cache/\(path)")
    #expect(found([:]) == nil)
  }
}
