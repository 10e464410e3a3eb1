// What goes wrong in a storm.

extension StormGenerator {
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
            case 10...11:
                add(
                    fault: "{at: \(at)s, \(selection.text), effect: partition, down: \(down)s\(cutOfPods())}", needs: selection.needs)
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
        makeRecordedFailures(until: end)
        makeRarities(until: end)
    }

    /// What is drawn in few storms: the API server at its worst, partitions at random, whole zones taken back, shocks that only cut off or
    /// stop kubelets, and failures that last for milliseconds.
    private mutating func makeRarities(until end: Int) {
        makeDriverTrouble(until: end)
        guard rarities.chance(0.35) else { return }
        for _ in 0..<rarities.number(1...2) {
            let at = anyInstant(until: end)
            let down = min(rarities.number(1...(500 * end + 60_000)), 1000 * end - at)
            let once = "at: \(at)ms, down: \(down)ms"
            let pool = rarities.pick(storm.pools)
            let (zone, node) = (pool.zone, pool.node(rarities.number(0...(pool.count - 1))))
            let repair = rarities.number(2...60)
            let often =
                "mtbf: {exponential: {mean: \(rarities.pick([80, 400]))s}}, mttr: {uniform: {min: 1s, max: \(repair)s}}, "
                + "until: \(max(30, end - repair))s"
            switch rarities.number(0...9) {
            case 0...1:
                let delay = rarities.pick(["7ms", "300ms", "4s", "12s"])
                add(fault: "{\(once), apiServer: {delay: \(delay)\(rarities.pick(["", ", errors: 0.2"]))}}")
            case 2...3: add(fault: "{\(once), apiServer: {errors: \(rarities.pick(["0.7", "0.95", "1"]))}}")
            case 4:
                let replacement = "replacement: {uniform: {min: 20s, max: 90s}}"
                if rarities.chance(0.5) {
                    let notice = min(rarities.pick([3, 30, 120]), end - at / 1000)
                    add(
                        fault: "{at: \(at)ms, zone: \"\(zone)\", effect: reclaim, notice: \(notice)s, \(replacement)}",
                        needs: [.zone(zone)])
                } else {
                    add(
                        fault: "{zone: \"\(zone)\", effect: reclaim, notice: 25s, mtbf: {exponential: {mean: 300s}}, "
                            + "until: \(max(30, end - 25))s, \(replacement)}", needs: [.zone(zone)])
                }
            case 5:
                let effect = rarities.pick(["partition", "kubelet"])
                add(fault: "{nodes: all, group: rack, probability: 0.6, effect: \(effect), \(often)}")
            case 6...7:
                let (selection, need) =
                    rarities.chance(0.5) ? ("node: \(node)", StormScenario.Need.node(node)) : ("zone: \"\(zone)\"", .zone(zone))
                add(fault: "{\(selection), effect: partition, \(often)}", needs: [need])
            default:
                let effect = rarities.pick(["", ", effect: kubelet", ", effect: partition"])
                let moment = rarities.number(1...1500)
                add(fault: "{at: \(at)ms, node: \(node)\(effect), down: \(moment)ms}", needs: [.node(node)])
            }
        }
    }

    /// CSI drivers that fail or are slow for a while.
    private mutating func makeDriverTrouble(until end: Int) {
        guard storm.objects.contains(where: { $0.text.contains("storageClassName") }), rarities.chance(0.3) else { return }
        let troubles = ["attach", "mount"].map { work in
            let from = rarities.number(0...(end / 2))
            let until = rarities.number((from + 10)...end)
            let trouble = rarities.pick(["probability: 0.5", "probability: 1", "delay: 20s", "probability: 0.3, delay: 3s"])
            return "\(work): [{from: \(from)s, until: \(until)s, \(trouble)}]"
        }
        storm.storage.append(.init(text: "{\(troubles.joined(separator: ", "))}"))
    }

    /// Failures from a file, as they happened somewhere.
    private mutating func makeRecordedFailures(until end: Int) {
        guard further.chance(0.12) else { return }
        var table = "node,down-at,up-at\n"
        var needs: [StormScenario.Need] = []
        for _ in 0..<further.number(1...4) {
            let pool = further.pick(storm.pools)
            let node = pool.node(further.number(0...(pool.count - 1)))
            let at = further.number(5...(end - 30))
            table += "\(node),\(at),\(min(end, at + further.number(5...200)))\n"
            needs.append(.node(node))
        }
        let effect = further.pick(["", ", effect: kubelet", ", effect: partition"])
        storm.faults.append(
            .init(text: "{file: failures.csv\(effect)}", file: .init(name: "failures.csv", text: table), needs: needs))
    }

    /// Whether there are DaemonSets with `maxSurge`. Where a kubelet rejects every pod of such a one (a full disk), Kubernetes makes
    /// new ones without any back-off: the real controller's behaviour, and a flood in which nothing else is to be seen.
    private var hasSurgingDaemons: Bool { targets.contains { $0.kind == "DaemonSet" && $0.surges } }
}
