import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

@testable import Explorer

#if canImport(FoundationXML)
  import FoundationXML
#endif

struct ReportTests {
  /// A report on some tensors: attention in `int4`, the rest in `int3`, errors made up.
  private static func report(_ tensors: [Tensor], name: String = "sample") -> Report {
    let entries = tensors.map { tensor in
      let isQuantized = tensor.suitability.isQuantizable
      let isAttention = tensor.role.rawValue.hasPrefix("attn")
      let format = Format.integer(IntegerFormat.standard.with(bits: isAttention ? 4 : 3))
      let choice: Choice = isQuantized ? .format(format) : .source
      var part = Contribution(tensor: tensor, choice: choice, isReadable: true)
      part.squares = Double(tensor.weightCount)
      if isQuantized {
        let share = 0.01 * Double(1 + tensor.id % 7) * (isAttention ? 0.1 : 1)
        part.squaredError = share * Double(tensor.weightCount)
      }
      return Report.Entry(
        tensor: tensor, choice: choice, contribution: part, isPinned: tensor.id == 2)
    }
    let weights = tensors.reduce(0) { $0 + $1.weightCount }
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    var report = Report(
      model: Plan.ModelIdentity(
        name: name, architecture: "llama", fingerprint: "sha256:0123", weights: weights,
        bytes: bytes),
      container: .safetensors, subject: .plan("sample.plan.json"), entries: entries,
      command: "bitladder report sample --plan sample.plan.json -o report.html", version: "1.2.3")
    report.frontier = PlanCurve(
      objective: .nmse, points: vertices(tensors),
      marks: [
        .init(
          name: "sample.plan.json", kind: .subject, bytes: bytes / 4, error: 0.03, best: 0.02),
        .init(name: "Q4_K_M", kind: .preset, bytes: bytes / 3, error: 0.02, best: 0.01),
        .init(name: "int2", kind: .uniform, bytes: bytes / 6, error: 0.6),
      ])
    var (source, back) = (
      Histogram(range: HistogramRange(lower: -1, upper: 1, bins: 12)),
      Histogram(range: HistogramRange(lower: -1, upper: 1, bins: 12))
    )
    let values: [Float] = (0..<400).map { (index: Int) -> Float in
      Float((index % 20 - 10) * (index % 7)) / 50
    }
    source.add(values.span)
    let levels: [Float] = values.map { (value: Float) -> Float in (value * 2).rounded() / 2 }
    back.add(levels.span)
    report.distributions = Report.worst(entries, count: 2).map {
      Report.Distribution(entry: $0, source: source, reconstructed: back)
    }
    report.notes = ["a note"]
    return report
  }

  /// A curve through made-up errors: two bits more, and a sixteenth is lost.
  private static func vertices(_ tensors: [Tensor]) -> [Frontier.Vertex] {
    let options = tensors.prefix(40).map { tensor in
      let choices = [2, 4, 6].map { bits in
        TensorOptions.Option(
          choice: .format(.integer(IntegerFormat.standard.with(bits: bits))),
          bytes: tensor.weightCount * bits / 8,
          squaredError: Double(tensor.weightCount * (1 + tensor.id % 3)) / Double(1 << (2 * bits)))
      }
      return TensorOptions(
        tensor: tensor, squares: Double(tensor.weightCount), options: choices)
    }
    return (try? PlanningProblem(tensors: options).frontier().vertices) ?? []
  }

  private static func sample() throws -> Report {
    report(try SampleModel.llama().open().tensors)
  }

  @Test func pagesStayAsTheyWereLookedAt() throws {
    let report = try Self.sample()
    let html = report.html
    // The style is no part of what is compared.
    let page = html.replacing(ReportStyle.text, with: "")
    try Golden.expect(page.split(separator: "\n").map(String.init), "report-html")
    try Golden.expect(report.markdown.split(separator: "\n").map(String.init), "report-markdown")
  }

  @Test func thePageIsWellFormedAndNeedsNothingElse() throws {
    let html = try Self.sample().html
    let page = try Page(html)
    #expect(page.count(of: "svg") == 9)
    for name in ["script", "img", "link", "iframe", "object", "a"] {
      #expect(page.count(of: name) == 0, "\(name)")
    }
    #expect(html.contains("default-src &#39;none&#39;"))
    #expect(!ReportStyle.text.contains("url(") && !ReportStyle.text.contains("@import"))
    // Nothing is fetched: the only addresses are the names of XML's vocabularies.
    let addresses = html.components(separatedBy: "http").dropFirst()
    #expect(addresses.allSatisfy { $0.hasPrefix("://www.w3.org/") || $0.hasPrefix("-equiv") })
  }

  /// A heat map's cells, a curve and its marks, bars: all that figures become.
  @Test func figuresAreThere() throws {
    let report = try Self.sample()
    let page = try Page(report.html)
    for text in ["sample.plan.json", "Q4_K_M", "int2", "block 2", "self_attn.q_proj", "a note"] {
      #expect(page.text.contains(text), "\(text)")
    }
    #expect(page.text.contains("bitladder 1.2.3"))
    #expect(page.text.contains("(pinned)"))
    var dated = report
    dated.date = "2001-02-03"
    #expect(dated.html.contains("2001-02-03") && dated.markdown.contains("2001-02-03"))
  }

  // MARK: - Hostile names

  private static let hostile = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='alert(1)",
    "a|b`c``d\\|e", "]]><!-- -->&lt;&amp;", "x\u{202E}y\u{200B}\u{7}\u{1B}[31m\n# head",
    "\u{FFFE}\u{FFFF}\u{0}", "@someone #1 ![x](http://evil.example/x.png)",
    String(repeating: "long.", count: 20_000), "</code></td></table><h1>",
  ]

  @Test func hostileNamesAreShownAndDoNothing() throws {
    let tensors = Self.hostile.enumerated().map { id, name in
      Tensor(id: id, name: name + ".weight", shape: [64, 64], source: .f32)
    }
    for name in Self.hostile {
      var report = Self.report(tensors, name: name)
      report.subject = .plan(name)
      report.model.architecture = name
      report.command = name
      report.date = name
      report.notes = [name]
      report.frontier = PlanCurve(
        objective: .nmse, points: report.frontier?.points ?? [],
        marks: [.init(name: name, kind: .preset, bytes: 50_000, error: 0.01)])
      let page = try Page(report.html)
      for element in ["script", "img", "h1"] {
        #expect(page.count(of: element) == (element == "h1" ? 1 : 0), "\(name)")
      }
      #expect(Set(page.attributes).isDisjoint(with: ["onerror", "onload", "src", "href"]))
      #expect(page.text.contains(name.sanitised.prefix(20)))
      let markdown = report.markdown
      for text in [report.html, markdown] {
        #expect(
          !text.unicodeScalars.contains {
            $0 != "\n" && ($0.value < 0x20 || $0.value == 0x202E || $0.value == 0x200B)
          }, "\(name)")
      }
      #expect(text(outsideOfCode: markdown).allSatisfy { !$0.contains("<script") })
      #expect(markdown.count < 65_536)
    }
  }

  /// Lines of Markdown without the spans and blocks of code in them.
  private func text(outsideOfCode markdown: String) -> [String] {
    var isInside = false
    return markdown.split(separator: "\n").compactMap { line -> String? in
      if line.hasPrefix("```") {
        isInside.toggle()
        return nil
      }
      if isInside { return nil }
      return String(line).replacing(/(`+)(.*?)\1/, with: "")
    }
  }

  @Test func barsAndBackticksDontBreakTables() throws {
    let tensors = ["a|b.weight", "c`d.weight", "e\\.weight", "f\\|g.weight"].enumerated().map {
      Tensor(id: $0, name: $1, shape: [64, 64], source: .f32)
    }
    let lines = Self.report(tensors).markdown.split(separator: "\n").map(String.init)
    for name in ["a\\|b", "``c`d``", "`e\\`", "f\\\\\\|g"] {
      let line = lines.first { $0.hasPrefix("| \(name) |") }
      #expect(line != nil, "\(name)")
    }
  }

  // MARK: - Sizes

  @Test func veryManyTensorsMakeAPageOfBoundedSize() throws {
    var tensors: [Tensor] = []
    for block in 0..<60 {
      for part in ["q_proj", "k_proj", "v_proj", "o_proj"] {
        tensors.append(
          Tensor(
            id: tensors.count, name: "model.layers.\(block).self_attn.\(part).weight",
            shape: [64, 64], source: .bf16))
      }
      for expert in 0..<250 {
        for part in ["gate_proj", "up_proj", "down_proj"] {
          tensors.append(
            Tensor(
              id: tensors.count, name: "model.layers.\(block).mlp.experts.\(expert).\(part).weight",
              shape: [64, 64], source: .bf16))
        }
      }
    }
    #expect(tensors.count == 45_240)
    let report = Self.report(tensors)
    let html = report.html
    #expect(html.utf8.count < 400_000, "\(html.utf8.count)")
    #expect(html.contains("250 experts"))
    #expect(report.markdown.count < 60_000)
  }

  @Test func veryManyBlocksAndNamesToo() throws {
    let tensors = (0..<45_000).map { id in
      Tensor(
        id: id, name: "layers.\(id).\(String(repeating: "x", count: 300)).q_proj.weight",
        shape: [64, 64], source: .bf16)
    }
    let report = Self.report(tensors)
    let html = report.html
    #expect(html.utf8.count < 2_500_000, "\(html.utf8.count)")
    #expect(html.contains("43000 more tensors not listed here"))
    #expect(report.markdown.count < 60_000)
    #expect(HeatMap(report.entries).sections.allSatisfy { $0.rows.count <= 128 })
    _ = try Page(html)
  }

  @Test func worstOnesAreOfDifferentKinds() throws {
    let entries = try Self.sample().entries
    let worst = Report.worst(entries, count: 6)
    #expect(worst.count == 6)
    let errors = worst.map { entries[$0].contribution.nmse ?? 0 }
    #expect(errors == errors.sorted(by: >) && errors.allSatisfy { $0 > 0 })
  }

  @Test func coloursAreInOrderOfTheirLightness() {
    func lightness(_ share: Double) -> Int {
      let value = Int(ColorScale.color(share).fill.dropFirst(), radix: 16) ?? 0
      return 2126 * (value >> 16) + 7152 * (value >> 8 & 255) + 722 * (value & 255)
    }
    let steps = (0...50).map { lightness(Double($0) / 50) }
    #expect(steps == steps.sorted() && Set(steps).count == 51)
    #expect(ColorScale.color(.nan).fill == ColorScale.color(0).fill)
    #expect(!ColorScale.color(0).isLight && ColorScale.color(1).isLight)
  }
}

/// A page, parsed as XML: what elements and attributes there are, and all text.
private final class Page: NSObject, XMLParserDelegate {
  struct NotWellFormed: Error {
    let line: Int
    let reason: String
  }

  private(set) var elements: [String: Int] = [:]
  private(set) var attributes: [String] = []
  private(set) var text = ""

  init(_ html: String) throws {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    guard parser.parse() else {
      throw NotWellFormed(
        line: parser.lineNumber, reason: parser.parserError.map { "\($0)" } ?? "?")
    }
  }

  func count(of name: String) -> Int { elements[name] ?? 0 }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
    self.attributes += attributes.keys
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
