import Quantization

extension FormatWords {
  /// The block types of ggml. The K and IQ types nest: groups have small scales of their own, which are multiples of
  /// the block's.
  static func words(of type: GGMLType) -> (summary: String, text: String) {
    let one = "32 weights share a scale, an f16. "
    let two =
      "32 weights share a scale and a minimum, each an f16: weight = scale x code + minimum. "
    func nested(_ group: Int, _ bits: Int, minimums: Bool) -> String {
      "256 weights in groups of \(group): a group's scale\(minimums ? " and minimum are" : " is") \(bits) bits, times the "
        + "block's own. "
    }
    let points =
      "weights aren't rounded one by one: together they are the nearest point of a fixed grid. "
    let needs = "Can't be made without an importance matrix (--imatrix)."
    let helps = "An importance matrix helps much (--imatrix)."
    switch type {
    case .q80: return ("8-bit blocks", one + "Codes of 8 bits, -127 to 127; all but lossless.")
    case .q40:
      return (
        "4-bit blocks",
        one + "Codes of 4 bits, -8 to 7. The oldest type; K types are better at its size."
      )
    case .q41: return ("4-bit blocks with minimums", two + "Codes of 4 bits.")
    case .q50:
      return (
        "5-bit blocks",
        one + "Codes of 5 bits, -16 to 15; the fifth bits stand apart."
      )
    case .q51: return ("5-bit blocks with minimums", two + "Codes of 5 bits.")
    case .q6K:
      return ("6-bit super-blocks", nested(16, 8, minimums: false) + "Codes of 6 bits, -32 to 31.")
    case .q5K:
      return (
        "5-bit super-blocks",
        nested(32, 6, minimums: true) + "Codes of 5 bits, 0 to 31."
      )
    case .q4K:
      return (
        "4-bit super-blocks",
        nested(32, 6, minimums: true) + "Codes of 4 bits, 0 to 15. What most people mean by 4 bits "
          + "in llama.cpp."
      )
    case .q3K:
      return ("3-bit super-blocks", nested(16, 6, minimums: false) + "Codes of 3 bits, -4 to 3.")
    case .q2K:
      return (
        "2-bit super-blocks",
        nested(16, 4, minimums: true) + "Codes of 2 bits, 0 to 3."
      )
    case .iq4NL:
      return (
        "4 bits, uneven levels",
        one + "16 levels that lie closer together near 0, where most weights are. For rows that "
          + "aren't multiples of 256."
      )
    case .iq4XS:
      return (
        "4 bits, uneven levels, super-blocks",
        nested(32, 6, minimums: false) + "The 16 levels of iq4_nl. A quarter of a bit less than "
          + "q4_K, for about its error."
      )
    case .iq3S:
      return (
        "3 bits on a grid",
        "Four " + points + "512 points of magnitudes, and all signs. Groups of 32 have a 4-bit "
          + "scale. " + helps
      )
    case .iq3XXS:
      return (
        "3 bits on a smaller grid",
        "Four " + points
          + "256 points of magnitudes; of eight signs seven are stored. Groups of 32 "
          + "have a 4-bit scale. " + helps
      )
    case .iq2S:
      return (
        "2 bits on a grid",
        "Eight " + points + "1,024 points of magnitudes, and all signs. Groups of 16 have a 4-bit "
          + "scale. " + helps
      )
    case .iq2XS:
      return (
        "2 bits on a smaller grid",
        "Eight " + points + "512 points of magnitudes; of eight signs seven are stored. Groups of "
          + "16 have a 4-bit scale. " + needs
      )
    case .iq2XXS:
      return (
        "2 bits on the smallest grid",
        "Eight " + points + "256 points of magnitudes; of eight signs seven are stored. Groups of "
          + "32 have a 4-bit scale. " + needs
      )
    case .iq1M:
      return (
        "under 2 bits, -1, 0 and 1",
        "Eight " + points + "2,048 points of -1, 0 and 1, moved an eighth up or down. Groups of 16 "
          + "have a 3-bit scale. "
          + helps
      )
    case .iq1S:
      return (
        "the fewest bits on a grid",
        "Eight " + points + "2,048 points of -1, 0 and 1, moved an eighth up or down. Groups of 32 "
          + "have a 3-bit scale. "
          + needs
      )
    case .tq10:
      return (
        "ternary, packed tightly",
        "-1, 0 or 1 times a scale for 256 weights, five in a byte. Made for models that were "
          + "trained so (BitNet)."
      )
    case .tq20:
      return (
        "ternary, packed simply",
        "-1, 0 or 1 times a scale for 256 weights, four in a byte: faster to read than tq1_0. Made "
          + "for models that were trained so (BitNet)."
      )
    case .mxfp4:
      return (
        "llama.cpp's MXFP4",
        "32 weights of E2M1 (0 to 6 in eight levels, with a sign) times a power of two. The type "
          + "that gpt-oss is published in; rounded otherwise than mxfp4:ocp."
      )
    case .nvfp4:
      return (
        "llama.cpp's NVFP4",
        "Four times 16 weights of E2M1 with a scale of E4M3. Without NVIDIA's scale for the whole "
          + "tensor."
      )
    case .q20:
      return (
        "four levels",
        "64 weights share a scale, their greatest magnitude: -1, 0, 1 or 2 times that."
      )
    case .q10:
      return (
        "signs alone",
        "128 weights share a scale, their mean magnitude: each is plus or minus that."
      )
    }
  }
}
