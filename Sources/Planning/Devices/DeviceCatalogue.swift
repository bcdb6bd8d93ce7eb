extension Device {
  /// Devices that are known, with their makers' figures. Apple tells neither memory nor bandwidth of its
  /// telephones, so there are none of them.
  public static let catalogue: [Device] = groups.flatMap { group in
    group.entries.map { name, gibibytes, gigabytesPerSecond in
      Device(
        name: name, kind: group.kind, memory: gibibytes << 30, bandwidth: gigabytesPerSecond * 1e9,
        source: group.source)
    }
  }

  /// Devices whose figures are from the same place: names, GiB of memory, GB/s.
  private struct Group {
    let kind: Kind
    let source: String
    let entries: [(String, Int, Double)]

    init(_ kind: Kind, _ source: String, _ entries: [(String, Int, Double)]) {
      self.kind = kind
      self.source = source
      self.entries = entries
    }
  }

  private static let groups: [Group] = nvidia + others + shared

  private static let nvidia: [Group] = [
    Group(
      .card, "NVIDIA RTX Blackwell GPU Architecture white paper; GeForce RTX 50 product pages",
      [
        ("RTX 5090", 32, 1792), ("RTX 5080", 16, 960), ("RTX 5070 Ti", 16, 896),
        ("RTX 5070", 12, 672), ("RTX 5060 Ti 16GB", 16, 448), ("RTX 5060", 8, 448),
      ]),
    Group(
      .card, "NVIDIA Ada GPU Architecture white paper; GeForce RTX 40 product pages",
      [
        ("RTX 4090", 24, 1008), ("RTX 4080 Super", 16, 736), ("RTX 4080", 16, 717),
        ("RTX 4070 Ti Super", 16, 672), ("RTX 4070", 12, 504), ("RTX 4060 Ti 16GB", 16, 288),
        ("RTX 4060", 8, 272),
      ]),
    Group(
      .card, "NVIDIA Ampere GA102 GPU Architecture white paper; GeForce RTX 30 product pages",
      [("RTX 3090", 24, 936), ("RTX 3080", 10, 760), ("RTX 3060", 12, 360)]),
    Group(
      .card, "NVIDIA data sheets: RTX PRO 6000 Blackwell, RTX 6000 Ada, RTX A6000",
      [
        ("RTX PRO 6000 Blackwell", 96, 1792), ("RTX 6000 Ada", 48, 960), ("RTX A6000", 48, 768),
      ]),
    Group(
      .card, "NVIDIA data sheets: DGX B200 (an eighth), H200, H100, A100, L40S, L4, A10, T4, V100",
      [
        ("B200", 180, 8000), ("H200", 141, 4800), ("H100 NVL", 94, 3900), ("H100 SXM", 80, 3350),
        ("H100 PCIe", 80, 2000), ("A100 80GB SXM", 80, 2039), ("A100 80GB PCIe", 80, 1935),
        ("A100 40GB", 40, 1555), ("L40S", 48, 864), ("L4", 24, 300), ("A10", 24, 600),
        ("T4", 16, 320), ("V100 32GB", 32, 900),
      ]),
  ]

  private static let others: [Group] = [
    Group(
      .card, "AMD product pages: Radeon RX 9000, RX 7000, Radeon PRO",
      [
        ("RX 9070 XT", 16, 640), ("RX 9060 XT 16GB", 16, 320), ("RX 7900 XTX", 24, 960),
        ("RX 7900 XT", 20, 800), ("RX 7800 XT", 16, 624), ("RX 7600 XT", 16, 288),
        ("Radeon AI PRO R9700", 32, 640), ("Radeon PRO W7900", 48, 864),
      ]),
    Group(
      .card, "AMD Instinct data sheets",
      [("MI355X", 288, 8000), ("MI325X", 256, 6000), ("MI300X", 192, 5300), ("MI210", 64, 1600)]),
    Group(
      .card, "Intel product specifications (ark.intel.com); Gaudi 3 white paper",
      [
        ("Arc A770 16GB", 16, 560), ("Arc B580", 12, 456), ("Arc Pro B60", 24, 456),
        ("Gaudi 3", 128, 3700),
      ]),
  ]

  private static let shared: [Group] = [
    Group(
      .mac, "Apple press releases and technical specifications (support.apple.com)",
      [
        ("M1 16GB", 16, 68.25), ("M1 Pro 32GB", 32, 200), ("M1 Max 64GB", 64, 400),
        ("M1 Ultra 128GB", 128, 800), ("M2 24GB", 24, 100), ("M2 Pro 32GB", 32, 200),
        ("M2 Max 96GB", 96, 400), ("M2 Ultra 192GB", 192, 800), ("M3 24GB", 24, 100),
        ("M3 Pro 36GB", 36, 150), ("M3 Max 128GB", 128, 400), ("M3 Ultra 512GB", 512, 819),
        ("M4 16GB", 16, 120), ("M4 32GB", 32, 120), ("M4 Pro 48GB", 48, 273),
        ("M4 Max 36GB", 36, 410), ("M4 Max 128GB", 128, 546),
      ]),
    Group(
      .computer, "data sheets: NVIDIA DGX Spark, AMD Ryzen AI Max+ 395, Snapdragon X Elite",
      [
        ("DGX Spark", 128, 273), ("Ryzen AI Max+ 395 128GB", 128, 256),
        ("Snapdragon X Elite 32GB", 32, 135),
      ]),
    Group(
      .computer, "JEDEC JESD79-4, JESD79-5, JESD209-5: transfers per second times 128 bits",
      [
        ("laptop DDR4-3200 16GB", 16, 51.2), ("PC DDR5-5600 32GB", 32, 89.6),
        ("PC DDR5-6000 64GB", 64, 96), ("laptop LPDDR5X-7500 32GB", 32, 120),
      ]),
    Group(
      .computer, "AMD EPYC 9004 data sheet: 12 channels of DDR5-4800",
      [("EPYC 9004 768GB", 768, 460.8)]),
    Group(
      .board, "NVIDIA Jetson module data sheets",
      [
        ("Jetson AGX Thor", 128, 273), ("Jetson AGX Orin 64GB", 64, 204.8),
        ("Jetson Orin NX 16GB", 16, 102.4), ("Jetson Orin Nano Super", 8, 102),
      ]),
    Group(
      .board, "Raspberry Pi product briefs: 32 bits of LPDDR4X-4267 (5), of LPDDR4-3200 (4)",
      [
        ("Raspberry Pi 5 16GB", 16, 17.1), ("Raspberry Pi 5 8GB", 8, 17.1),
        ("Raspberry Pi 4 8GB", 8, 12.8),
      ]),
    Group(.board, "Valve, Steam Deck technical specifications", [("Steam Deck", 16, 88)]),
    Group(
      .phone, "Qualcomm product briefs: 64 bits of LPDDR5X at 5300 (8 Elite), 4800 MHz (8 Gen 3)",
      [
        ("phone Snapdragon 8 Elite 16GB", 16, 84.8), ("phone Snapdragon 8 Gen 3 12GB", 12, 76.8),
      ]),
    Group(
      .phone, "MediaTek product page: 64 bits of LPDDR5X-10667",
      [("phone Dimensity 9400 16GB", 16, 85.3)]),
  ]
}
