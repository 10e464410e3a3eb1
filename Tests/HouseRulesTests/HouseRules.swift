// The rules that keep runs reproducible and modules one-way, checked on the source text itself.

import Foundation
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Targets in the order of the design: each may import only those before it.
private let layers: [(target: String, mayImport: Set<String>)] = [
    ("DiscreteEvents", ["CGSL", "Histogram", "Glibc", "Darwin"]),
    ("KubernetesAPI", ["CYAML", "CCrypto", "DiscreteEvents"]),
    ("APIServer", ["DiscreteEvents", "KubernetesAPI", "DequeModule"]),
    ("Scheduling", ["DiscreteEvents", "KubernetesAPI", "APIServer"]),
    ("SchedulingPolicies", ["DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling"]),
    ("Controllers", ["DiscreteEvents", "KubernetesAPI", "APIServer", "HeapModule", "DequeModule"]),
    ("NodeAgent", ["DiscreteEvents", "KubernetesAPI", "APIServer"]),
    ("ServiceNetwork", ["DiscreteEvents", "KubernetesAPI"]),
    (
        "ClusterSimulation",
        [
            "DiscreteEvents", "KubernetesAPI", "APIServer", "Scheduling", "SchedulingPolicies", "Controllers", "NodeAgent",
            "ServiceNetwork",
        ]
    ),
]

private let simulationTargets = layers.map(\.target)

/// The Swift files of a target with comments and string literals blanked out.
private func sources(of target: String) throws -> [(name: String, lines: [String])] {
    let folder = root.appendingPathComponent("Sources/\(target)")
    let enumerator = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var result: [(String, [String])] = []
    for case let file as URL in enumerator where file.pathExtension == "swift" {
        let text = try String(contentsOf: file, encoding: .utf8)
        result.append((file.lastPathComponent, text.components(separatedBy: "\n").map(stripped)))
    }
    #expect(!result.isEmpty, "no sources found for \(target)")
    return result.sorted { $0.0 < $1.0 }
}

private func stripped(_ line: String) -> String {
    var line = line.replacingOccurrences(of: #""([^"\\]|\\.)*""#, with: "\"\"", options: .regularExpression)
    if let comment = line.range(of: "//") { line = String(line[..<comment.lowerBound]) }
    return line
}

/// One after the other: Foundation's regular expressions share a cache that is not safe to use side by side on Linux.
@Suite("House rules", .serialized)
struct HouseRules {
    @Test("A layer imports only what stands above it", arguments: layers.map(\.target))
    func importsPointOneWay(target: String) throws {
        let allowed = try #require(layers.first { $0.target == target }).mayImport
        for (file, lines) in try sources(of: target) {
            for (number, line) in lines.enumerated() {
                let words = line.split(separator: " ").map(String.init)
                guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count, keyword <= 1 else { continue }
                let module = String(words[keyword + 1].split(separator: ".")[0])
                #expect(allowed.contains(module), "\(target)/\(file):\(number + 1) imports \(module)")
            }
        }
    }

    static let banned: [(pattern: String, why: String)] = [
        (#"\bDate\(\)|\bContinuousClock|\bSuspendingClock|clock_gettime|gettimeofday|\bDispatchTime"#, "reads the wall clock"),
        (
            #"SystemRandomNumberGenerator|\.random\(in:[^,)]*\)|\.randomElement\(\)|\.shuffled\(\)|\barc4random|\bdrand48"#,
            "draws system randomness"
        ),
        (#"ProcessInfo|\bgetenv\("#, "reads the environment"),
        (#"\bHasher\(\)|\.hashValue\b"#, "uses hashes that differ from process to process"),
        (#"\btry!|\bas!|\bfatalError\("#, "can end the process on input"),
        (#"\bTODO\b|\bFIXME\b|\bXXX\b"#, "is an unfinished mark"),
    ]

    @Test("Simulation code contains nothing that would make runs differ", arguments: simulationTargets)
    func nothingNondeterministic(target: String) throws {
        for (file, lines) in try sources(of: target) {
            for (number, line) in lines.enumerated() {
                for rule in HouseRules.banned where line.range(of: rule.pattern, options: .regularExpression) != nil {
                    Issue.record("\(target)/\(file):\(number + 1) \(rule.why): \(line.trimmingCharacters(in: .whitespaces))")
                }
            }
        }
    }

    /// Names declared with a hashed collection's type in a file must not be iterated in that file.
    @Test("Simulation code never iterates a Dictionary or a Set", arguments: simulationTargets)
    func noIterationOfHashedCollections(target: String) throws {
        let declaration = try Regex(
            #"\b(?:var|let)\s+(\w+)\s*(?::\s*(?:\[[^\[\]()]+\s*:\s*[^\]]|Set<|Dictionary<)|=\s*(?:\[[\w<>\.\[\]]+\s*:\s*[^\]]+\]\(\)|Set<|Set\())"#
        )
        for (file, lines) in try sources(of: target) {
            var names: Set<String> = []
            for line in lines {
                for match in line.matches(of: declaration) {
                    if let name = match.output[1].substring { names.insert(String(name)) }
                }
            }
            for (number, line) in lines.enumerated() {
                for name in names {
                    let uses = [
                        #"\bin\s+(?:self\.)?\#(name)(?:\.keys|\.values)?\s*(?:\{|where\b|$)"#,
                        #"(?<![\w.])(?:self\.)?\#(name)\.(?:keys|values|map|flatMap|compactMap|filter|reduce|forEach|sorted|first|min|max|contains\(where|allSatisfy|enumerated|makeIterator|popFirst)\b"#,
                    ]
                    for use in uses where line.range(of: use, options: .regularExpression) != nil {
                        Issue.record("\(target)/\(file):\(number + 1) iterates \(name): \(line.trimmingCharacters(in: .whitespaces))")
                    }
                }
            }
        }
    }
}
