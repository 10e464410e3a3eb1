// The part of the judgement that is about workloads and what is kept about their pods.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI

extension Convergence {
    // MARK: ReplicaSets, ReplicationControllers

    mutating func checkSets() {
        for set in objects.all(ReplicaSet.self).map(\.value) where !isOver(set.metadata) {
            checkSet(ObjectKey(.replicaSet, set.metadata.key), set.metadata, set.spec.replicas, set.spec.minReadySeconds, set.status)
        }
        for set in objects.all(ReplicationController.self).map(\.value) where !isOver(set.metadata) {
            checkSet(ObjectKey(.replicationController, set.metadata.key), set.metadata, set.replicas, set.minReadySeconds, set.status)
        }
    }

    private mutating func checkSet(
        _ key: ObjectKey, _ metadata: ObjectMeta, _ replicas: Int32, _ minReadySeconds: Int32, _ status: ReplicaSetStatus
    ) {
        let active = pods(of: metadata.uid).filter(\.isActive)
        let available = active.count { $0.isAvailable(minReadySeconds: minReadySeconds, at: now) }
        if status.observedGeneration != metadata.generation {
            report(.statusTrue, "\(key) is of generation \(metadata.generation), observed \(status.observedGeneration)", about: key)
        }
        expect("replicas", status.replicas, active.count, of: key)
        expect("readyReplicas", status.readyReplicas, active.count(where: \.isReady), of: key)
        let isRefused = status.conditions.isTrue(.replicaFailure)
        // A sync that failed looks no pod's time up: like the real controller, ours counts again only when its back-off (up to 1,000 s) is over.
        if !isRefused || minReadySeconds == 0 { expect("availableReplicas", status.availableReplicas, available, of: key) }
        if active.count > Int(replicas) {
            report(.workloadsWhole, "\(key) wants \(replicas) pods and has \(active.count)", about: key)
        }
        let isOnItsWay = active.contains { isHindered($0) || isRipening($0, minReadySeconds) }
        expectWhole(key, wants: replicas, available: available, isHindered: isRefused || isOnItsWay)
    }

    // MARK: Deployments

    mutating func checkDeployments() {
        for deployment in objects.all(Deployment.self).map(\.value) where !isOver(deployment.metadata) {
            let key = ObjectKey(.deployment, deployment.metadata.key)
            let status = deployment.status
            let sets = objects.all(ReplicaSet.self).map(\.value).filter { $0.metadata.controllerUID == deployment.metadata.uid }
            let active = sets.flatMap { pods(of: $0.metadata.uid) }.filter(\.isActive)
            let available = active.count { $0.isAvailable(minReadySeconds: deployment.spec.minReadySeconds, at: now) }
            if status.observedGeneration != deployment.metadata.generation {
                report(
                    .statusTrue, "\(key) is of generation \(deployment.metadata.generation), observed \(status.observedGeneration)",
                    about: key)
            }
            expect("replicas", status.replicas, active.count, of: key)
            expect("readyReplicas", status.readyReplicas, active.count(where: \.isReady), of: key)
            let minReadySeconds = deployment.spec.minReadySeconds
            let isRefused = sets.contains { $0.status.conditions.isTrue(.replicaFailure) }
            if !isRefused || minReadySeconds == 0 { expect("availableReplicas", status.availableReplicas, available, of: key) }
            let hindered = isRefused || active.contains { isHindered($0) || isRipening($0, minReadySeconds) }
            // A Recreate waits for the last of the old pods, wherever it is.
            let waits = sets.flatMap { pods(of: $0.metadata.uid) }.contains { $0.isTerminating && $0.value.nodeName.map(isDown) ?? false }
            expectWhole(
                key, wants: deployment.spec.replicas, available: available,
                isHindered: hindered || deployment.spec.paused || (waits && deployment.spec.strategy == .recreate))
            guard !hindered, !waits, !deployment.spec.paused, status.updatedReplicas != deployment.spec.replicas else { continue }
            report(
                .workloadsWhole, "\(key) has \(status.updatedReplicas) of \(deployment.spec.replicas) pods of its newest template",
                about: key)
        }
    }

    // MARK: StatefulSets

    mutating func checkStatefulSets() {
        for set in objects.all(StatefulSet.self).map(\.value) where !isOver(set.metadata) {
            let key = ObjectKey(.statefulSet, set.metadata.key)
            let own = pods(of: set.metadata.uid)
            if set.status.observedGeneration != set.metadata.generation {
                report(
                    .statusTrue, "\(key) is of generation \(set.metadata.generation), observed \(set.status.observedGeneration)",
                    about: key)
            }
            let ready = own.count { $0.value.status.phase == .running && $0.isReady }
            expect("readyReplicas", set.status.readyReplicas, ready, of: key)
            let available = own.count { $0.isActive && $0.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now) }
            expectWhole(
                key, wants: set.spec.replicas, available: available,
                isHindered: own.contains { isHindered($0) || $0.isTerminating || isRipening($0, set.spec.minReadySeconds) }
                    || isRefused(set.metadata))
        }
    }

    /// Whether a pod is ready and only has to stay so for a while: a controller whose back-off ran out late (a quota refused its pods,
    /// up to 1,000 s ago) has just made it.
    private func isRipening(_ pod: Shared<Pod>, _ minReadySeconds: Int32) -> Bool {
        pod.isActive && pod.isReady && !pod.isAvailable(minReadySeconds: minReadySeconds, at: now)
    }

    /// Whether a quota may be what keeps a workload from making its pods: one of its namespace is used up.
    private func isRefused(_ metadata: ObjectMeta) -> Bool {
        objects.all(ResourceQuota.self).contains { $0.value.metadata.namespace == metadata.namespace }
    }

    // MARK: DaemonSets

    mutating func checkDaemonSets() {
        for set in objects.all(DaemonSet.self).map(\.value) where !isOver(set.metadata) {
            let key = ObjectKey(.daemonSet, set.metadata.key)
            let own = pods(of: set.metadata.uid)
            let (scheduled, misplaced) = scheduled(own, set)
            // As the real controller does, ours does not count again when a node turns into one that should have no pod.
            if misplaced == 0 { expect("currentNumberScheduled", set.status.currentNumberScheduled, scheduled, of: key) }
            expectWhole(
                key, wants: set.status.desiredNumberScheduled, available: Int(set.status.numberAvailable),
                isHindered: own.contains { isHindered($0) || $0.isTerminating } || isRefused(set.metadata)
                    || objects.all(Node.self).contains { isDown($0.value.metadata.name) })
            for node in objects.all(Node.self).map(\.value) where !isDown(node.metadata.name) {
                // A pod that comes before the old one goes may find no room.
                let mine = own.count { $0.isActive && !isHindered($0) && $0.value.targetNode == node.metadata.name }
                if mine > 1 { report(.workloadsWhole, "\(key) has \(mine) pods for node \(node.metadata.name)", about: key) }
            }
        }
    }

    /// How many of the nodes that should run a pod of the set have one, and how many of the others, those that are gone among them.
    private func scheduled(_ own: [Shared<Pod>], _ set: DaemonSet) -> (scheduled: Int, misplaced: Int) {
        let template = set.spec.template.spec.value
        let tolerations = DaemonTolerations.of(template)
        var counts = (scheduled: 0, misplaced: 0)
        for node in objects.all(Node.self).map(\.value) where own.contains(where: { $0.value.targetNode == node.metadata.name }) {
            if DaemonPlacement(of: template, nodeName: nil, tolerations: tolerations, on: node).shouldRun {
                counts.scheduled += 1
            } else {
                counts.misplaced += 1
            }
        }
        counts.misplaced += own.count { pod in pod.value.targetNode.map { objects[ObjectKey(.node, $0)] == nil } ?? false }
        return counts
    }

    // MARK: Jobs

    mutating func checkJobs() {
        for job in objects.all(Job.self).map(\.value) where !isOver(job.metadata) {
            let key = ObjectKey(.job, job.metadata.key)
            let own = pods(of: job.metadata.uid)
            if job.isFinished {
                for pod in own where pod.isActive {
                    report(.workloadsWhole, "\(key) is finished, \(pod.value.metadata.name) runs", about: key)
                }
                for pod in own where pod.value.metadata.finalizers.contains(JobLabels.trackingFinalizer) {
                    if pod.isTerminating, pod.value.nodeName.map(isDown) ?? false { continue }
                    report(.deletionsEnd, "\(key) is finished and does not let go of pod \(pod.value.metadata.name)", about: key)
                }
            } else if !own.contains(where: { endedLately($0) }) {
                expect("active", job.status.active, own.count(where: \.isActive), of: key)
            }
        }
    }

    /// Whether a pod ended within the longest back-off of a Job, which looks at its pods again only after it.
    private func endedLately(_ pod: Shared<Pod>) -> Bool {
        pod.value.status.containerStatuses.contains { container in
            if case .terminated(let end) = container.state { now - end.finishedAt < .minutes(11) } else { false }
        }
    }

    // MARK: What is kept about pods

    mutating func checkBudgets() {
        for budget in objects.all(PodDisruptionBudget.self).map(\.value) where !isOver(budget.metadata) {
            let key = ObjectKey(.podDisruptionBudget, budget.metadata.key)
            guard let selector = budget.spec.selector, budget.status.conditions[.disruptionAllowed]?.reason != "SyncFailed" else {
                continue
            }
            let healthy = pods.count {
                $0.value.metadata.namespace == key.name.namespace && selector.matches($0.value.metadata.labels) && !$0.isTerminating
                    && $0.isReady
            }
            expect("currentHealthy", budget.status.currentHealthy, healthy, of: key)
        }
    }

    mutating func checkServices() {
        for service in objects.all(Service.self).map(\.value) where !isOver(service.metadata) {
            guard let selector = service.selector, !selector.isEmpty else { continue }
            let key = ObjectKey(.service, service.metadata.key)
            let listed = objects.all(EndpointSlice.self).map(\.value).filter {
                $0.metadata.namespace == key.name.namespace && $0.metadata.labels["kubernetes.io/service-name"] == key.name.name
            }.flatMap(\.endpoints)
            let served = pods.filter { pod in
                pod.value.metadata.namespace == key.name.namespace && !pod.isTerminal && !pod.value.status.podIP.isEmpty
                    && selector.allSatisfy { pod.value.metadata.labels[$0.key] == $0.value }
            }
            for pod in served where !listed.contains(where: { $0.pod?.uid == pod.value.metadata.uid }) {
                report(.statusTrue, "\(key) has no endpoint for pod \(pod.value.metadata.name)", about: key)
            }
            for endpoint in listed {
                guard let reference = endpoint.pod else { continue }
                guard let pod = served.first(where: { $0.value.metadata.uid == reference.uid }) else {
                    report(.statusTrue, "\(key) has an endpoint for pod \(reference.key.name), which does not serve", about: key)
                    continue
                }
                let isReady = service.publishNotReadyAddresses || (pod.isReady && !pod.isTerminating)
                if endpoint.ready ?? true != isReady {
                    report(.statusTrue, "\(key) calls the endpoint of pod \(reference.key.name) \(isReady ? "not " : "")ready", about: key)
                }
            }
        }
    }

    mutating func checkQuotas() {
        for quota in objects.all(ResourceQuota.self).map(\.value) where !isOver(quota.metadata) && quota.spec.scopes.isEmpty {
            let key = ObjectKey(.resourceQuota, quota.metadata.key)
            guard let told = quota.status.used[.pods], quota.status.hard == quota.spec.hard else { continue }
            // A pod whose time to stop is over, on a node that is lost, is not counted.
            let counted = pods.filter { $0.value.metadata.namespace == key.name.namespace && !$0.isTerminal && !$0.isTerminating }.count
            let ending = pods.count { $0.value.metadata.namespace == key.name.namespace && !$0.isTerminal && $0.isTerminating }
            if told.value < counted || told.value > counted + ending {
                report(.statusTrue, "\(key) says \(told) pods, and there are \(counted)", about: key)
            }
        }
    }
}
