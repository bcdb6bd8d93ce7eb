import Foundation

/// The natural logarithm, where `log` means an objective.
func naturalLog(_ value: Double) -> Double { log(value) }
