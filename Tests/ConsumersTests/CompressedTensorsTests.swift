import Consumers
import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

/// The PyPI package compressed-tensors itself, by a python that has it:
///
///     COMPRESSED_TENSORS_PYTHON=PATH/TO/python3 swift test --filter CompressedTensorsTests
@Suite(.enabled(if: compressedTensorsPython != nil, "COMPRESSED_TENSORS_PYTHON names no python"))
struct CompressedTensorsTests {
  @Test func thePackageDecompressesTheSameWeights() throws {
    let folder = try ScratchFolder()
    let model = try Model.open(austen)
    var choices: [Int: Choice] = [:]
    let formats = [
      "int2:affine:channel", "int3:affine:g64", "int4", "int4:affine:g32", "int5:channel",
      "int4:bf16", "int6:g256:f32", "int7:affine:percentile", "int8:tensor",
    ]
    for tensor in model.tensors where tensor.shape.count == 2 && tensor.block != nil {
      choices[tensor.id] = .format(
        try Format(parsing: formats[choices.count % formats.count]))
    }
    let packed = try SafetensorsOutput.packed(model: model, choices: choices)
    try folder.apply(packed.file, of: model, as: "packed.safetensors")
    try folder.write(
      "config.json", JSONWriter(.compact).string(try #require(packed.configuration)))
    // Our own reader's values, exact.
    let made = try Model.open(folder["packed.safetensors"])
    let exact = try SafetensorsOutput.dequantized(
      model: Model(
        name: made.name, path: made.path, configuration: ["dtype": "float32"], files: made.files,
        tensors: made.tensors), choices: [:], importance: nil)
    try folder.apply(exact.file, of: made, as: "exact.safetensors")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(compressedTensorsPython))
    process.arguments = ["-c", Self.script, folder.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(text == "\(choices.count) same\n")
  }

  /// The package computes in the type of the scales: ours are rounded to that.
  private static let script = """
    import json, sys
    import torch
    from safetensors.torch import load_file
    from compressed_tensors.quantization import QuantizationConfig
    from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor

    folder = sys.argv[1]
    packed, exact = load_file(folder + "/packed.safetensors"), load_file(folder + "/exact.safetensors")
    config = QuantizationConfig.model_validate(json.load(open(folder + "/config.json")))
    same = 0
    for scheme in config.config_groups.values():
        for module in scheme.targets:
            parts = {k[len(module) + 1:]: v for k, v in packed.items() if k.startswith(module + ".")}
            weight = PackedQuantizationCompressor.decompress(parts, scheme)["weight"]
            kind = parts["weight_scale"].dtype
            same += torch.equal(weight.to(kind), exact[module + ".weight"].to(kind))
    print(same, "same")
    """
}
