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
        checkLoss(.node, of: used.map { ("node \($0)", [$0]) })
        var zones: [String] = []
        for zone in nodes.compactMap(\.zone) where !zones.contains(zone) { zones.append(zone) }
        if zones.count > 1 {
            checkLoss(.zone, of: zones.map { zone in ("zone \(zone)", nodes.filter { $0.zone == zone }.map(\.metadata.name)) })
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
            let message = own.first?.value.status.conditions[.podScheduled]?.message ?? ""
            say(.runs, false, "\(owner): \(Presentation.count(own.count, "pod")) without a node: \(message)")
        }
        for operation in cluster.record.operations {
            if let refusal = operation.refusal { say(.runs, false, "\(operation.description): \(refusal)") }
        }
        for budget in cluster.api.objects.all(PodDisruptionBudget.self).map(\.value) {
            let name = "PodDisruptionBudget \(budget.metadata.key)"
            if budget.status.expectedPods == 0 {
                say(.runs, false, "\(name) selects no pods")
            } else if budget.status.desiredHealthy >= budget.status.expectedPods {
                say(.drain, false, "\(name) never lets any of its \(budget.status.expectedPods) pods go")
            }
        }
        if waiting.isEmpty { say(.runs, true, "all \(pods.count) pods have a node") }
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

    /// What must survive: what each budget promises, and one replica of each workload that has several and no budget.
    private var claims: [Claim] {
        var claims: [Claim] = []
        let budgets = cluster.api.objects.all(PodDisruptionBudget.self).map(\.value)
        func selects(_ budget: PodDisruptionBudget, _ pod: Shared<Pod>) -> Bool {
            budget.metadata.namespace == pod.value.metadata.namespace && budget.spec.selector?.matches(pod.value.metadata.labels) == true
        }
        for budget in budgets {
            let own = pods.filter { $0.isReady && selects(budget, $0) }
            claims.append(
                Claim(
                    name: "PodDisruptionBudget \(budget.metadata.key)", pods: own, needed: Int(budget.status.desiredHealthy),
                    why: "it promises \(budget.status.desiredHealthy)"))
        }
        for (name, own) in workloads where own.count > 1 && !own.contains(where: { pod in budgets.contains { selects($0, pod) } }) {
            claims.append(Claim(name: name, pods: own, needed: 1, why: "it has no budget, and nothing is left"))
        }
        return claims
    }

    // MARK: Losses

    private mutating func checkLoss(_ question: SurveyFinding.Question, of losses: [(name: String, nodes: [String])]) {
        var least: [(claim: Claim, left: Int, loss: String)] = claims.map { ($0, $0.pods.count, "") }
        var longest: (time: SimulatedDuration, loss: String)?
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
                let message = fork.firstUnscheduled.map { ": \($0)" } ?? ""
                say(question, false, "\(name) lost: not whole again after \(SurveyPlan.recovery.text)\(message)")
            }
        }
        for (claim, left, loss) in least {
            let of = "\(claim.name): \(left) of \(claim.pods.count) pods left when \(loss) is lost"
            if left >= claim.needed {
                if left < claim.pods.count { say(question, true, "\(of), \(claim.needed) needed") }
            } else {
                say(question, false, "\(of), \(claim.why)")
            }
        }
        if let longest { say(question, true, "whole again after \(longest.time.text) at the longest (\(longest.loss))") }
    }

    // MARK: Drains

    private mutating func checkDrains(of nodes: [String]) {
        var done = 0
        for node in nodes {
            var fork = cluster
            var options = DrainOptions()
            options.force = true
            options.timeout = SurveyPlan.drainTimeout
            let operation = fork.startDrain(of: node, options)
            fork.run(until: fork.now + SurveyPlan.drainTimeout + .minutes(1))
            if let why = fork.record.operations[operation].refusal {
                say(.drain, false, "\(node): \(fork.blockingBudget(operation) ?? why)")
            } else {
                done += 1
            }
        }
        if done == nodes.count, done > 0 { say(.drain, true, "each of the \(done) nodes with pods is empty in the end") }
    }
}

extension Cluster {
    /// What the scheduler says of the first pod that finds no node.
    fileprivate var firstUnscheduled: String? {
        let pod = api.objects.all(Pod.self).first { $0.isActive && $0.value.nodeName == nil }
        return pod.flatMap { pod in
            pod.value.status.conditions[.podScheduled].map { "\(pod.workloadName): \($0.message)" }
        }
    }

    /// The budget that kept a drain from its end, as it says itself.
    fileprivate func blockingBudget(_ operation: Int) -> String? {
        guard record.operations[operation].output.contains(where: { $0.line.contains("disruption budget") }) else { return nil }
        let blocking = api.objects.all(PodDisruptionBudget.self).map(\.value).filter { $0.status.disruptionsAllowed == 0 }
        return blocking.first.map {
            "PodDisruptionBudget \($0.metadata.key) needs \($0.status.desiredHealthy) healthy pods and has \($0.status.currentHealthy)"
        }
    }
}

extension Shared where Value == Pod {
    /// `Kind namespace/name` of the workload a pod belongs to: a ReplicaSet's name without its hash is that of its Deployment.
    fileprivate var workloadName: String {
        let namespace = value.metadata.namespace
        guard let owner = value.metadata.controllerReference else { return "Pod \(namespace)/\(value.metadata.name)" }
        if owner.kind == "ReplicaSet", let hash = value.metadata.labels["pod-template-hash"], owner.name.hasSuffix("-" + hash) {
            return "Deployment \(namespace)/\(owner.name.dropLast(hash.count + 1))"
        }
        return "\(owner.kind) \(namespace)/\(owner.name)"
    }

    /// Whether its node has one of its own.
    fileprivate var belongsToNode: Bool { value.metadata.controllerReference?.kind == "DaemonSet" }

    /// Whether its workload makes another one when it is lost.
    fileprivate var isReplaced: Bool {
        ["ReplicaSet", "StatefulSet", "ReplicationController"].contains(value.metadata.controllerReference?.kind ?? "")
    }
}
