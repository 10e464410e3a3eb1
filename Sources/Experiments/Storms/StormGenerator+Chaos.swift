// What goes wrong in a storm, and what its operators do meanwhile.

extension StormGenerator {
    // MARK: Faults

    /// All faults are over at `end`, in seconds: nodes are back, or gone for good.
    mutating func makeFaults(until end: Int) {
        for _ in 0..<dice.number(isLarge ? 2...6 : 1...3) {
            let at = dice.number(5...(end - 30))
            let selection = anySelection()
            let down = min(dice.number(5...(end / 2 + 60)), end - at)
            switch dice.number(0...20) {
            case 18: add(fault: "{at: \(at)s, down: \(down)s, registry: true}")
            case 19...20 where !hasSurgingDaemons:
                let load = dice.pick(["disk: 97Gi", "disk: 88Gi", "memory: 7500Mi", "cpu: 3"])
                add(
                    fault: "{at: \(at)s, \(selection.text), effect: load, load: {\(load)}, down: \(down)s}", needs: selection.needs)
            case 10...11: add(fault: "{at: \(at)s, \(selection.text), effect: partition, down: \(down)s}", needs: selection.needs)
            case 12: add(fault: "{at: \(at)s, down: \(min(down, 200))s, apiServer: {outage: true}}")
            case 13...14:
                let errors = dice.pick(["", ", errors: 0.1", ", errors: 0.4"])
                add(fault: "{at: \(at)s, down: \(down)s, apiServer: {latency: \(dice.pick([1, 20, 200]))\(errors)}}")
            case 15:
                let node = anyNode()
                let replacement = dice.chance(0.7) ? ", replacement: {uniform: {min: 20s, max: 90s}}" : ""
                let drains = dice.chance(0.3) ? ", drains: false" : ""
                add(
                    fault: "{at: \(at)s, node: \(node), effect: reclaim, notice: \(dice.pick([10, 30, 120]))s\(drains)\(replacement)}",
                    needs: [.node(node)])
            case 16:
                let repair = dice.number(20...90)
                add(
                    fault: "{nodes: all, group: rack, probability: 0.7, mtbf: {exponential: {mean: \(dice.pick([200, 900]))s}}, "
                        + "mttr: {uniform: {min: 5s, max: \(repair)s}}, until: \(max(30, end - repair))s}")
            case 0...3: add(fault: "{at: \(at)s, \(selection.text), down: \(down)s}", needs: selection.needs)
            case 4...5: add(fault: "{at: \(at)s, \(selection.text), effect: kubelet, down: \(down)s}", needs: selection.needs)
            case 6:
                // For good.
                let node = anyNode()
                add(fault: "{at: \(at)s, node: \(node)}", needs: [.node(node)])
            default:
                let effect = dice.chance(0.3) ? ", effect: kubelet" : ""
                let mean = dice.pick([60, 300, 1200])
                let repair = dice.number(10...90)
                add(
                    fault: "{\(selection.text), mtbf: {exponential: {mean: \(mean)s}}, mttr: {uniform: {min: 5s, max: \(repair)s}}, "
                        + "until: \(max(30, end - repair))s\(effect)}",
                    needs: selection.needs)
            }
        }
    }

    /// Whether there are DaemonSets with `maxSurge`. Where a kubelet rejects every pod of such a one (a full disk), Kubernetes makes
    /// new ones without any back-off: the real controller's behaviour, and a flood in which nothing else is to be seen.
    private var hasSurgingDaemons: Bool {
        storm.objects.contains { $0.name.hasPrefix("DaemonSet/") && $0.text.contains("maxSurge: 1") }
    }

    // MARK: Operators

    private struct Target {
        let kind: String
        let name: String
        var object: String { StormGenerator.object(kind, name) }
        /// How the timeline names it.
        var field: String { kind.prefix(1).lowercased() + kind.dropFirst() + ": storm/" + name }
    }

    private func targets(_ kinds: [String]) -> [Target] {
        storm.objects.compactMap { piece in
            let parts = piece.name.split(separator: "/").map(String.init)
            return parts.count == 3 && kinds.contains(parts[0]) ? Target(kind: parts[0], name: parts[2]) : nil
        }
    }

    mutating func makeActions(until end: Int) {
        for piece in storm.late {
            // Once in the storm, when nobody may listen, and once for certain.
            let apply = "apply: [\(StormScenario.fileName(of: piece))]}"
            let first = extra.number(1...(end - 30))
            add(action: "{at: \(first)s, \(apply)\n    - {at: \(end + 10)s, \(apply)", needs: [.object(piece.name)])
        }
        for _ in 0..<dice.number(isLarge ? 2...8 : 0...4) {
            let at = dice.number(5...(end - 30))
            switch dice.number(0...18) {
            case 0...3:
                act(at, on: ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"]) { dice, target in
                    "scale: {\(target.field), replicas: \(dice.number(0...6))}"
                }
            case 4...5:
                act(at, on: ["Deployment", "StatefulSet", "DaemonSet"]) { dice, target in
                    "setImage: {\(target.field), container: main, image: \"app:\(dice.number(1...3))\"}"
                }
            case 6...7: act(at, on: ["Deployment", "StatefulSet", "DaemonSet"]) { _, target in "rolloutRestart: {\(target.field)}" }
            case 8: act(at, on: ["Deployment", "DaemonSet"]) { _, target in "rolloutUndo: {\(target.field)}" }
            case 9: pauseRollout(at, end)
            case 10:
                act(at, on: ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "PodDisruptionBudget"]) {
                    _, target in "delete: \(target.kind.lowercased())/storm/\(target.name)"
                }
            case 11: act(at, on: ["StatefulSet"]) { _, target in "delete: pod/storm/\(target.name)-0" }
            case 12...14:
                let node = anyNode()
                let options = dice.chance(0.3) ? ", force: true" : ""
                add(action: "{at: \(at)s, drain: {node: \(node), timeout: \(dice.pick([20, 120]))s\(options)}}", needs: [.node(node)])
                add(action: "{at: \(dice.number(at...end))s, uncordon: {node: \(node)}}", needs: [.node(node)])
            case 15:
                let selection = anySelection()
                let effect = dice.pick(["NoSchedule", "NoExecute"])
                let taint = "{\(selection.text), taints: [{key: storm, effect: \(effect)}]}"
                add(action: "{at: \(at)s, taint: \(taint)}", needs: selection.needs)
                add(action: "{at: \(dice.number(at...end))s, untaint: \(taint)}", needs: selection.needs)
            case 16:
                let zone = anyZone()
                add(
                    action: "{at: \(at)s, maintain: {zone: \(zone), maxUnavailable: \(dice.number(1...2)), "
                        + "reboot: \(dice.number(10...30))s, timeout: 20s}}", needs: [.zone(zone)])
            case 17:
                let number = storm.actions.count
                add(
                    action: "{at: \(at)s, addNodes: {name: new\(number), count: \(dice.number(1...2)), zones: [\(anyZone())], "
                        + "resources: {cpu: 4, memory: 8Gi, ephemeral-storage: 100Gi, pods: 30}}}")
            default:
                let node = anyNode()
                add(action: "{at: \(at)s, delete: node/\(node)}", needs: [.node(node)])
            }
        }
    }

    private mutating func act(_ at: Int, on kinds: [String], _ text: (inout Dice, Target) -> String) {
        let targets = targets(kinds)
        guard !targets.isEmpty else { return }
        let target = dice.pick(targets)
        add(action: "{at: \(at)s, \(text(&dice, target))}", needs: [.object(target.object)])
    }

    private mutating func pauseRollout(_ at: Int, _ end: Int) {
        let targets = targets(["Deployment"])
        guard !targets.isEmpty else { return }
        let target = dice.pick(targets)
        add(action: "{at: \(at)s, rolloutPause: storm/\(target.name)}", needs: [.object(target.object)])
        add(action: "{at: \(dice.number(at...end))s, rolloutResume: storm/\(target.name)}", needs: [.object(target.object)])
    }
}
