// A storm as text in pieces: each piece can be left out, and what is left is still an ordinary scenario file with its manifests.
//
// A storm is always run from this text, through the reader that reads everybody's scenario files. So the file that a failing storm
// leaves behind reproduces the failure by construction.

import DiscreteEvents

/// A scenario made of pieces that can be taken out one by one.
public struct StormScenario: Sendable, Hashable {
    /// Equal machines: `NAME-0`, `NAME-1`, ...
    struct Pool: Sendable, Hashable {
        var name: String
        var zone: String
        var rack: String
        var count: Int
        /// What pods may use of each node, as the fields of a YAML mapping.
        var resources: String

        func node(_ number: Int) -> String { "\(name)-\(number)" }
        func contains(_ node: String) -> Bool { (0..<count).contains { self.node($0) == node } }
    }

    /// A file beside the scenario.
    struct File: Sendable, Hashable {
        var name: String
        var text: String
    }

    /// A manifest, or an entry of a list of the scenario file.
    struct Piece: Sendable, Hashable {
        /// What other pieces speak of it as: `Deployment/storm/web`; empty for what has no name.
        var name = ""
        var text = ""
        /// A file it is in, or speaks of.
        var file: File?
        /// The nodes, zones and objects it speaks of: without them it means nothing.
        var needs: [Need] = []
    }

    enum Need: Sendable, Hashable {
        case node(String)
        case zone(String)
        case object(String)
    }

    public let seed: UInt64
    /// When the last fault and the last action are over.
    var calmFrom: SimulatedDuration
    var duration: SimulatedDuration
    var pools: [Pool]
    /// Manifests.
    var objects: [Piece] = []
    /// Manifests, one to a file, that the timeline applies later.
    var late: [Piece] = []
    /// Entries of `workloads`, `faults` and `timeline`.
    var behaviours: [Piece] = []
    var faults: [Piece] = []
    var actions: [Piece] = []
    /// Entries of `traffic.sources`.
    var sources: [Piece] = []
    /// Sections of `controlPlane`; the registry.
    var settings: [Piece] = []
    var registry: [Piece] = []
    /// The troubles of CSI drivers.
    var storage: [Piece] = []

    /// How long a cluster is left alone before it is judged: longer than the tolerations of lost nodes, the back-offs of crashing
    /// containers and the windows of autoscalers, one after the other.
    static let calm = SimulatedDuration.minutes(25)

    var nodeCount: Int { pools.reduce(0) { $0 + $1.count } }

    /// Manifests and nodes: what the scenario is about.
    public var objectCount: Int { objects.count + nodeCount }

    public var contents: String {
        [
            Presentation.count(nodeCount, "node"), Presentation.count(objects.count, "object"), Presentation.count(faults.count, "fault"),
            Presentation.count(actions.count, "action"),
        ].joined(separator: ", ") + ", " + duration.text
    }

    // MARK: Leaving out

    /// Takes out what speaks of things that are not there any more, until all that is left means something.
    func consistent() -> StormScenario {
        var result = self
        while true {
            let before = result
            func isThere(_ need: Need) -> Bool {
                switch need {
                case .node(let name): before.pools.contains { $0.contains(name) }
                case .zone(let zone): before.pools.contains { $0.zone == zone && $0.count > 0 }
                case .object(let name):
                    before.objects.contains { $0.name == name }
                        || before.late.contains { $0.name == name } && before.actions.contains { $0.needs == [need] }
                }
            }
            for list in [\StormScenario.objects, \.late, \.behaviours, \.sources, \.faults, \.actions] {
                result[keyPath: list].removeAll { !$0.needs.allSatisfy(isThere) }
            }
            result.pools.removeAll { $0.count == 0 }
            if result == before { return result }
        }
    }

    // MARK: Text

    public static let fileName = "scenario.yaml"
    private static let manifestName = "objects.yaml"

    /// The scenario file and its manifests, by name.
    public var files: [(name: String, text: String)] {
        let rest = manifests + (late + faults).compactMap(\.file)
        return [(StormScenario.fileName, scenarioText)] + rest.map { ($0.name, $0.text) }
    }

    /// What is applied at the start: the pieces together, and files that are pieces.
    private var manifests: [File] {
        let texts = objects.filter { $0.file == nil }.map(\.text)
        let own = texts.isEmpty ? [] : [File(name: StormScenario.manifestName, text: texts.joined(separator: "---\n"))]
        return own + objects.compactMap(\.file)
    }

    private var scenarioText: String {
        var text = """
            # A storm of seatrial: seed \(seed). It runs as it is:
            #
            #   seatrial run \(StormScenario.fileName)
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata:
              name: storm-\(seed)
              description: Faults and operators at random until \(calmFrom.text), then calm.
            spec:
              duration: \(duration.text)
              seed: \(seed)
              cluster:
                nodePools:

            """
        for pool in pools {
            text +=
                "      - {name: \(pool.name), count: \(pool.count), zones: [\"\(pool.zone)\"], labels: {rack: \(pool.rack)}, "
                + "resources: {\(pool.resources)}}\n"
        }
        if !objects.isEmpty { text += "    objects: [\(manifests.map(\.name).joined(separator: ", "))]\n" }
        if !settings.isEmpty {
            text += "  controlPlane:\n"
            for piece in settings { text += "    \(piece.text)\n" }
        }
        if let piece = registry.first { text += "  registry: \(piece.text)\n" }
        if let piece = storage.first { text += "  storage: \(piece.text)\n" }
        text += StormScenario.section("workloads", behaviours)
        if !sources.isEmpty { text += "  traffic:\n    sources:\n" + sources.map { "      - \($0.text)\n" }.joined() }
        text += StormScenario.section("faults", faults)
        text += StormScenario.section("timeline", actions)
        text += "  measure: {interval: 0s, events: false, scheduling: false}\n"
        // One that was cut short has no time to come to rest.
        let isWhole = duration >= calmFrom + StormScenario.calm
        text += "  expect:\n    - {invariants: \(isWhole ? "converge" : "hold")}\n"
        return text
    }

    private static func section(_ name: String, _ pieces: [Piece]) -> String {
        pieces.isEmpty ? "" : "  \(name):\n" + pieces.map { "    - \($0.text)\n" }.joined()
    }
}
