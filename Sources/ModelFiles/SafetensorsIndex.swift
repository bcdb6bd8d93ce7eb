/// The index of a sharded model, `model.safetensors.index.json`: which shard holds which tensor.
struct SafetensorsIndex {
  /// The shards' names in natural order: plain paths within the index's folder.
  var shards: [String]
  /// The index of the shard of each tensor.
  var shardOfTensor: [String: Int]

  /// Reads an index.
  static func read(_ file: MappedFile) throws(ModelFileError) -> SafetensorsIndex {
    do throws(Flaw) {
      return try file.withUnsafeBytes(read)
    } catch {
      throw error.inFile(file.path)
    }
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws(Flaw) -> SafetensorsIndex {
    var cursor = JSONCursor(bytes)
    var map: (shards: [String], tensors: [(name: String, shard: Int)])?
    guard cursor.peek() == UInt8(ascii: "{") else { throw cursor.unexpected("a JSON object") }
    try cursor.open(UInt8(ascii: "{"))
    var isFirst = true
    while let key = try cursor.nextKey(&isFirst) {
      guard key == "weight_map" else {
        try cursor.skipValue(depth: 2)
        continue
      }
      if map != nil { throw Flaw(.key(key), found: "it twice", expected: "it once") }
      map = try readMap(&cursor)
    }
    try cursor.end()
    guard let map else {
      throw Flaw(
        .file, found: "a JSON file without a weight_map", expected: "the index of a sharded model",
        remedy: "open the model's folder, or its .safetensors file")
    }
    guard !map.shards.isEmpty else {
      throw Flaw(.key("weight_map"), found: "no tensors", expected: "at least one")
    }
    // Shards in the order of their names, whatever the order in the map.
    let order = map.shards.indices.sorted { naturalOrder(map.shards[$0], map.shards[$1]) }
    var rank = [Int](repeating: 0, count: order.count)
    for (position, shard) in order.enumerated() { rank[shard] = position }
    var shardOfTensor = [String: Int](minimumCapacity: map.tensors.count)
    for (name, shard) in map.tensors {
      guard shardOfTensor.updateValue(rank[shard], forKey: name) == nil else {
        throw Flaw(.tensor(name), found: "it twice in weight_map", expected: "it once")
      }
    }
    return SafetensorsIndex(shards: order.map { map.shards[$0] }, shardOfTensor: shardOfTensor)
  }

  private static func readMap(
    _ cursor: inout JSONCursor
  ) throws(Flaw) -> (shards: [String], tensors: [(name: String, shard: Int)]) {
    let place = ModelFileError.Place.key("weight_map")
    guard cursor.peek() == UInt8(ascii: "{") else {
      let flaw = cursor.unexpected("an object of tensor names and file names")
      throw Flaw(place, found: flaw.found, expected: flaw.expected)
    }
    var shards: [String] = []
    var known: [String: Int] = [:]
    var tensors: [(name: String, shard: Int)] = []
    try cursor.open(UInt8(ascii: "{"))
    var isFirst = true
    while let name = try cursor.nextKey(&isFirst) {
      guard cursor.peek() == UInt8(ascii: "\"") else {
        let flaw = cursor.unexpected("the name of a file")
        throw Flaw(.tensor(name), found: flaw.found, expected: flaw.expected)
      }
      let shard = try cursor.string()
      if let index = known[shard] {
        tensors.append((name, index))
        continue
      }
      if let problem = problem(ofShardName: shard) {
        throw Flaw(
          .tensor(name), found: "the shard \(quoted(shard)) (\(problem))",
          expected: "the name of a file within the model's folder")
      }
      known[shard] = shards.count
      tensors.append((name, shards.count))
      shards.append(shard)
    }
    return (shards, tensors)
  }

  /// Why a name can't be that of a shard: it must be a relative path that stays within the folder.
  static func problem(ofShardName name: String) -> String? {
    if name.isEmpty { return "empty" }
    if name.utf8.contains(0) { return "a NUL" }
    if name.hasPrefix("/") { return "an absolute path" }
    let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if parts.contains(where: { $0.elementsEqual("..".utf8) }) { return "it leaves the folder" }
    if parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) {
      return "no plain name"
    }
    return nil
  }
}
