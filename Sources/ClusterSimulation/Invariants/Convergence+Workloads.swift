// The part of the judgement that is about workloads and what is kept about their pods.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI

extension Convergence {
    // MARK: ReplicaSets, ReplicationControllers

    mutating func checkSets() {
        for set in objects.all(ReplicaSet.self).map(\.value) where !isOver(set.metadata) {
            let (replicas, template) = (set.spec.replicas, set.spec.template)
            checkSet(ObjectKey(.replicaSet, set.metadata.key), set.metadata, replicas, template, set.spec.minReadySeconds, set.status)
        }
        for set in objects.all(ReplicationController.self).map(\.value) where !isOver(set.metadata) {
            let key = ObjectKey(.replicationController, set.metadata.key)
            checkSet(key, set.metadata, set.replicas, set.template, set.minReadySeconds, set.status)
        }
    }

    private mutating func checkSet(
        _ key: ObjectKey, _ metadata: ObjectMeta, _ replicas: Int32, _ template: PodTemplate, _ minReadySeconds: Int32,
        _ status: ReplicaSetStatus
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
        let hindered = excused(active, minReadySeconds)
        expectWhole(
            key, wants: replicas, available: available, excused: hindered + refused(metadata, replicas, template, active.count))
    }

    /// How many of the pods of a workload are not available for a reason.
    private func excused(_ pods: [Shared<Pod>], _ minReadySeconds: Int32) -> Int {
        pods.count { !$0.isAvailable(minReadySeconds: minReadySeconds, at: now) && isExcused($0, minReadySeconds) }
    }

    /// How many pods a workload does not make for a reason.
    private func refused(_ metadata: ObjectMeta, _ replicas: Int32, _ template: PodTemplate, _ active: Int) -> Int {
        Int(replicas) > active && refusesPods(of: template, for: metadata) ? Int(replicas) - active : 0
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
            let hindered = excused(active, minReadySeconds)
            let refused = sets.reduce(0) { sum, set in
                sum + self.refused(set.metadata, set.spec.replicas, set.spec.template, pods(of: set.metadata.uid).count(where: \.isActive))
            }
            // A Recreate waits for the last of the old pods, wherever it is.
            let waits = sets.flatMap { pods(of: $0.metadata.uid) }.contains { $0.isTerminating && $0.value.nodeName.map(isDown) ?? false }
            if !deployment.spec.paused, !waits || deployment.spec.strategy != .recreate {
                expectWhole(key, wants: deployment.spec.replicas, available: available, excused: hindered + refused)
            }
            guard hindered + refused == 0, !waits, !deployment.spec.paused, status.updatedReplicas != deployment.spec.replicas else {
                continue
            }
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
            let available = own.count {
                $0.value.status.phase == .running && $0.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now)
            }
            expect("replicas", set.status.replicas, own.count, of: key)
            expect("readyReplicas", set.status.readyReplicas, ready, of: key)
            expect("availableReplicas", set.status.availableReplicas, available, of: key)
            checkReplicas(of: set, own, key)
        }
    }

    /// Each replica is available or has a reason. Those are neither made nor made anew that come after one that is not available under
    /// OrderedReady, after one whose claim is on its way out, and after one that is refused: there the controller's sync ends.
    private mutating func checkReplicas(of set: StatefulSet, _ own: [Shared<Pod>], _ key: ObjectKey) {
        let seconds = set.spec.minReadySeconds
        var isHeld = false
        for ordinal in Int(set.spec.firstOrdinal)..<Int(set.spec.firstOrdinal) + Int(set.spec.replicas) {
            let name = "\(set.metadata.name)-\(ordinal)"
            let pod = own.first { $0.value.metadata.name == name }
            if let pod, pod.isActive, pod.isAvailable(minReadySeconds: seconds, at: now) { continue }
            let isAwaited = pod.map(\.isTerminal) ?? true
            let isRefused = isAwaited && (claimsHold(back: name, of: set) || pod == nil && refusesReplicas(of: set))
            guard isRefused || (isAwaited && isHeld) || pod.map({ isExcused($0, seconds) }) ?? false else {
                return report(
                    .workloadsWhole, "\(key): replica \(ordinal) is not available, and nothing is in the way", about: key)
            }
            if isRefused || set.spec.podManagementPolicy == .orderedReady { isHeld = true }
        }
        guard !own.contains(where: { isExcused($0, seconds) }), set.spec.updateStrategy == .rollingUpdate(partition: 0),
            set.status.updatedReplicas < set.spec.replicas, !refusesReplicas(of: set)
        else { return }
        report(
            .workloadsWhole, "\(key) has \(set.status.updatedReplicas) of \(set.spec.replicas) pods of its newest template", about: key)
    }

    /// Whether a claim of a replica's name is being deleted: the pod is made when it is gone. And nobody tells the real controller that a
    /// claim which goes with its replica (`whenScaled: Delete`) is gone, so a set that was scaled down and up again may wait for ever.
    private func claimsHold(back pod: String, of set: StatefulSet) -> Bool {
        set.spec.volumeClaimTemplates.contains { template in
            let name = NamespacedName(namespace: set.metadata.namespace, name: "\(template.metadata.name)-\(pod)")
            let claim = objects.get(PersistentVolumeClaim.self, name)?.value.metadata
            return claim.map(\.isTerminating) ?? (set.spec.claimRetention.whenScaled == .delete)
        }
    }

    private func refusesReplicas(of set: StatefulSet) -> Bool { refusesPods(of: set.spec.template, for: set.metadata) }

    // MARK: DaemonSets

    mutating func checkDaemonSets() {
        for set in objects.all(DaemonSet.self).map(\.value) where !isOver(set.metadata) {
            let key = ObjectKey(.daemonSet, set.metadata.key)
            let own = pods(of: set.metadata.uid)
            let (scheduled, misplaced) = scheduled(own, set)
            // As the real controller does, ours does not count again when a node turns into one that should have no pod.
            if misplaced == 0 { expect("currentNumberScheduled", set.status.currentNumberScheduled, scheduled, of: key) }
            checkDaemons(of: set, own, key)
            for node in objects.all(Node.self).map(\.value) where !isDown(node.metadata.name) {
                // A pod that comes before the old one goes may find no room.
                let mine = own.count { $0.isActive && !isHindered($0) && $0.value.targetNode == node.metadata.name }
                if mine > 1 { report(.workloadsWhole, "\(key) has \(mine) pods for node \(node.metadata.name)", about: key) }
            }
        }
    }

    /// Each node that works and should have a daemon has one that is available, or there is a reason.
    private mutating func checkDaemons(of set: DaemonSet, _ own: [Shared<Pod>], _ key: ObjectKey) {
        let template = set.spec.template.spec.value
        let tolerations = DaemonTolerations.of(template)
        let seconds = set.spec.minReadySeconds
        var isWhole = true
        for node in objects.all(Node.self).map(\.value) {
            let name = node.metadata.name
            guard DaemonPlacement(of: template, nodeName: nil, tolerations: tolerations, on: node).shouldRun else { continue }
            let pods = own.filter { $0.value.targetNode == name }
            if pods.contains(where: { $0.isActive && $0.isAvailable(minReadySeconds: seconds, at: now) }) { continue }
            isWhole = false
            if isDown(name) || pods.contains(where: { isExcused($0, seconds) || hasFailedLately($0) }) { continue }
            if pods.isEmpty, refusesPods(of: set.spec.template, for: set.metadata) { continue }
            report(.workloadsWhole, "\(key) has no available pod on node \(name), and nothing is in the way", about: key)
        }
        guard isWhole, !own.contains(where: { isExcused($0, seconds) }), case .rollingUpdate = set.spec.updateStrategy,
            set.status.updatedNumberScheduled != set.status.desiredNumberScheduled, !refusesPods(of: set.spec.template, for: set.metadata)
        else { return }
        let (updated, desired) = (set.status.updatedNumberScheduled, set.status.desiredNumberScheduled)
        report(.workloadsWhole, "\(key) has \(updated) of \(desired) pods of its newest template", about: key)
    }

    /// Whether a daemon failed and is kept for the back-off of failed daemons, up to 15 minutes.
    private func hasFailedLately(_ pod: Shared<Pod>) -> Bool {
        pod.value.status.phase == .failed && pod.value.metadata.creationTimestamp + .minutes(16) > now
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
                if own.allSatisfy(\.isTerminal), isWaitingForNothing(job) {
                    report(.workloadsWhole, "\(key) is not finished, no pod of it runs, and nothing is in the way", about: key)
                }
            }
        }
    }

    /// Whether a Job without active pods should have made some by now.
    private func isWaitingForNothing(_ job: Job) -> Bool {
        !job.spec.suspend && (job.spec.parallelism ?? 1) > 0 && job.metadata.creationTimestamp + .minutes(1) < now
            && !refusesPods(of: job.spec.template, for: job.metadata)
    }

    /// Whether a pod ended within the longest back-off of a Job, which looks at its pods again only after it.
    private func endedLately(_ pod: Shared<Pod>) -> Bool {
        pod.value.status.containerStatuses.contains { container in
            if case .terminated(let end) = container.state { now - end.finishedAt < .minutes(11) } else { false }
        }
    }

    // MARK: What is kept about pods

    mutating func checkBudgets() {
        let budgets = objects.all(PodDisruptionBudget.self).map(\.value)
        for budget in budgets where !isOver(budget.metadata) && budget.status.conditions[.disruptionAllowed]?.reason != "SyncFailed" {
            let key = ObjectKey(.podDisruptionBudget, budget.metadata.key)
            let others = budgets.filter { $0.metadata.namespace == budget.metadata.namespace && $0.metadata.uid != budget.metadata.uid }
            guard let count = BudgetCount(of: budget, in: objects),
                // A change of a pod that several budgets select is told to one of them only.
                !count.pods.contains(where: { pod in others.contains { $0.spec.selector?.matches(pod.value.metadata.labels) == true } })
            else { continue }
            let disrupted = count.pods.count { pod in
                pod.isReady && !pod.isTerminating
                    && budget.status.disruptedPods.contains { $0.name == pod.value.metadata.name && $0.since + .minutes(2) > now }
            }
            let healthy = count.healthy - disrupted
            expect("currentHealthy", budget.status.currentHealthy, healthy, of: key)
            if evictions.isUnnoticed(count) { continue }
            expect("expectedPods", budget.status.expectedPods, count.expected, of: key)
            expect("desiredHealthy", budget.status.desiredHealthy, count.desired, of: key)
            let allowed = count.expected == 0 ? 0 : max(0, healthy - count.desired)
            expect("disruptionsAllowed", budget.status.disruptionsAllowed, allowed, of: key)
        }
    }

    mutating func checkServices() {
        for service in objects.all(Service.self).map(\.value) where !isOver(service.metadata) {
            guard let selector = service.selector, !selector.isEmpty else { continue }
            let key = ObjectKey(.service, service.metadata.key)
            let listed = objects.all(EndpointSlice.self).map(\.value).filter { $0.service == key.name }.flatMap(\.endpoints)
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
                    // The end of a pod that was not ready before wakes the real controller neither.
                    if endpoint.ready == false, pods.contains(where: { $0.value.metadata.uid == reference.uid && $0.isTerminal }) {
                        continue
                    }
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
