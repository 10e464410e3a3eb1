// One placement of users' manifests, and what it stands: each loss and each drain is tried on a fork of the same cluster.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// Brings a cluster up and asks it everything a survey wants to know.
struct PlacementTrial {
    /// A workload or a budget, and its pods.
    private struct Claim {
        let name: String
        let pods: [Shared<Pod>]
        /// How many must stay ready, and who says so.
        let needed: Int
        let why: String
    }

    private var cluster: Cluster
    private var findings: [SurveyFinding] = []

    init(_ cluster: Cluster) { self.cluster = cluster }

    mutating func run() -> [SurveyFinding] {
        cluster.run(until: .zero + SurveyPlan.bringUp)
        checkRunning()
        checkSpread()
        let nodes = cluster.api.objects.all(Node.self).map(\.value)
        let used = nodes.filter { node in pods.contains { $0.value.nodeName == node.metadata.name } }.map(\.metadata.name)
        checkLoss(.node, of: used.map { ($0, [$0]) })
        var zones: [String] = []
        for zone in nodes.compactMap(\.zone) where !zones.contains(zone) { zones.append(zone) }
        if zones.count > 1 {
            checkLoss(.zone, of: zones.map { zone in (zone, nodes.filter { $0.zone == zone }.map(\.metadata.name)) })
        }
        checkDrains(of: used)
        return findings
    }

    private var pods: [Shared<Pod>] { cluster.api.objects.all(Pod.self).filter { $0.isActive && !$0.belongsToNode } }

    private mutating func say(_ question: SurveyFinding.Question, _ isGood: Bool, _ text: String) {
        findings.append(SurveyFinding(question: question, isGood: isGood, text: text, seeds: []))
    }

    // MARK: As it stands

    private mutating func checkRunning() {
        let waiting = pods.filter { $0.value.nodeName == nil }
        for owner in Set(waiting.map(\.workloadName)).sorted() {
            let own = waiting.filter { $0.workloadName == owner }
            let message = own.first?.value.status.conditions[.podScheduled]?.message ?? "no scheduler has tried it"
            say(.runs, false, "\(owner): \(Presentation.count(own.count, "pod")) without a node: \(message)")
        }
        let idle = pods.filter { $0.value.nodeName != nil && !$0.isReady }
        for owner in Set(idle.map(\.workloadName)).sorted() {
            let own = idle.filter { $0.workloadName == owner }
            let reason = own.first.map { cluster.waiting($0) } ?? ""
            say(.runs, false, "\(owner): \(Presentation.count(own.count, "pod")) \(reason)")
        }
        for operation in cluster.record.operations {
            if let refusal = operation.refusal { say(.runs, false, "\(operation.description): \(refusal)") }
        }
        for budget in cluster.api.objects.all(PodDisruptionBudget.self).map(\.value) {
            let name = "PodDisruptionBudget \(budget.metadata.key)"
            if !pods.contains(where: { budget.selects($0.value) }) {
                say(.runs, false, "\(name) selects no pods")
            } else if let never = budget.neverAllows {
                say(.drain, false, "\(name) \(never)")
            }
        }
        if waiting.isEmpty, idle.isEmpty, !pods.isEmpty { say(.runs, true, "\(Presentation.count(pods.count, "pod")), all ready") }
    }

    private mutating func checkSpread() {
        var isGood = true
        for (owner, own) in workloads where own.count > 1 {
            let nodes = Set(own.compactMap(\.value.nodeName))
            let zones = Set(own.compactMap { $0.value.nodeName.flatMap(zone) })
            if nodes.count == 1, let node = nodes.first {
                say(.spread, false, "\(owner): all \(own.count) pods are on one node, \(node)")
                isGood = false
            } else if zones.count == 1, hasZones, let zone = zones.first {
                say(.spread, false, "\(owner): all \(own.count) pods are in one zone, \(zone)")
                isGood = false
            }
        }
        if isGood { say(.spread, true, "no workload has all its replicas in one place") }
    }

    private var hasZones: Bool { Set(cluster.api.objects.all(Node.self).compactMap(\.value.zone)).count > 1 }

    private func zone(of node: String) -> String? {
        cluster.api.objects.get(Node.self, NamespacedName(namespace: "", name: node))?.value.zone
    }

    /// The ready pods of each workload that replaces a lost pod, in the order of their names.
    private var workloads: [(name: String, pods: [Shared<Pod>])] {
        let replaced = pods.filter { $0.isReady && $0.isReplaced }
        return Set(replaced.map(\.workloadName)).sorted().map { name in (name, replaced.filter { $0.workloadName == name }) }
    }

    /// What each of them has now.
    private var needs: [WorkloadNeed] { workloads.map { WorkloadNeed(workload: $0.name, ready: $0.pods.count) } }

    /// What must survive: what each budget promises, and one replica of each workload that has several and no budget.
    private var claims: [Claim] {
        var claims: [Claim] = []
        let budgets = cluster.api.objects.all(PodDisruptionBudget.self).map(\.value)
        for budget in budgets {
            let own = pods.filter { $0.isReady && budget.selects($0.value) }
            claims.append(
                Claim(
                    name: "PodDisruptionBudget \(budget.metadata.key)", pods: own, needed: Int(budget.status.desiredHealthy),
                    why: "it promises \(budget.status.desiredHealthy)"))
        }
        for (name, own) in workloads where own.count > 1 && !own.contains(where: { pod in budgets.contains { $0.selects(pod.value) } }) {
            claims.append(Claim(name: name, pods: own, needed: 1, why: "it has no budget, and nothing is left"))
        }
        return claims
    }

    // MARK: Losses

    private mutating func checkLoss(_ question: SurveyFinding.Question, of losses: [(name: String, nodes: [String])]) {
        var least: [(claim: Claim, left: Int, loss: String)] = claims.map { ($0, $0.pods.count, "") }
        var longest: (time: SimulatedDuration, loss: String)?
        let kind = question == .node ? "node" : "zone"
        var unhealed = Grouping(kind: kind)
        for (name, nodes) in losses {
            for index in least.indices {
                let left = least[index].claim.pods.count { !nodes.contains($0.value.nodeName ?? "") }
                if left < least[index].left { (least[index].left, least[index].loss) = (left, name) }
            }
            var fork = cluster
            _ = fork.crash(nodes)
            fork.run(until: fork.now + SurveyPlan.recovery)
            guard let failure = fork.record.recoveries.last else { continue }
            if let recovered = failure.recovered {
                let took = recovered - failure.failed
                if took > longest?.time ?? .zero { longest = (took, name) }
            } else {
                let lacking = fork.shortfalls(of: needs).map(\.description).joined(separator: "; and ")
                unhealed.add(name, "lost: not whole again after \(SurveyPlan.recovery.text)" + (lacking.isEmpty ? "" : ": " + lacking))
            }
        }
        for text in unhealed.lines { say(question, false, text) }
        for (claim, left, loss) in least where !loss.isEmpty {
            let of = "\(claim.name): \(left) of \(Presentation.count(claim.pods.count, "pod")) left when \(kind) \(loss) is lost"
            if left >= claim.needed {
                if left < claim.pods.count { say(question, true, "\(of), \(claim.needed) needed") }
            } else {
                say(question, false, claim.pods.count < claim.needed ? "\(of), and now already fewer: \(claim.why)" : "\(of), \(claim.why)")
            }
        }
        if let longest { say(question, true, "whole again after \(longest.time.text) at the longest (\(kind) \(longest.loss))") }
    }

    // MARK: Drains

    private mutating func checkDrains(of nodes: [String]) {
        var done = 0
        var blocked = Grouping(kind: "node")
        for node in nodes {
            var fork = cluster
            var options = DrainOptions()
            options.force = true
            options.timeout = SurveyPlan.drainTimeout
            let operation = fork.startDrain(of: node, options)
            fork.run(until: fork.now + SurveyPlan.drainTimeout + .minutes(1))
            if let why = fork.record.operations[operation].refusal {
                let budgets = fork.budgetsBlocking(node, needs)
                blocked.add(node, "cannot be drained: " + (budgets.isEmpty ? why : budgets.joined(separator: "; and ")))
            } else {
                done += 1
            }
        }
        for text in blocked.lines { say(.drain, false, text) }
        guard done == nodes.count, done > 0 else { return }
        let subject = done == 1 ? "the only node with pods" : "each of the \(done) nodes with pods"
        say(.drain, true, "\(subject) is empty in the end")
    }
}

/// Nodes or zones of which the same is said, in one line.
private struct Grouping {
    private let kind: String
    private var groups: [(text: String, places: [String])] = []

    init(kind: String) { self.kind = kind }

    mutating func add(_ place: String, _ text: String) {
        if let known = groups.firstIndex(where: { $0.text == text }) {
            groups[known].places.append(place)
        } else {
            groups.append((text, [place]))
        }
    }

    var lines: [String] {
        groups.map { text, places in "\(kind)\(places.count == 1 ? "" : "s") \(Presentation.list(places)) \(text)" }
    }
}

extension Shared where Value == Pod {
    /// Whether its node has one of its own.
    fileprivate var belongsToNode: Bool { value.metadata.controllerReference?.kind == "DaemonSet" }

    /// Whether its workload makes another one when it is lost.
    fileprivate var isReplaced: Bool {
        ["ReplicaSet", "StatefulSet", "ReplicationController"].contains(value.metadata.controllerReference?.kind ?? "")
    }
}
