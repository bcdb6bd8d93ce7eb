import CKernels
import Foundation
import Testing

@testable import Evaluation

@Suite("Dense kernels")
struct DenseTests {
  struct Sizes: Sendable {
    let rows: Int
    let columns: Int
    let depth: Int
  }

  private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 31)
    }
  }

  @Test(
    arguments: [
      (1, 1, 1), (12, 32, 8), (13, 33, 300), (7, 401, 3), (100, 17, 257), (64, 400, 600),
    ],
    [true, false])
  func productsAreThoseOfTheDefinition(_ sizes: (Int, Int, Int), isTransposed: Bool) {
    let (rows, columns, depth) = sizes
    let a = Self.numbers(rows * depth, seed: 1)
    let b = Self.numbers(columns * depth, seed: 2)
    let start = Self.numbers(rows * columns, seed: 3)
    for product in [MatrixProduct.own, .best] {
      for adds in [false, true] {
        var out = start
        let room = Workspace(product)
        out.withUnsafeMutableBufferPointer { out in
          a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
              room.multiply(
                bl_product(
                  rows: rows, columns: columns, depth: depth, a: a.baseAddress, a_stride: depth,
                  b: b.baseAddress, b_stride: isTransposed ? depth : columns,
                  b_is_transposed: isTransposed, adds: adds, out: out.baseAddress,
                  out_stride: columns))
            }
          }
        }
        var greatest = 0.0
        for row in 0..<rows {
          for column in 0..<columns {
            var sum = adds ? Double(start[row * columns + column]) : 0
            for k in 0..<depth {
              let other = isTransposed ? b[column * depth + k] : b[k * columns + column]
              sum += Double(a[row * depth + k]) * Double(other)
            }
            greatest = max(greatest, abs(Double(out[row * columns + column]) - sum))
          }
        }
        #expect(greatest < 1e-5 * Double(depth).squareRoot(), "\(product.description)")
      }
    }
  }

  @Test func activationsAreThoseOfTheDefinition() {
    let x = (0..<1001).map { (Float($0) - 500) / 50 }
    func greatest(_ activation: Activation, _ expected: (Double) -> Double) -> Double {
      var out = x
      activation.apply(&out)
      return zip(x, out).map { abs(Double($1) - expected(Double($0))) / max(1, abs(Double($0))) }
        .max() ?? 0
    }
    #expect(greatest(.relu) { max($0, 0) } == 0)
    #expect(greatest(.silu) { $0 / (1 + exp(-$0)) } < 3e-7)
    #expect(greatest(.gelu) { $0 * (1 + erf($0 / 2.0.squareRoot())) / 2 } < 3e-7)
    #expect(
      greatest(.geluTanh) {
        $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) / 2
      } < 3e-7)
    var capped = x
    bl_cap(&capped, capped.count, 3)
    let error = zip(x, capped).map { abs(Double($1) - 3 * tanh(Double($0) / 3)) }.max() ?? 1
    #expect(error < 1e-6)
  }

  @Test func divergenceIsExactWhereThereIsNone() {
    let base = Self.numbers(1003, seed: 4).map { $0 * 12 }
    let shifted = base.map { $0 + 0.75 }
    let sums = (bl_log_sum_exp(base, base.count), bl_log_sum_exp(shifted, shifted.count))
    #expect(bl_divergence(base, sums.0.log_sum, base, sums.0.log_sum, base.count) == 0)
    // The same added to all logits changes nothing.
    #expect(
      abs(bl_divergence(base, sums.0.log_sum, shifted, sums.1.log_sum, base.count)) < 1e-6)
    let exact = log(base.reduce(0.0) { $0 + exp(Double($1)) })
    #expect(abs(sums.0.log_sum - exact) < 1e-6)
    #expect(base[Int(sums.0.place)] == base.max())
  }

  @Test func divergenceIsThatOfTheDefinition() {
    let base = Self.numbers(501, seed: 5).map { $0 * 8 }
    let other = zip(base, Self.numbers(501, seed: 6)).map { $0 + $1 * 0.3 }
    func logarithms(_ x: [Float]) -> [Double] {
      let sum = log(x.reduce(0.0) { $0 + exp(Double($1)) })
      return x.map { Double($0) - sum }
    }
    let (p, q) = (logarithms(base), logarithms(other))
    let expected = zip(p, q).reduce(0.0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    let found = bl_divergence(
      base, bl_log_sum_exp(base, base.count).log_sum, other,
      bl_log_sum_exp(other, other.count).log_sum, base.count)
    #expect(abs(found - expected) < 1e-7)
  }

  @Test func workersDoEachPieceOnce() {
    let workers = Workers(3)
    for count in [0, 1, 2, 100] {
      var done = [Int](repeating: 0, count: count)
      done.withUnsafeMutableBufferPointer { done in
        nonisolated(unsafe) let done = done
        workers.run(count) { _, piece in done[piece] += 1 }
      }
      #expect(done.allSatisfy { $0 == 1 })
    }
  }
}
