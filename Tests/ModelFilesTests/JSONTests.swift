import Testing

@testable import ModelFiles

@Suite("JSON")
struct JSONTests {
  private func error(_ text: String, maximumDepth: Int = 64) -> String? {
    do throws(JSONError) {
      _ = try JSONParser.parse(text, maximumDepth: maximumDepth)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func valuesKeepTheirOrder() throws {
    let value = try JSONParser.parse(
      #" {"b": [1, -2.5e3, true, false, null], "a": {"x": "é\n\u00e9\ud83d\ude00\/"}, "": ""} "#)
    #expect(value.object?.keys == ["b", "a", ""])
    #expect(value["b"]?.array?.count == 5)
    #expect(value["b"]?.array?[1].double == -2500)
    #expect(value["b"]?.array?[1].int == nil)
    #expect(value["a"]?["x"]?.string == "é\né😀/")
  }

  @Test(
    "is strict",
    arguments: [
      ("", "byte 0: found the end of the JSON, expected a value"),
      ("{", "byte 1: found the end of the JSON, expected a name in quotation marks"),
      ("[1,]", "byte 3: found \"]\", expected another item after \",\""),
      ("[1 2]", "byte 3: found a number, expected \",\" or \"]\""),
      ("{\"a\" 1}", "byte 5: found a number, expected \":\""),
      ("{\"a\":1,\"a\":2}", "byte 7: found the name \"a\" twice, expected it once"),
      ("{'a':1}", "byte 1: found \"'\", expected a name in quotation marks"),
      ("nul", "byte 0: found \"nul\", expected a value"),
      ("NaN", "byte 0: found \"NaN\", expected a value"),
      ("01", "byte 1: found a number, expected nothing after the end of the JSON"),
      ("1.", "byte 2: found the end of the JSON, expected a digit"),
      ("-", "byte 1: found the end of the JSON, expected a digit"),
      ("1e+", "byte 3: found the end of the JSON, expected a digit"),
      (".5", "byte 0: found \".\", expected a value"),
      ("\"a", "byte 2: found the end of the JSON, expected the end of a string"),
      ("\"a\u{1}\"", "byte 2: found a byte 0x01, expected no control character in a string"),
      ("\"\\x\"", "byte 2: found \"x\", expected an escape"),
      ("\"\\u12\"", "byte 5: found a string, expected four hexadecimal digits"),
      ("\"\\ud800\"", "byte 7: found half a surrogate pair, expected a character"),
      ("\"\\ud800\\u0041\"", "byte 13: found half a surrogate pair, expected a character"),
      ("\"\\udc00\"", "byte 7: found half a surrogate pair, expected a character"),
      ("[] x", "byte 3: found \"x\", expected nothing after the end of the JSON"),
      ("// no\n1", "byte 0: found \"/\", expected a value"),
    ])
  func strict(_ text: String, _ message: String) {
    #expect(error(text) == message)
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
    ] {
      #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
    }
  }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(error(deep) == "byte 64: found JSON nested more than 64 deep, expected at most 64")
    #expect(error(String(repeating: "{\"a\":", count: 100_000), maximumDepth: 9999) != nil)
    let allowed = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(error(allowed) == nil)
  }

  @Test func numbersAreConvertedWithCare() throws {
    func number(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }
    #expect(try number("9223372036854775807").int == .max)
    #expect(try number("9223372036854775808").int == nil)
    #expect(try number("-0").int == 0)
    #expect(try number("1.0").int == nil)
    #expect(try number("1e400").double == nil)
    #expect(try number("1e308").double == 1e308)
    #expect(JSONValue(Double.nan) == .null)
    #expect(JSONValue(Double.infinity) == .null)
    #expect(JSONNumber(-Double.infinity) == nil)
  }

  @Test(
    "doubles read back the same",
    arguments: [
      0.1, 1, -0.0, 1e-5, .leastNonzeroMagnitude, 1.7976931348623157e308, 1.0 / 3, 123_456_789.125,
      1e21, 4.5,
    ])
  func roundTrip(_ number: Double) throws {
    let text = JSONWriter(.compact).string(JSONValue(number))
    let back = try JSONParser.parse(text).double
    #expect(back?.bitPattern == number.bitPattern)
  }

  @Test func writingIsStableAndSafe() throws {
    let value: JSONValue = [
      "name": "w\u{1B}[2J\u{202E}\"\\\n😀",
      "shape": [576, 576],
      "nested": [["a": 1], ["b": nil]],
      "empty": [:],
      "none": [],
      "bits": 4.5,
      "yes": true,
    ]
    let expected = #"""
      {
        "name": "w\u001b[2J\u202e\"\\\n😀",
        "shape": [576, 576],
        "nested": [
          {"a": 1},
          {"b": null}
        ],
        "empty": {},
        "none": [],
        "bits": 4.5,
        "yes": true
      }

      """#
    let text = JSONWriter().string(value)
    #expect(text == expected)
    #expect(try JSONParser.parse(text) == value)
    #expect(try JSONWriter().string(JSONParser.parse(text)) == text)
    let compact = JSONWriter(.compact).string(value)
    #expect(!compact.contains(" ") && !compact.contains("\n"))
    #expect(try JSONParser.parse(compact) == value)
  }

  @Test func longArraysTakeOneLineForEachElement() {
    let long = JSONValue.array((0..<40).map { JSONValue($0 + 100_000) })
    let text = JSONWriter().string(long)
    #expect(text.split(separator: "\n").count == 42)
  }

  @Test func objectsFindTheirMembersHoweverMany() {
    var object = JSONObject()
    for index in 0..<100 { object["k\(index)"] = JSONValue(index) }
    #expect(object.count == 100)
    #expect(object["k99"]?.int == 99)
    object["k50"] = nil
    object["k0"] = "new"
    #expect(object.count == 99)
    #expect(object["k50"] == nil)
    #expect(object["k99"]?.int == 99)
    #expect(object.members.first?.value == "new")
  }
}

@Suite("Text")
struct TextTests {
  @Test(
    "is made safe to show",
    arguments: [
      ("plain.weight", "plain.weight"),
      ("", ""),
      ("é 重み 😀", "é 重み 😀"),
      ("\u{1B}]52;c;AAAA\u{7}", "\\x1b]52;c;AAAA\\x07"),
      ("a\tb\r\n\u{0}", "a\\x09b\\x0d\\x0a\\x00"),
      ("\u{7F}\u{9B}31m", "\\x7f\\u{9b}31m"),
      ("\u{202E}abc\u{2066}\u{200F}", "\\u{202e}abc\\u{2066}\\u{200f}"),
      ("a\u{200B}b\u{FEFF}\u{AD}", "a\\u{200b}b\\u{feff}\\u{ad}"),
      ("\u{2028}\u{2029}\u{E0041}\u{3164}", "\\u{2028}\\u{2029}\\u{e0041}\\u{3164}"),
    ])
  func sanitised(_ text: String, _ shown: String) {
    #expect(text.sanitised == shown)
    #expect(text.sanitised.sanitised == shown)
  }

  @Test func numbersInNamesCountAsNumbers() {
    let sorted = [
      "layers.2", "layers.10", "layers.010", "layers.10.a", "layers.11", "x", "x1", "y",
    ]
    for (i, a) in sorted.enumerated() {
      for (j, b) in sorted.enumerated() {
        // Of two names that differ in a leading zero only, bytes decide.
        if Set([a, b]) == ["layers.10", "layers.010"] { continue }
        #expect(naturalOrder(a, b) == (i < j), "\(a) \(b)")
      }
    }
    #expect(naturalOrder("layers.010", "layers.10") != naturalOrder("layers.10", "layers.010"))
    #expect(naturalOrder("a99999999999999999999999", "a100000000000000000000000"))
  }

  @Test func anErrorIsOneLine() {
    let error = ModelFileError(
      path: "a\nb", place: .tensor("w\u{1B}"), found: "x\u{202E}", expected: "y", remedy: "z\r")
    #expect(
      error.description
        == "a\\x0ab: tensor \"w\\x1b\": found x\\u{202e}, expected y (z\\x0d)")
    let long = ModelFileError(
      path: "p", place: .key(String(repeating: "k", count: 1_000_000)), found: "f", expected: "e")
    #expect(long.description.utf8.count < 300)
  }
}

@Suite("SHA-256")
struct SHA256Tests {
  /// The examples of FIPS 180-4, and lengths around the edges of blocks.
  @Test(
    "gives the digests of the standard",
    arguments: [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
          + "lmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
      ),
      (
        String(repeating: "a", count: 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
      (
        String(repeating: "a", count: 55),
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
      ),
      (
        String(repeating: "a", count: 64),
        "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
      ),
    ])
  func digest(_ text: String, _ expected: String) {
    var hash = SHA256()
    hash.update(text)
    #expect(hash.hexDigest() == expected)
  }

  @Test func piecesGiveTheSameDigest() {
    let text = Array(String(repeating: "abcdefg", count: 100).utf8)
    var whole = SHA256()
    text.withUnsafeBytes { whole.update($0) }
    let expected = whole.hexDigest()
    for size in [1, 3, 63, 64, 65, 127, 128, 699] {
      var hash = SHA256()
      for start in stride(from: 0, to: text.count, by: size) {
        Array(text[start..<min(start + size, text.count)]).withUnsafeBytes { hash.update($0) }
      }
      #expect(hash.hexDigest() == expected)
    }
  }
}
