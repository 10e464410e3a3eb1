// What wakes the Deployment controller, and what it does when a ReplicaSet's name is taken.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are Deployments. Nothing is remembered between syncs.
struct DeploymentReconciler: Reconciler {
    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<DeploymentSync.Conclusion> {
        guard let deployment = view.deployment(key) else { return Plan() }
        return DeploymentSync.plan(for: deployment.value, view, at: now)
    }

    /// A refused creation: the name belongs to another template (then the hash must change), or the cache has not seen the
    /// ReplicaSet this controller made a moment ago, or the API server does not want it (then the status says so).
    func conclude(
        _ key: NamespacedName, _ conclusion: DeploymentSync.Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers,
        at now: SimulatedTime
    ) -> Plan<DeploymentSync.Conclusion>? {
        guard case .creating(let set, var deployment)? = conclusion, let error = outcome.error else { return nil }
        let wasCreation = outcome.notDone.contains { if case .create = $0 { true } else { false } }
        // In a namespace that is being deleted no creation succeeds any more, and there is nothing to report about it.
        guard wasCreation, !error.isNamespaceTerminating else { return nil }
        var plan = Plan<DeploymentSync.Conclusion>()
        plan.failure = error
        if case .alreadyExists = error {
            guard let existing = view.replicaSet(set.metadata.key) else { return nil }
            let isOurs =
                existing.value.metadata.controllerReference?.uid == deployment.metadata.uid
                && areEqualIgnoringHash(existing.value.spec.template, deployment.spec.template)
            if isOurs { return nil }
            deployment.status.collisionCount = (deployment.status.collisionCount ?? 0) &+ 1
        } else {
            let message = "Failed to create new replica set \"\(set.metadata.name)\": \(error)"
            plan.events = [
                KubernetesEvent(
                    about: "Deployment", deployment.metadata.key, uid: deployment.metadata.uid,
                    reason: DeploymentReason.createFailed, message: message, severity: .warning,
                    source: ControllerName.deployment.eventSource)
            ]
            guard deployment.spec.hasProgressDeadline else { return plan }
            deployment.status.set(
                DeploymentStatusRules.condition(.progressing, .false, DeploymentReason.createFailed, message, at: now))
        }
        plan.then(PlannedCall(.updateStatus(APIObject(deployment))))
        return plan
    }
}

/// Which Deployments an event concerns.
enum DeploymentWakeUps {
    static func keys(for replicaSet: Shared<ReplicaSet>, _ view: SharedInformers) -> [NamespacedName] {
        let metadata = replicaSet.value.metadata
        if let owner = metadata.controllerReference {
            guard owner.kind == "Deployment" else { return [] }
            let key = NamespacedName(namespace: metadata.namespace, name: owner.name)
            return view.deployment(key)?.value.metadata.uid == owner.uid ? [key] : []
        }
        // An orphan: whoever may adopt it.
        return view.deployments(inNamespace: metadata.namespace).filter { $0.value.spec.selector.matches(metadata.labels) }
            .map(\.value.metadata.key)
    }

    /// A pod is gone: a Deployment that recreates may go on when its last pod went.
    static func key(forDeleted pod: Shared<Pod>, _ view: SharedInformers) -> NamespacedName? {
        let metadata = pod.value.metadata
        guard let owner = metadata.controllerReference, owner.kind == "ReplicaSet",
            let set = view.replicaSet(NamespacedName(namespace: metadata.namespace, name: owner.name)),
            set.value.metadata.uid == owner.uid, let deploymentOwner = set.value.metadata.controllerReference,
            let deployment = view.deployment(NamespacedName(namespace: metadata.namespace, name: deploymentOwner.name)),
            deployment.value.metadata.uid == deploymentOwner.uid, deployment.value.spec.strategy == .recreate
        else { return nil }
        let isLast = view.replicaSets(controlledBy: deploymentOwner.uid).allSatisfy {
            view.podCount(controlledBy: $0.value.metadata.uid) == 0
        }
        return isLast ? deployment.value.metadata.key : nil
    }
}
