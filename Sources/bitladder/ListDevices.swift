import ArgumentParser
import Explorer
import Foundation
import ModelFiles
import Planning

struct ListDevices: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Print the devices that are known: memory, bandwidth, and where these are from.",
    discussion: """
      Devices of your own come from $XDG_CONFIG_HOME/bitladder/config.toml (~/.config without that):

        [[device]]
        name = "my server"
        memory = "48GiB"
        bandwidth = "768GB/s"
        usable = "46GiB"
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let devices = try Configuration.load().allDevices
    if json {
      try emit(
        JSONWriter(.pretty).string(["devices": .array(devices.map { .object(object($0)) })]))
      return
    }
    var table = Table(["device", "memory", "usable", "bandwidth", "source"])
    table.rightAligned = [1, 2, 3]
    for device in devices {
      table.add([
        device.name, Figures.bytes(device.memory), Figures.bytes(device.usable),
        speedText(device), device.source,
      ])
    }
    try emit(table.text)
  }
}

/// The bandwidth of a device for people: `1008 GB/s`.
func speedText(_ device: Device) -> String {
  let speed = device.bandwidth / 1e9
  return (speed == speed.rounded() ? String(format: "%.0f", speed) : String(format: "%.1f", speed))
    + " GB/s"
}

/// What `--json` says of a device.
func object(_ device: Device) -> JSONObject {
  [
    "name": .string(device.name), "kind": .string(device.kind.rawValue),
    "memory": JSONValue(device.memory), "usable": JSONValue(device.usable),
    "bandwidth": JSONValue(device.bandwidth), "source": .string(device.source),
  ]
}
