// swift-tools-version: 6.2
import PackageDescription

/// C is optimised in every configuration: the loops are what a debug build (and so the tests) would
/// otherwise wait for. Without contraction the results are the same on every processor.
let cSettings: [CSetting] = [
  .unsafeFlags(["-O3", "-ffp-contract=off", "-Wall", "-Wextra"])
]

/// Swift targets that loop over weights, cells or the bytes of a file are optimised in debug builds too.
let optimised: [SwiftSetting] = [
  .unsafeFlags(["-O"], .when(configuration: .debug))
]

/// What runs once a command, around loops that are in other targets: neither optimised nor compiled as a whole, so
/// that who builds the program waits less.
let quick: [SwiftSetting] = [
  .unsafeFlags(
    ["-no-whole-module-optimization", "-enable-batch-mode", "-Onone"],
    .when(configuration: .release))
]

/// The fuzzer of the parsers, which needs libFuzzer: Tests/Fuzzing/README.md says how to build it.
let fuzzer: [Target] =
  Context.environment["BITLADDER_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "Fuzzer", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Fuzzer")
  ]

let package = Package(
  name: "bitladder",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "bitladder", targets: ["bitladder"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    .target(
      name: "CTerminal",
      cSettings: [
        .define("_GNU_SOURCE", .when(platforms: [.linux])),
        .define("NCURSES_WIDECHAR", to: "1"),
      ],
      linkerSettings: [
        .linkedLibrary("ncursesw", .when(platforms: [.linux])),
        .linkedLibrary("ncurses", .when(platforms: [.macOS])),
      ]),
    .target(name: "CKernels", cSettings: cSettings),
    .target(name: "ModelFiles", swiftSettings: optimised),
    .target(name: "Quantization", dependencies: ["CKernels"], swiftSettings: optimised),
    .target(
      name: "Measurement", dependencies: ["ModelFiles", "Quantization"], swiftSettings: optimised),
    .target(
      name: "Storage",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: optimised),
    .target(
      name: "Planning", dependencies: ["ModelFiles", "Quantization", "Measurement"],
      exclude: ["plan.schema.json"], swiftSettings: optimised),
    .target(
      name: "Consumers",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Planning",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: optimised),
    .target(
      name: "Evaluation",
      dependencies: ["CKernels", "ModelFiles", "Quantization", "Measurement", "Planning"],
      swiftSettings: optimised),
    .target(name: "Terminal", dependencies: ["CTerminal"], swiftSettings: optimised),
    .target(
      name: "Explorer",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Planning", "Consumers", "Evaluation",
        "Terminal",
      ],
      swiftSettings: optimised),
    .target(
      name: "Settings",
      dependencies: ["ModelFiles", .product(name: "TOMLKit", package: "TOMLKit")],
      swiftSettings: optimised),
    .executableTarget(
      name: "bitladder",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Storage", "Planning", "Consumers",
        "Evaluation", "Terminal", "Explorer", "Settings",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: quick),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Storage", "Planning", "Consumers",
        "Evaluation", "Explorer", "Terminal", "FuzzTargets", "PseudoTerminalSupport",
      ]),
    .testTarget(
      name: "ModelFilesTests", dependencies: ["ModelFiles"], exclude: ["gguf_names.py"],
      resources: [.copy("Corpus"), .copy("Names")]),
    .testTarget(
      name: "QuantizationTests", dependencies: ["Quantization"],
      exclude: ["golden.py", "ggml_golden.py", "formats_golden.py", "mlx_golden.py"],
      resources: [.copy("Golden")]),
    .target(
      name: "SampleSupport", dependencies: ["ModelFiles"], path: "Tests/SampleSupport",
      swiftSettings: optimised),
    .testTarget(
      name: "MeasurementTests",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Storage", "SampleSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["packed_golden.py"],
      resources: [.copy("Quantized"), .copy("Packed")], swiftSettings: optimised),
    .testTarget(
      name: "PlanningTests",
      dependencies: ["ModelFiles", "Quantization", "Planning", "SampleSupport"],
      exclude: ["solver_golden.py"], resources: [.copy("Golden")], swiftSettings: optimised),
    .testTarget(
      name: "ConsumersTests",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Planning", "Consumers", "SampleSupport",
      ],
      exclude: [
        "llama_quantize.py", "llama_presets.py", "mlx_recipes.py", "exports.py", "apply_golden.py",
        "Exports",
      ],
      resources: [.copy("LlamaQuantize"), .copy("MLX")]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "CKernels", "ModelFiles", "Quantization", "Planning", "Evaluation", "SampleSupport",
      ],
      exclude: [
        "networks_golden.py", "tokenizers_golden.py", "gptq_golden.py", "gradients_golden.py",
      ],
      resources: [.copy("Golden")]),
    .target(
      name: "PseudoTerminalSupport", dependencies: ["CTerminal", "Terminal"],
      path: "Tests/PseudoTerminalSupport", swiftSettings: optimised),
    .executableTarget(
      name: "Soak",
      dependencies: ["ModelFiles", "Terminal", "PseudoTerminalSupport", "SampleSupport"],
      path: "Tests/Soak"),
    .executableTarget(
      name: "TerminalHost", dependencies: ["Terminal"], path: "Tests/TerminalHost"),
    .testTarget(
      name: "TerminalTests", dependencies: ["Terminal", "PseudoTerminalSupport", "TerminalHost"]),
    .testTarget(
      name: "ExplorerTests",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Planning", "Consumers", "Terminal",
        "Evaluation", "Explorer", "SampleSupport",
      ],
      exclude: ["Frames"]),
    .testTarget(
      name: "ProgramTests", dependencies: ["bitladder", "PseudoTerminalSupport"]),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "ModelFiles", "Quantization", "Measurement", "Planning", "Consumers", "Evaluation",
        "Terminal", "Settings", "SampleSupport",
      ],
      path: "Tests/Fuzzing/Targets", swiftSettings: optimised),
    .executableTarget(
      name: "ParserHost", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Host"),
    .testTarget(
      name: "FuzzingTests",
      dependencies: [
        "FuzzTargets", "ParserHost", "SampleSupport", "PseudoTerminalSupport",
      ],
      resources: [.copy("Corpus")]),
  ] + fuzzer
)
