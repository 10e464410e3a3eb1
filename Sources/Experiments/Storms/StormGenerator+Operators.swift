// What the operators of a storm do, all of it while things go wrong.

extension StormGenerator {
    mutating func makeActions(until end: Int) {
        for piece in storm.late {
            // Once in the storm, when nobody may listen, and once for certain.
            let apply = "apply: [\(piece.file?.name ?? "")]}"
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
                    "setImage: {\(target.field), container: \"\(target.container)\", image: \"app:\(dice.number(1...3))\"}"
                }
            case 6...7: act(at, on: ["Deployment", "StatefulSet", "DaemonSet"]) { _, target in "rolloutRestart: {\(target.field)}" }
            case 8: act(at, on: ["Deployment", "DaemonSet"]) { _, target in "rolloutUndo: {\(target.field)}" }
            case 9: pauseRollout(at, end)
            case 10:
                act(at, on: ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "PodDisruptionBudget"]) {
                    _, target in "delete: \(target.kind.lowercased())/\(target.name)"
                }
            case 11: act(at, on: ["StatefulSet"]) { _, target in "delete: pod/\(target.name)-0" }
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
                    action: "{at: \(at)s, maintain: {zone: \"\(zone)\", maxUnavailable: \(dice.number(1...2)), "
                        + "reboot: \(dice.number(10...30))s, timeout: 20s}}", needs: [.zone(zone)])
            case 17:
                let number = storm.actions.count
                add(
                    action: "{at: \(at)s, addNodes: {name: new\(number), count: \(dice.number(1...2)), zones: [\"\(anyZone())\"], "
                        + "resources: {cpu: 4, memory: 8Gi, ephemeral-storage: 100Gi, pods: 30}}}")
            default:
                let node = anyNode()
                add(action: "{at: \(at)s, delete: node/\(node)}", needs: [.node(node)])
            }
        }
        makePeaks(until: end)
    }

    /// Pods have so much to do for a while that their nodes run short. One entry, so that none of it lasts.
    private mutating func makePeaks(until end: Int) {
        let targets = targets.filter { !$0.labels.isEmpty }
        guard !targets.isEmpty, further.chance(0.25) else { return }
        for _ in 0..<further.number(1...2) {
            let at = further.number(5...(end - 30))
            let (resource, high, low) = further.pick([
                ("memory", "1Gi", "30Mi"), ("memory", "3Gi", "30Mi"), ("memory", "120Mi", "30Mi"), ("cpu", "3", "50m"),
            ])
            let target = further.pick(targets)
            let load = "setLoad: {selector: {matchLabels: {\(target.labels)}}, resource: \(resource), each:"
            add(
                action: "{at: \(at)s, \(load) \(high)}}\n    - {at: \(further.number(at...end))s, \(load) \(low)}}", needs: target.needs)
        }
    }

    private mutating func act(_ at: Int, on kinds: [String], _ text: (inout Dice, StormTarget) -> String) {
        let targets = targets.filter { kinds.contains($0.kind) }
        guard !targets.isEmpty else { return }
        let target = dice.pick(targets)
        add(action: "{at: \(at)s, \(text(&dice, target))}", needs: target.needs)
    }

    private mutating func pauseRollout(_ at: Int, _ end: Int) {
        let targets = targets.filter { $0.kind == "Deployment" }
        guard !targets.isEmpty else { return }
        let target = dice.pick(targets)
        add(action: "{at: \(at)s, rolloutPause: \(target.name)}", needs: target.needs)
        add(action: "{at: \(dice.number(at...end))s, rolloutResume: \(target.name)}", needs: target.needs)
    }
}
