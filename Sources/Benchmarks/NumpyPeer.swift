import Foundation

/// numpy doing the same work in the same run, on one thread, in pieces of the same size.
enum NumpyPeer {
  /// Weights per second by format; nil, with the reason on standard output, where python3 or numpy is missing.
  static func speeds(formats: [String], weights: Int, piece: Int, runs: Int) -> [String: Double]? {
    guard
      let text = python(script, [String(weights), String(piece), String(runs)] + formats)
    else {
      print("No comparison with numpy: python3 has no numpy, or failed.")
      return nil
    }
    var speeds: [String: Double] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count == 2, let speed = Double(fields[1]) { speeds[String(fields[0])] = speed }
    }
    return speeds
  }

  /// Prints "format weights-per-second" for each format it can do: f16, and intN with its default granularity
  /// or channel, symmetric or affine, minmax or mse.
  private static let script = """
    import sys, time
    import numpy as np

    count, piece, runs = (int(a) for a in sys.argv[1:4])
    rng = np.random.default_rng(1)
    w = (rng.standard_normal(count, dtype=np.float32) * np.float32(0.02))

    def grid(lo, hi, bits, affine):
        top = np.float32(2 ** bits - 1 if affine else 2 ** (bits - 1) - 1)
        s = ((hi - lo) if affine else np.maximum(-lo, hi)) / top
        s = s.astype(np.float16).astype(np.float32)
        z = np.rint(-lo / s) if affine else np.zeros_like(s)
        return s, np.clip(z, 0, top)

    def cast(x, s, z, bits, affine):
        a, b = (0, 2 ** bits - 1) if affine else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
        q = np.clip(np.rint(x / s) + z, np.float32(a), np.float32(b))
        return (q - z) * s

    def integer(x, bits, affine, mse):
        lo, hi = np.minimum(x.min(1), 0)[:, None], np.maximum(x.max(1), 0)[:, None]
        if not mse:
            return cast(x, *grid(lo, hi, bits, affine), bits, affine)
        best, kept = np.full(len(x), np.inf), np.zeros(len(x))
        for k in range(100, 20, -1):
            share = np.float32(k / 100)
            e = x - cast(x, *grid(lo * share, hi * share, bits, affine), bits, affine)
            e = (e.astype(np.float64) ** 2).sum(1)
            better = e < best
            best[better], kept[better] = e[better], share
        share = kept[:, None].astype(np.float32)
        return cast(x, *grid(lo * share, hi * share, bits, affine), bits, affine)

    def figures(x, r):
        x, r = x.ravel().astype(np.float64), r.ravel().astype(np.float64)
        e = x - r
        return e @ e, x @ x, r @ r, x @ r, np.abs(e).max()

    def measure(name, w):
        parts = name.split(":")
        for start in range(0, len(w), piece):
            x = w[start:start + piece]
            if name == "f16":
                r = x.astype(np.float16).astype(np.float32)
            else:
                group = 4096 if "channel" in parts else 128
                for p in parts:
                    if p[0] == "g": group = int(p[1:])
                r = integer(x.reshape(-1, group), int(name[3]), "affine" in parts, "mse" in parts)
            figures(x, r)

    for name in sys.argv[4:]:
        some = w[:count // 16] if "mse" in name else w
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            measure(name, some)
            times.append(time.perf_counter() - start)
        print(name, len(some) / sorted(times[1:])[runs // 2])
    """
}
