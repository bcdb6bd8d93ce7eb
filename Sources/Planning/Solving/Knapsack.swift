/// A multiple-choice knapsack: one option of each class, with the least cost of all selections whose
/// weights don't exceed a capacity.
///
/// Weights and costs are doubles and must be finite; bytes are exact in them. Which of the two stands
/// for bytes and which for errors is the caller's business.
struct Knapsack: Sendable {
  /// One option of a class.
  struct Option: Sendable {
    let weight: Double
    let cost: Double
    /// The option's place among those its class was given.
    let label: Int32
  }

  /// All options, class by class, each class by weight, then cost, then label.
  private(set) var options: [Option] = []
  /// Where each class begins among the options, and the end of the last one.
  private(set) var starts: [Int] = [0]

  var classCount: Int { starts.count - 1 }

  /// The options of a class.
  func range(_ index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }

  /// Adds an option to the class at hand.
  mutating func add(weight: Double, cost: Double) {
    add(Option(weight: weight, cost: cost, label: Int32(options.count - starts[classCount])))
  }

  private mutating func add(_ option: Option) {
    var place = options.count
    let start = starts[classCount]
    options.append(option)
    // Ladders come nearly sorted.
    while place > start, Self.isBefore(option, options[place - 1]) {
      options[place] = options[place - 1]
      place -= 1
    }
    options[place] = option
  }

  /// Ends the class at hand.
  mutating func endClass() { starts.append(options.count) }

  private static func isBefore(_ a: Option, _ b: Option) -> Bool {
    if a.weight != b.weight { return a.weight < b.weight }
    if a.cost != b.cost { return a.cost < b.cost }
    return a.label < b.label
  }

  /// The same with fewer options; nil where a class would have none left.
  func filtered(_ keep: (_ classIndex: Int, _ option: Option) -> Bool) -> Knapsack? {
    var result = Knapsack()
    for index in 0..<classCount {
      for place in range(index) where keep(index, options[place]) {
        result.options.append(options[place])
      }
      guard result.options.count > result.starts[index] else { return nil }
      result.endClass()
    }
    return result
  }

  /// The options of each class that lie on the lower convex hull of (weight, cost), from the least
  /// weight to the least cost.
  func hulls() -> Hulls {
    var hulls = Hulls()
    hulls.places.reserveCapacity(options.count)
    hulls.starts.reserveCapacity(starts.count)
    for index in 0..<classCount {
      let start = hulls.places.count
      for place in range(index) {
        let option = options[place]
        if let last = hulls.places.last, hulls.places.count > start,
          options[last].cost <= option.cost
        {
          continue
        }
        while hulls.places.count > start + 1,
          isAbove(hulls.places[hulls.places.count - 2], hulls.places[hulls.places.count - 1], place)
        {
          hulls.places.removeLast()
        }
        // The same weight for less can't come: options of a weight stand by cost.
        hulls.places.append(place)
      }
      hulls.starts.append(hulls.places.count)
    }
    return hulls
  }

  /// Whether the middle of three options lies on or above the line between the others.
  private func isAbove(_ first: Int, _ middle: Int, _ last: Int) -> Bool {
    let (a, b, c) = (options[first], options[middle], options[last])
    return (a.cost - b.cost) * (c.weight - b.weight) <= (b.cost - c.cost) * (b.weight - a.weight)
  }

  /// The convex hulls of all classes, as places among the options.
  struct Hulls: Sendable {
    fileprivate(set) var places: [Int] = []
    fileprivate(set) var starts: [Int] = [0]

    /// The vertices of a class, by weight.
    func range(_ index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }
  }

  /// A step from one vertex of a class's hull to the next.
  struct Step: Sendable {
    let classIndex: Int32
    /// The places of both vertices among the options.
    let from: Int32
    let to: Int32
    /// The cost saved for each unit of weight.
    let slope: Double
  }

  /// All steps on the hulls, the best bargain first; ties by class.
  func steps(on hulls: Hulls) -> [Step] {
    var steps: [Step] = []
    steps.reserveCapacity(hulls.places.count)
    for index in 0..<classCount {
      for vertex in hulls.range(index).dropLast() {
        let (from, to) = (hulls.places[vertex], hulls.places[vertex + 1])
        let slope =
          (options[from].cost - options[to].cost) / (options[to].weight - options[from].weight)
        steps.append(
          Step(classIndex: Int32(index), from: Int32(from), to: Int32(to), slope: slope))
      }
    }
    steps.sort { a, b in
      if a.slope != b.slope { return a.slope > b.slope }
      // Of equal slopes on one hull, which rounding can make, the first vertex goes first.
      return a.from < b.from
    }
    return steps
  }

  /// One of an option's two figures.
  enum Figure { case weight, cost }

  /// The greatest whole number that divides all differences of weights (or costs) within each class;
  /// nil where some aren't whole.
  func commonStep(of figure: Figure) -> Double? {
    var step = 0
    for index in 0..<classCount {
      let range = range(index)
      let first = options[range.lowerBound]
      for place in range.dropFirst() {
        let option = options[place]
        let difference =
          figure == .weight ? option.weight - first.weight : option.cost - first.cost
        guard abs(difference) < 0x1p53, let whole = Int(exactly: difference) else { return nil }
        // Once it is 1, all that remains is to see that the others are whole.
        if step != 1, step == 0 || whole % step != 0 {
          step = greatestCommonDivisor(step, abs(whole))
        }
      }
    }
    return step == 0 ? nil : Double(step)
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
