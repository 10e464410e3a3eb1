// What keeps workloads from being whole: which of them lack pods, and why, in the words of those who know.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// How many ready pods a workload should have.
struct WorkloadNeed: Sendable {
    /// `Kind namespace/name`.
    let workload: String
    let ready: Int
}

/// A workload that has fewer ready pods than it should, and what its pods wait for.
struct Shortfall: CustomStringConvertible {
    let workload: String
    let ready: Int
    let needed: Int
    let reasons: [String]

    var description: String {
        "\(workload) has \(ready) of \(Presentation.count(needed, "ready pod"))"
            + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
    }
}

extension Cluster {
    /// The workloads among these that lack pods now.
    func shortfalls(of needs: [WorkloadNeed]) -> [Shortfall] {
        let pods = api.objects.all(Pod.self).filter { !$0.isTerminal }
        return needs.compactMap { need in
            let own = pods.filter { $0.workloadName == need.workload }
            let needed = min(need.ready, replicas(of: need.workload) ?? need.ready)
            let ready = own.count { $0.isReady && !$0.isTerminating && isUp($0) }
            guard ready < needed else { return nil }
            return Shortfall(workload: need.workload, ready: ready, needed: needed, reasons: reasons(own, of: need.workload, needed))
        }
    }

    /// How many pods a workload wants by now: somebody may have scaled it.
    private func replicas(of workload: String) -> Int? {
        let deployments = api.objects.all(Deployment.self).map { ("Deployment \($0.value.metadata.key)", $0.value.spec.replicas) }
        let sets = api.objects.all(StatefulSet.self).map { ("StatefulSet \($0.value.metadata.key)", $0.value.spec.replicas) }
        return (deployments + sets).first { $0.0 == workload }.map { Int($0.1) }
    }

    private func isUp(_ pod: Shared<Pod>) -> Bool {
        pod.value.nodeName.flatMap { nodeAgent.number(of: $0) }.map { nodeAgent.isMachineUp($0) } ?? false
    }

    /// What the pods that are not ready wait for, each reason with the number of pods.
    private func reasons(_ pods: [Shared<Pod>], of workload: String, _ needed: Int) -> [String] {
        var reasons: [(text: String, count: Int)] = []
        func add(_ text: String) {
            if let known = reasons.firstIndex(where: { $0.text == text }) {
                reasons[known].count += 1
            } else {
                reasons.append((text, 1))
            }
        }
        let isOfStatefulSet = workload.hasPrefix("StatefulSet ")
        for pod in pods where !(pod.isReady && isUp(pod)) {
            let status = pod.value.status
            if pod.value.nodeName == nil {
                add("without a node: " + (status.conditions[.podScheduled]?.message ?? "not tried yet"))
            } else if !isUp(pod) {
                guard isOfStatefulSet else { continue }
                add(
                    "bound to a lost node, and not replaced before the pod is deleted by force, or the node has the taint "
                        + "node.kubernetes.io/out-of-service")
            } else if !pod.isTerminating {
                add(waiting(pod))
            }
        }
        let present = pods.count { !$0.isTerminating || isOfStatefulSet }
        if present < needed, let refused = lastWarning(of: workload) { add("not made: " + refused) }
        return reasons.map { "\($0.count) \($0.text)" }
    }

    /// Why a pod that has a node is not ready: what was warned of last, or the state of its containers.
    func waiting(_ pod: Shared<Pod>) -> String {
        let warning = record.events.last {
            $0.event.value.severity == .warning && $0.event.value.involvedKind == "Pod" && $0.event.value.involved == pod.value.metadata.key
        }
        if let warning { return "not ready: " + warning.event.value.message }
        let states = pod.value.status.containerStatuses.compactMap { status -> String? in
            if case .waiting(let reason) = status.state { reason } else { nil }
        }
        return "not ready" + (states.first.map { ": " + $0 } ?? "")
    }

    /// The last refusal to make a pod of a workload.
    private func lastWarning(of workload: String) -> String? {
        let name = workload.split(separator: " ").last.map(String.init) ?? workload
        return record.events.last { entry in
            let involved = "\(entry.event.value.involved)"
            // A Deployment's pods are made by its ReplicaSets.
            return entry.event.value.reason == "FailedCreate" && (involved == name || involved.hasPrefix(name + "-"))
        }?.event.value.message
    }
}

extension Shared where Value == Pod {
    /// `Kind namespace/name` of the workload a pod belongs to: a ReplicaSet's name without its hash is that of its Deployment.
    var workloadName: String {
        let namespace = value.metadata.namespace
        guard let owner = value.metadata.controllerReference else { return "Pod \(namespace)/\(value.metadata.name)" }
        if owner.kind == "ReplicaSet", let hash = value.metadata.labels["pod-template-hash"], owner.name.hasSuffix("-" + hash) {
            return "Deployment \(namespace)/\(owner.name.dropLast(hash.count + 1))"
        }
        return "\(owner.kind) \(namespace)/\(owner.name)"
    }
}
