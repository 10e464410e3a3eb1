// Seatrial with the policy CheapestNode: `own-policy run`, `own-policy compare` and so on.

import SeatrialCommands

await SeatrialTool.main { plugins in
    plugins.register(CheapestNode.name) { arguments, _ in try CheapestNode(arguments) }
}
