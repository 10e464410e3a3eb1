// swift-tools-version: 6.1
import PackageDescription

// A program of its own: all of Seatrial's commands, and one scheduling policy more. Outside of Seatrial's repository the dependency is
// `.package(url: "https://…/seatrial", branch: "main")`.
let package = Package(
    name: "own-policy",
    dependencies: [.package(name: "seatrial", path: "../..")],
    targets: [
        .executableTarget(name: "own-policy", dependencies: [.product(name: "Seatrial", package: "seatrial")])
    ]
)
