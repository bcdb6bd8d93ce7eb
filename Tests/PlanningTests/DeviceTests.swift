import ModelFiles
import Testing

@testable import Planning

/// Devices: the catalogue, names, and the user's own.
struct DeviceTests {
  @Test func theCatalogueIsSound() {
    let devices = Device.catalogue
    #expect(devices.count >= 60)
    #expect(Set(devices.map(\.name)).count == devices.count)
    for device in devices {
      #expect(device.memory >= 4 << 30 && device.memory <= 1024 << 30, "\(device.name)")
      #expect(device.usable <= device.memory && device.usable >= device.memory / 2)
      #expect(device.bandwidth >= 1e10 && device.bandwidth <= 1e13, "\(device.name)")
      #expect(!device.source.isEmpty)
    }
  }

  @Test func namesAreStrictButForgiving() throws {
    for name in ["RTX 4090", "rtx4090", "rtx-4090", " Rtx_4090"] {
      #expect(try Device.catalogue.named(name).bandwidth == 1.008e12)
    }
    #expect(try Device.catalogue.named("m4-max-128gb").memory == 128 << 30)
    let error = #expect(throws: UnknownDevice.self) {
      try Device.catalogue.named("RTX 409\u{1B}")
    }
    #expect(error?.nearest.first == "RTX 4090")
    #expect(error?.description.contains("\u{1B}") == false)
    #expect(throws: UnknownDevice.self) { try Device.catalogue.named("") }
  }

  private func read(_ json: String) throws(ModelFileError) -> (devices: [Device], notes: [String]) {
    let value = try? JSONParser.parse(Array(json.utf8), maximumDepth: 8)
    var notes: [String] = []
    let devices = try Device.read(value, path: "config.toml") { notes.append($0) }
    return (devices, notes)
  }

  @Test func ownDevices() throws {
    let (devices, notes) = try read(
      #"[{"name": "mine", "memory": "48GiB", "bandwidth": "0.9TB/s", "usable": "40GiB","#
        + #""speed": 1}, {"name": "b", "memory": "8 GiB", "bandwidth": "50 GB/s"}]"#)
    #expect(devices.map(\.name) == ["mine", "b"])
    #expect(devices[0].usable == 40 << 30 && devices[0].bandwidth == 9e11)
    #expect(devices[1].usable == 8 << 30 && devices[1].source == "config.toml")
    #expect(notes.count == 1 && notes[0].contains("device[0].speed isn't known"))
  }

  /// The whole name counts before its end, and that before what stands anywhere in it.
  @Test(arguments: [
    ("4090", ["RTX 4090"]), ("rtx 4080", ["RTX 4080"]), ("4060", ["RTX 4060"]),
    ("mi3", ["MI355X", "MI325X", "MI300X"]), ("Max+", ["Ryzen AI Max+ 395 128GB"]), ("", []),
    (" ", []), ("quux", []),
  ])
  func aPartOfANameIsEnough(part: String, names: [String]) {
    #expect(Device.catalogue.matching(part).map(\.name) == names)
  }

  /// File, key, what was found and what was expected.
  @Test(arguments: [
    (#"{}"#, "key \"device\": found an object, expected tables: [[device]]"),
    (#"[1]"#, "key \"device[0]\": found a number, expected a table"),
    (#"[{}]"#, "key \"device[0].name\": found nothing"),
    (#"[{"name": ""}]"#, "key \"device[0].name\": found 0 bytes"),
    (#"[{"name": 1}]"#, "key \"device[0].name\": found a number, expected a string"),
    (#"[{"name": "a", "memory": "24"}]"#, "device[0].memory\": found \"24\", expected a size"),
    (#"[{"name": "a", "memory": "-1GiB"}]"#, "key \"device[0].memory\""),
    (#"[{"name": "a", "memory": "9999999TiB"}]"#, "key \"device[0].memory\""),
    (#"[{"name": "a", "memory": "1GiB"}]"#, "key \"device[0].bandwidth\": found nothing"),
    (#"[{"name": "a", "memory": "1GiB", "bandwidth": "1GB"}]"#, "expected a speed"),
    (#"[{"name": "a", "memory": "1GiB", "bandwidth": "0GB/s"}]"#, "expected a speed"),
    (
      #"[{"name": "a", "memory": "1GiB", "bandwidth": "1GB/s", "usable": "2GiB"}]"#,
      "key \"device[0].usable\": found more than the memory"
    ),
    (
      #"[{"name": "a", "memory": "1GiB", "bandwidth": "1GB/s"},"#
        + #"{"name": "a", "memory": "1GiB", "bandwidth": "1GB/s"}]"#,
      "key \"device[1].name\": found \"a\" again"
    ),
  ])
  func wrongDevices(_ json: String, _ words: String) {
    let error = #expect(throws: ModelFileError.self) { try read(json) }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    #expect(error?.description.hasPrefix("config.toml: ") == true)
  }
}
