import CKernels

/// The functions between the matrices of a feed-forward part.
enum Activation: String, Sendable, Equatable {
  case relu
  case silu
  case gelu
  case geluTanh

  /// By the name that configurations have for it.
  init?(name: String) {
    switch name {
    case "relu": self = .relu
    case "silu", "swish": self = .silu
    case "gelu": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluTanh
    default: return nil
    }
  }

  var kind: bl_activation {
    switch self {
    case .relu: BL_RELU
    case .silu: BL_SILU
    case .gelu: BL_GELU
    case .geluTanh: BL_GELU_TANH
    }
  }

  func apply(_ x: inout [Float]) { bl_activate(kind, &x, x.count) }

  /// gate becomes f(gate) · up.
  func apply(gate: inout [Float], up: [Float]) {
    precondition(gate.count == up.count)
    bl_activate_gate(kind, &gate, up, gate.count)
  }
}
