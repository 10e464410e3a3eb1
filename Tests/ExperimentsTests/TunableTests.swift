// Everything that can be set about the control plane can be set in a scenario.

import APIServer
import ClusterSimulation
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import Experiments

@Suite("Settings of the control plane")
struct TunableTests {
    /// Every stored value below a value, by its path.
    private static func leaves(_ value: Any, _ path: String = "") -> [String: String] {
        let mirror = Mirror(reflecting: value)
        let isOpen = mirror.displayStyle == .struct && !(value is SimulatedDuration) && !(value is AddressRange)
        guard isOpen, !mirror.children.isEmpty else { return [path: "\(value)"] }
        var result: [String: String] = [:]
        for child in mirror.children { result.merge(leaves(child.value, path + "." + (child.label ?? ""))) { $1 } }
        return result
    }

    private static func set(_ place: Tunable.Place, in configuration: inout ClusterConfiguration) {
        switch place {
        case .duration(let path), .period(let path, _): configuration[keyPath: path] += .seconds(17)
        case .number(let path, _): configuration[keyPath: path] += 0.5
        case .integer(let path, _): configuration[keyPath: path] += 7
        case .bytes(let path): configuration[keyPath: path] += 4096
        case .share(let path): configuration[keyPath: path] /= 2
        case .bandwidth(let path): configuration[keyPath: path] += 1e6
        case .flag(let path): configuration[keyPath: path].toggle()
        case .addresses(let path): configuration[keyPath: path] = AddressRange("10.1.0.0/16")
        }
    }

    @Test func `every value of the control plane's configuration has a name in the format`() {
        let usual = ClusterConfiguration()
        var changed = usual
        for section in Tunables.sections { for tunable in section.tunables { TunableTests.set(tunable.place, in: &changed) } }
        let parts: [(String, Any, Any)] = [
            ("timing", usual.timing, changed.timing), ("controllerManager", usual.controllerManager, changed.controllerManager),
        ]
        for (name, before, after) in parts {
            let (old, new) = (TunableTests.leaves(before), TunableTests.leaves(after))
            for path in old.keys.sorted() where !TunableTests.follows(path) {
                #expect(old[path] != new[path], "\(name)\(path) cannot be set in a scenario")
            }
        }
    }

    /// Whether a value follows from other parts of a scenario: its seed, the hour of its start, the time zones its CronJobs name, its
    /// `storage`.
    private static func follows(_ path: String) -> Bool {
        ["originOnWall", "timeZones", "attachDetach.seed", "attachDetach.disturbances"].contains { path.contains($0) }
    }

    @Test func `names are unique in their section`() {
        for section in Tunables.sections {
            #expect(Set(section.tunables.map(\.name)).count == section.tunables.count)
        }
    }
}
