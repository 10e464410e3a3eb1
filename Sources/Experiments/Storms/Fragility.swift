// What manifests cannot survive, whatever the scheduler does: pods that nobody makes anew, Jobs that may not fail once, single replicas.

import KubernetesAPI

/// Manifests that lose something with any node, by what they say.
enum Fragility {
    /// What is to be said about these objects, with a remedy.
    static func findings(in objects: [APIObject]) -> [SurveyFinding] {
        barePods(in: objects) + objects.compactMap(unforgivingJob) + singleReplicas(in: objects)
    }

    private static func finding(_ question: SurveyFinding.Question, _ text: String) -> SurveyFinding {
        SurveyFinding(question: question, isGood: false, text: text, seeds: [])
    }

    // MARK: Bare pods

    private static func barePods(in objects: [APIObject]) -> [SurveyFinding] {
        let names = objects.filter { $0.kind == .pod && $0.metadata.controllerReference == nil }.map { "\($0.metadata.key)" }
        guard let first = names.first else { return [] }
        let remedy = "let a Deployment, a StatefulSet or a Job make"
        let isOne = names.count == 1
        let subject = isOne ? "Pod \(first) has no controller" : "Pods \(Presentation.list(names)) have no controllers"
        let (them, their, are) = isOne ? ("it", "its", "it is") : ("them", "their", "they are")
        return [
            finding(.node, "\(subject): when \(their) node is lost, \(are) gone for good; \(remedy) \(them)"),
            finding(
                .drain,
                "\(subject): kubectl drain refuses \(their) node without --force, and with it \(are) gone for good; \(remedy) \(them)"),
        ]
    }

    // MARK: Jobs

    private static func unforgivingJob(_ object: APIObject) -> SurveyFinding? {
        let spec: JobSpec
        switch object {
        case .job(let job): spec = job.value.spec
        case .cronJob(let cronJob): spec = cronJob.value.spec.jobTemplate.spec
        default: return nil
        }
        guard spec.backoffLimit == 0, !(spec.podFailurePolicy?.ignoresDisruption ?? false) else { return nil }
        let name = "\(object.kindName) \(object.metadata.key)"
        return finding(
            .node,
            "\(name) has backoffLimit 0: one pod that is lost with its node, or drained away, and the Job has failed for good; raise it, or "
                + "let podFailurePolicy ignore the condition DisruptionTarget")
    }

    // MARK: Single replicas

    private static func singleReplicas(in objects: [APIObject]) -> [SurveyFinding] {
        objects.flatMap { object -> [SurveyFinding] in
            guard let (replicas, template) = object.scale, replicas == 1, !isScaled(object, in: objects) else { return [] }
            let subject = "\(object.kindName) \(object.metadata.key) has a single replica"
            let loss = finding(
                .node, "\(subject): nothing is left of it when its node is lost, until there is another one; run two or more")
            // One that a budget keeps is told of where the budget is.
            if holds(template, of: object.metadata.namespace, in: objects) { return [loss] }
            let drain = "\(subject): a drain takes all of it away, until there is another one; run two or more, with a PodDisruptionBudget"
            return [loss, finding(.drain, drain)]
        }
    }

    /// Whether an autoscaler keeps a workload at more than one.
    private static func isScaled(_ workload: APIObject, in objects: [APIObject]) -> Bool {
        objects.contains { object in
            guard case .horizontalPodAutoscaler(let scaler) = object else { return false }
            let target = scaler.value.spec.scaleTargetRef
            return scaler.value.metadata.namespace == workload.metadata.namespace && target.kind == workload.kindName
                && target.name == workload.metadata.name && (scaler.value.spec.minReplicas ?? 1) > 1
        }
    }

    /// Whether a budget does not let the only pod of a template go.
    private static func holds(_ template: PodTemplate, of namespace: String, in objects: [APIObject]) -> Bool {
        objects.contains { object in
            guard case .podDisruptionBudget(let budget) = object, budget.value.metadata.namespace == namespace,
                budget.value.spec.selector?.matches(template.labels) == true
            else { return false }
            let spec = budget.value.spec
            if let most = spec.maxUnavailable { return (try? most.scaled(total: 1, roundUp: true)) == 0 }
            return spec.minAvailable.map { (try? $0.scaled(total: 1, roundUp: true)) != 0 } ?? true
        }
    }
}

extension PodFailurePolicy {
    /// Whether a pod that was evicted, preempted or lost does not count as failed.
    fileprivate var ignoresDisruption: Bool {
        rules.filter { $0.action == .ignore }.flatMap(\.onPodConditions).contains { $0.type == .disruptionTarget && $0.status == .true }
    }
}

extension APIObject {
    /// How many pods a workload wants that makes lost ones anew, and what of.
    fileprivate var scale: (replicas: Int32, template: PodTemplate)? {
        switch self {
        case .deployment(let deployment): (deployment.value.spec.replicas, deployment.value.spec.template)
        case .statefulSet(let set): (set.value.spec.replicas, set.value.spec.template)
        case .replicaSet(let set): (set.value.spec.replicas, set.value.spec.template)
        case .replicationController(let controller): (controller.value.replicas, controller.value.template)
        default: nil
        }
    }
}
