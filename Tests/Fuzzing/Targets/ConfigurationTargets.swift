import ModelFiles
import Planning
import Settings

let configurationTargets: [FuzzTarget] = [
  FuzzTarget(name: "configuration") { bytes in
    guard let value = try? JSONParser.parse(Array(bytes)), value.object != nil else {
      return false
    }
    let sizes = Hyperparameters(configuration: value)
    let shape = try parsed { () throws(CacheUnknown) in try CacheShape(configuration: value) }
    try expect(shape?.layerCount ?? 0 <= 10_000, "\(shape?.layerCount ?? 0) layers")
    let demand = Demand(
      weights: 1 << 40, readPerToken: 0x1p40, cache: shape, vocabulary: sizes.vocabulary ?? 0,
      width: sizes.hiddenSize ?? 0)
    let use = Use(context: Use.usualContext(shape), sequences: 4)
    let fit = Fit(demand, on: Device.catalogue[0], use)
    try expectOneLine(fit.summary())
    try expect(fit.greatestContext ?? 0 <= Fit.mostTokens, "a context without end")
    return shape != nil
  },
  FuzzTarget(name: "tokenizer") { bytes in
    let files = parts(bytes, count: 5)
    let names = [
      "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "tokenizer.model",
    ]
    let folder = FuzzFolder.shared
    // An empty part is a file that isn't there.
    try folder.fill(
      names.enumerated().map { index, name in
        let part = files.count > index + 1 ? files[index + 1] : nil
        return (name, part.flatMap { $0.isEmpty ? nil : $0 })
      })
    guard let configuration = try? JSONParser.parse(Array(files[0])) else { return false }
    let model = Model(
      name: "small", path: folder.path + "/model.safetensors", architecture: "llama",
      configuration: configuration, tensors: SmallModel.checkpoint.tensors)
    let conversion = try parsed { () throws(ModelFileError) in try GGUFConversion(model) }
    guard let pairs = conversion?.pairs else { return false }
    try expect(Set(pairs.map(\.key)).count == pairs.count, "a key twice")
    return true
  },
  FuzzTarget(name: "config") { bytes in
    let path = "config.toml"
    let value = try parsed { () throws(TOMLError) in
      try TOMLText.value(of: try TOMLText.text(of: Array(bytes), path: path), path: path)
    }
    guard let value else { return false }
    let devices = try parsed { () throws(ModelFileError) in
      try Device.read(value["device"], path: path) { _ in }
    }
    for device in devices ?? [] {
      try expect(device.memory > 0 && device.bandwidth > 0, "a device without memory")
    }
    return devices != nil
  },
]
