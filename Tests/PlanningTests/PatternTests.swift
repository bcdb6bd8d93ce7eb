import Planning
import Testing

struct PatternTests {
  @Test(arguments: [
    ("*", "", true), ("*", "anything", true),
    ("weight", "weight", true), ("weight", "weights", false), ("weight", "aweight", false),
    ("*.attn_q.*", "blk.0.attn_q.weight", true), ("*.attn_q.*", "blk.0.attn_k.weight", false),
    ("*.attn_q.*", "attn_q.weight", false),
    ("blk.?.w", "blk.3.w", true), ("blk.?.w", "blk.12.w", false), ("?", "", false),
    ("blk.[0-3].w", "blk.3.w", true), ("blk.[0-3].w", "blk.4.w", false),
    ("[!0-3]", "4", true), ("[!0-3]", "2", false), ("[qk]_proj", "k_proj", true),
    ("[]x]", "]", true), ("[]x]", "x", true), ("[a-]", "-", true), ("[!]]", "a", true),
    ("[!]]", "]", false), ("a**b", "ab", true), ("a*b*c", "a1b2c", true), ("a*b*c", "acb", false),
    ("A", "a", false), ("*", "層", true), ("層*", "層.0", true), ("a.c", "abc", false),
    ("[a-c][!x]", "bx", false), ("/a", "/a", true), ("a/", "a/", true),
  ])
  func globsMatchWholeNames(pattern: String, name: String, expected: Bool) throws {
    #expect(try Pattern(pattern).matches(name) == expected)
  }

  @Test(arguments: [
    ("/attn_[qk]/", "blk.0.attn_q.weight", true), ("/attn_[qk]/", "blk.0.attn_v.weight", false),
    ("/^blk/", "blk.1", true), ("/^lk/", "blk.1", false), ("/1$/", "blk.1", true),
    ("/(gate|up)_proj/", "mlp.up_proj", true), ("/b+k?/", "xbbx", true),
    ("/layers\\.(1|2)\\./", "layers.2.q", true), ("/layers\\.(1|2)\\./", "layers.12.q", false),
    ("/a{2,3}/", "caab", true), ("/^a{2,3}$/", "aaaa", false), ("/./", "", false),
    ("/^a{0,2}$/", "", true), ("/^a{2,}$/", "a", false), ("/^a{2,}$/", "aaaaa", true),
    ("/^(ab|a)(c|bcd)(d*)$/", "abcd", true), ("/^(a|)b$/", "b", true), ("/x*/", "", true),
    ("/^()$/", "", true), ("/^()$/", "a", false), ("/a^b/", "a^b", false), ("/$/", "a", true),
    ("/^(a*)*$/", "aaab", false), ("/^(a*)+$/", "aaa", true), ("/(^a|b$)/", "xb", true),
    ("/[]a]/", "]", true), ("/[^]a]/", "]a", false), ("/[a-]/", "-", true),
    ("/[[:digit:]_]/", "7", true),
    ("/[\\.]/", "\\", true), ("/\\d\\w\\s/", "1_ ", true), ("/\\D/", "1", false),
    ("/a.c/", "a層c", true),
    ("/a{,2}b/", "b", true),
    (
      "/\(String(repeating: "(", count: 40))a\(String(repeating: "+)", count: 40))/",
      "a", true
    ),
  ])
  func expressionsMatchAnywhere(pattern: String, name: String, expected: Bool) throws {
    #expect(try Pattern(pattern).matches(name) == expected)
  }

  @Test(arguments: [
    ("", "the pattern is empty; expected a glob such as *.attn_q.* or /regex/"),
    ("[abc", "the pattern '[abc' can't be read: a [ has no ]"),
    ("[", "the pattern '[' can't be read: a [ has no ]"),
    ("[]", "the pattern '[]' can't be read: a [ has no ]"),
    ("[z-a]", "the pattern '[z-a]' can't be read: a range in [ ] runs backwards"),
    ("//", "the pattern '//' can't be read: it is empty"),
    ("/(a)\\1/", "the pattern '/(a)\\1/' can't be read: it has a back-reference"),
    (
      "/a{2001}/",
      "/a{2001}/' can't be read: it repeats too much: what is repeated within a repetition multiplies"
    ),
    ("/a{1,999999999999}/", "it repeats too much"), ("/a{9999,}/", "it repeats too much"),
    ("/((a{13}){13}){13}/", "it repeats too much"),
    ("/((((a{9}){9}){9}){9}){9}/", "it repeats too much"),
    ("/((((){1999}){1999}){1999}){1999}/", "it repeats too much"),
    ("/a{3,2}/", "the numbers in { } run backwards"), ("/a)/", "a ) has no ("),
    ("/*a/", "a * has nothing before it to repeat"), ("/(|+)/", "a + has nothing before it"),
    ("/a\\/", "it ends with a \\"), ("/\\b/", "\\b isn't known here"),
    ("/[[:nothing:]]/", "[:nothing:] isn't known here"), ("/[[.a.]]/", "[.a.] isn't known here"),
    ("/[z-a]/", "a range in [ ] runs backwards"), ("/a{,}/", "a { isn't followed by a number"),
    ("/\(String(repeating: "a", count: 501))/", "it is longer than 500 bytes"),
    ("/[[:alpha:/", "a [ has no ]"), ("/[[:/", "a [ has no ]"), ("/[[:alpha:]/", "a [ has no ]"),
    ("/(/", "can't be read"), ("/[/", "can't be read"), ("/a{2/", "can't be read"),
  ])
  func refusalsSayWhy(pattern: String, reason: String) {
    do throws(PatternError) {
      _ = try Pattern(pattern)
      Issue.record("\(pattern) was accepted")
    } catch {
      #expect(error.description.hasSuffix(reason) || error.description.contains(reason))
      #expect(!error.description.contains("\n"))
    }
  }

  /// Methods that go back and try again would need longer than anyone lives.
  @Test(arguments: [
    ("*a*a*a*a*b", false), ("*a*a*a*a*", true), ("/(a+)+$/", true), ("/(a+)+b$/", false),
    ("/(a|a)*c/", false), ("/(a*)*d/", false), ("/^(a?){30}a{30}$/", false),
    ("/(.*)(.*)(.*)(.*)[xy]$/", false), ("/(a|b)*a(a|b){99}c/", false),
    ("/((a?){22}){22}b/", false),
  ])
  func nastyPatternsEnd(pattern: String, expected: Bool) throws {
    let name = String(repeating: "a", count: 20_000)
    #expect(try Pattern(pattern).matches(name) == expected)
    #expect(try Pattern(pattern).matches(name + "!") == (pattern == "*a*a*a*a*"))
  }

  @Test func patternsKeepTheirText() throws {
    #expect(try Pattern("*.q").text == "*.q")
    #expect(try Pattern("/q/").text == "/q/")
  }
}
