import Foundation
import ModelFiles
import Planning
import Quantization

/// A plan of three tensors with figures of every kind.
func samplePlan() throws -> Plan {
  Plan(
    model: Plan.ModelIdentity(
      name: "tiny \"one\"", architecture: "llama",
      fingerprint: "sha256:" + String(repeating: "0123456789abcdef", count: 4), weights: 8_256,
      bytes: 16_512),
    budget: .bitsPerWeight(4.5),
    totals: Plan.Sums(bytes: 4_480, bitsPerWeight: 4.341_085_271_317_829, nmse: 1e-05, sqnr: 50),
    tensors: [
      Plan.Entry(
        name: "a.weight", shape: [64, 64], source: "BF16",
        choice: .format(try Format(parsing: "int4:affine:g32:percentile=99.5")), bytes: 2_368,
        bitsPerWeight: 4.625, nmse: 0.012_345_678_901_234_567, exact: true, isPinned: true),
      Plan.Entry(
        name: "b\u{1B}[31m層.weight", shape: [64, 64], source: "BF16",
        choice: .format(try Format(parsing: "int3")), bytes: 1_984, bitsPerWeight: 3.875,
        nmse: nil, exact: false, isPinned: false),
      Plan.Entry(
        name: "norm", shape: [64], source: "F16", choice: .source, bytes: 128, bitsPerWeight: 16,
        nmse: 0, exact: true, isPinned: false),
    ])
}

/// The text of `samplePlan()`, as version 1 writes it for ever.
let samplePlanText = #"""
  {
    "bitladder": 1,
    "model": {
      "name": "tiny \"one\"",
      "architecture": "llama",
      "fingerprint": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "weights": 8256,
      "bytes": 16512
    },
    "budget": {"bitsPerWeight": 4.5},
    "totals": {"bytes": 4480, "bitsPerWeight": 4.341085271317829, "nmse": 1e-05, "sqnr": 50.0},
    "tensors": [
      {
        "name": "a.weight",
        "shape": [64, 64],
        "source": "BF16",
        "format": "int4:affine:g32:percentile=99.5",
        "bytes": 2368,
        "bitsPerWeight": 4.625,
        "nmse": 0.012345678901234567,
        "exact": true,
        "pinned": true
      },
      {
        "name": "b\u001b[31m層.weight",
        "shape": [64, 64],
        "source": "BF16",
        "format": "int3",
        "bytes": 1984,
        "bitsPerWeight": 3.875,
        "nmse": null,
        "exact": false,
        "pinned": false
      },
      {
        "name": "norm",
        "shape": [64],
        "source": "F16",
        "format": "source",
        "bytes": 128,
        "bitsPerWeight": 16.0,
        "nmse": 0.0,
        "exact": true,
        "pinned": false
      }
    ]
  }

  """#
