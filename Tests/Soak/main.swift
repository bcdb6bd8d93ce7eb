import Foundation
import PseudoTerminalSupport

let options = SoakOptions(Array(CommandLine.arguments.dropFirst()))
try Soak(options).run()
