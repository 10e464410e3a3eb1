// What is told of one failure: how it began, what became of it, and when.

import ClusterSimulation
import DiscreteEvents

extension RecoveryRecord {
    /// Its turning points, each with how long after its beginning it came.
    var story: [(time: SimulatedTime, text: String)] {
        var list: [(time: SimulatedTime, text: String)] = []
        func add(_ time: SimulatedTime?, _ text: String) {
            guard let time else { return }
            list.append((time, "\(subject): \(text)" + (time > failed ? " (+\((time - failed).text))" : "")))
        }
        list.append((failed, "FAULT \(subject): \(beginning)"))
        if down != failed { add(down, nodes == 0 ? "the machine, which was down already, is gone for good" : "the machine is gone") }
        if nodes == 1 {
            add(detected, "the node is NotReady")
        } else {
            if firstDetected != detected { add(firstDetected, "the first node is NotReady") }
            add(detected, "all \(nodes) nodes are NotReady")
        }
        if evictedPods > 0 {
            add(firstEvicted, "eviction begins")
            add(evicted, "the last of \(Presentation.count(evictedPods, "pod")) is evicted")
            add(replaced, "every evicted pod has a replacement")
        }
        // Of nodes that were down already, whatever took them down tells.
        if nodes > 0 { add(returned, homecoming) }
        if affectedPods > 0 { add(recovered, "every workload is whole again") }
        return list
    }

    /// What it does to how many nodes, and what is on them.
    private var beginning: String {
        if nodesHit == 0 { return "hits no node" }
        let count = nodes > 0 ? nodes : nodesHit
        let one = count == 1
        let what =
            switch effect {
            case .crash: one ? "fails" : "fail"
            case .kubeletStop: one ? "loses its kubelet" : "lose their kubelets"
            case .partition: one ? "is cut off from the control plane" : "are cut off from the control plane"
            case .reclamation(let reclamation): "gets its notice of \(reclamation.notice.text)"
            case .load: one ? "bears a load" : "bear a load"
            }
        if nodes == 0, affectedPods == 0 {
            return "\(Presentation.count(count, "node")) \(what), and \(one ? "was" : "were") down already"
        }
        let already = nodesHit - count
        let pods = Presentation.count(affectedPods, "pod")
        return "\(Presentation.count(count, "node")) \(what), \(pods) to be replaced on \(one ? "it" : "them")"
            + (otherPods > 0 ? " (and \(otherPods) that nobody replaces)" : "")
            + (already > 0 ? "; \(already) more \(already == 1 ? "was" : "were") down already" : "")
    }

    /// How its nodes came back.
    private var homecoming: String {
        let who =
            nodesBack < nodesHit
            ? "\(nodesBack) of its \(nodesHit) nodes \(nodesBack == 1 ? "is" : "are") back, the rest is gone for good"
            : nodesHit == 1 ? "the node comes back" : "the nodes come back"
        let before = unnoticedNodes == 0 ? "" : (unnoticedNodes == nodes ? "" : ", \(unnoticedNodes)") + " before anybody noticed"
        return who + before + (duplicates == 0 ? "" : ", with \(Presentation.count(duplicates, "pod")) that had been replaced")
    }

    /// `+45s`, or `+45s..50s` where the first and the last node were noticed at different times; never, if all were back before.
    var detectionText: String {
        guard let first = firstDetected ?? detected else { return nodes > 0 && unnoticedNodes == nodes ? "never" : "-" }
        let from = (first - failed).text
        guard let last = detected else { return nodes == 1 ? "+\(from)" : "+\(from).." }
        let to = (last - failed).text
        return from == to ? "+\(to)" : "+\(from)..\(to)"
    }
}
