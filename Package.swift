// swift-tools-version: 6.1
import PackageDescription

// One target per layer; each imports only layers above it in this list (the "house rules" test checks it).
let package = Package(
    name: "seatrial",
    products: [
        .executable(name: "seatrial", targets: ["seatrial"]),
        .executable(name: "seatrial-conformance", targets: ["seatrial-conformance"]),
        .executable(name: "seatrial-benchmark", targets: ["seatrial-benchmark"]),
        .library(
            name: "Seatrial",
            targets: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "SchedulingPolicies", "Controllers", "NodeAgent",
                "ServiceNetwork", "ClusterSimulation", "Experiments", "SeatrialCommands",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", .upToNextMinor(from: "0.2.0")),
    ],
    targets: [
        .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .target(
            name: "DiscreteEvents",
            dependencies: ["CGSL", .product(name: "Histogram", package: "hdrhistogram-swift")]),
        .target(name: "KubernetesAPI", dependencies: ["CYAML", "CCrypto", "DiscreteEvents"]),
        .target(
            name: "APIServer",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .target(name: "Scheduling", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer"]),
        .target(name: "SchedulingPolicies", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling"]),
        .target(
            name: "Controllers",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .target(name: "NodeAgent", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer"]),
        .target(name: "ServiceNetwork", dependencies: ["DiscreteEvents", "KubernetesAPI"]),
        .target(
            name: "ClusterSimulation",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "SchedulingPolicies", "Controllers", "NodeAgent",
                "ServiceNetwork",
            ]),
        .target(
            name: "Experiments",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "SchedulingPolicies", "Controllers", "NodeAgent",
                "ServiceNetwork", "ClusterSimulation",
            ],
            exclude: ["Report/HTML/Resources/NOTICE.md"],
            resources: [.copy("Report/HTML/Resources/vega-bundle.js")]),

        .target(
            name: "SeatrialCommands",
            dependencies: [
                "Experiments", "Scheduling", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .executableTarget(name: "seatrial", dependencies: ["SeatrialCommands"]),
        .executableTarget(
            name: "seatrial-conformance",
            dependencies: [
                "KubernetesAPI", "APIServer", "Scheduling", "Controllers", "NodeAgent", "ServiceNetwork", "DiscreteEvents",
                "ClusterSimulation", "Experiments",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "seatrial-benchmark",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "ServiceNetwork", "ClusterSimulation", "Experiments",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Each names all targets it imports: what is not named is not recompiled when it changes.
        .testTarget(name: "HouseRulesTests"),
        .testTarget(name: "DiscreteEventsTests", dependencies: ["DiscreteEvents", "CGSL"]),
        .testTarget(name: "KubernetesAPITests", dependencies: ["DiscreteEvents", "KubernetesAPI"]),
        .testTarget(name: "APIServerTests", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer"]),
        .testTarget(name: "SchedulingTests", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling"]),
        .testTarget(
            name: "SchedulingPoliciesTests",
            dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "SchedulingPolicies"]),
        .testTarget(name: "ConformanceTests", dependencies: ["seatrial-conformance"]),
        .testTarget(name: "ControllersTests", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer", "Controllers"]),
        .testTarget(name: "NodeAgentTests", dependencies: ["DiscreteEvents", "KubernetesAPI", "APIServer", "NodeAgent"]),
        .testTarget(name: "ServiceNetworkTests", dependencies: ["DiscreteEvents", "KubernetesAPI", "ServiceNetwork", "CGSL"]),
        .testTarget(
            name: "ClusterSimulationTests",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "Controllers", "NodeAgent", "ServiceNetwork",
                "ClusterSimulation",
            ]),
        .testTarget(
            name: "ExperimentsTests",
            dependencies: [
                "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "Controllers", "NodeAgent", "ServiceNetwork",
                "ClusterSimulation", "Experiments",
            ]),
    ]
)
