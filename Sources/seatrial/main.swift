// The program `seatrial`: the commands, with the plugins that come along. docs/own-policy.md shows a program with a plugin more.

import SeatrialCommands

await SeatrialTool.main()
