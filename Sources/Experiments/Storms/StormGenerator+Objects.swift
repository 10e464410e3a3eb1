// The workloads of a storm: of every kind, with budgets, autoscalers, quotas, services and claims beside them.

extension StormGenerator {
    private static let namespace = "storm"

    static func object(_ kind: String, _ name: String) -> String { "\(kind)/\(namespace)/\(name)" }

    mutating func makeObjects() {
        let count = dice.number(size == .tiny ? 1...2 : isLarge ? 3...9 : 1...3)
        if dice.chance(0.15) { makePriorities() }
        for number in 0..<count {
            let name = "app-\(number)"
            switch dice.number(0...11) {
            case 0...3: makeDeployment(name)
            case 4...5: makeStatefulSet(name)
            case 6: makeDaemonSet(name)
            case 7...8: makeJob(name)
            case 9: makeCronJob(name)
            case 10: makeReplicaSet(name)
            default: makePod(name)
            }
        }
        if dice.chance(0.25) { makeQuota() }
        if dice.chance(0.15) { makeLimits() }
        makeAttachLimits()
        // What waits for a ConfigMap or a Secret would wait for ever without it.
        for piece in storm.late {
            let name = piece.name.split(separator: "/").last ?? ""
            for index in storm.objects.indices where storm.objects[index].text.contains(": \(name)}") {
                storm.objects[index].needs.append(.object(piece.name))
            }
        }
    }

    // MARK: Workloads

    private mutating func makeDeployment(_ name: String) {
        let object = StormGenerator.object("Deployment", name)
        let strategy =
            dice.chance(0.2)
            ? "{type: Recreate}"
            : "{rollingUpdate: {maxSurge: \(dice.pick(["1", "25%", "100%"])), maxUnavailable: \(dice.pick(["0", "1", "25%"]))}}"
        add(
            object: object,
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name), namespace: storm}
            spec:
              replicas: \(dice.number(1...(isLarge ? 12 : 5)))
              minReadySeconds: \(dice.pick([0, 0, 0, 5, 15]))
              progressDeadlineSeconds: \(dice.pick([60, 600]))
              revisionHistoryLimit: \(dice.pick([0, 1, 10]))
              strategy: \(strategy)
              selector: {matchLabels: {app: \(name)}}
              template:
            \(template(name, indent: 4))
            """)
        makeBehaviour(name, of: object)
        makeCompanions(name, of: object, kind: "Deployment")
    }

    private mutating func makeStatefulSet(_ name: String) {
        let object = StormGenerator.object("StatefulSet", name)
        let (claims, needs) = makeClaimTemplates(name)
        add(
            object: object, needs: needs,
            """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: \(name), namespace: storm}
            spec:
              serviceName: \(name)
              replicas: \(dice.number(1...(isLarge ? 6 : 3)))
              minReadySeconds: \(dice.pick([0, 0, 5]))
              podManagementPolicy: \(dice.pick(["OrderedReady", "Parallel"]))
              selector: {matchLabels: {app: \(name)}}
            \(claims)  template:
            \(template(name, indent: 4))
            """)
        makeBehaviour(name, of: object)
        makeCompanions(name, of: object, kind: "StatefulSet")
    }

    private mutating func makeDaemonSet(_ name: String) {
        let object = StormGenerator.object("DaemonSet", name)
        let strategy = dice.pick(["{maxUnavailable: 1}", "{maxUnavailable: 50%}", "{maxUnavailable: 0, maxSurge: 1}"])
        add(
            object: object,
            """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: \(name), namespace: storm}
            spec:
              updateStrategy: {rollingUpdate: \(strategy)}
              selector: {matchLabels: {app: \(name)}}
              template:
            \(template(name, indent: 4))
            """)
        makeBehaviour(name, of: object)
    }

    private mutating func makeReplicaSet(_ name: String) {
        let isOld = dice.chance(0.3)
        let object = StormGenerator.object(isOld ? "ReplicationController" : "ReplicaSet", name)
        add(
            object: object,
            """
            apiVersion: \(isOld ? "v1" : "apps/v1")
            kind: \(isOld ? "ReplicationController" : "ReplicaSet")
            metadata: {name: \(name), namespace: storm}
            spec:
              replicas: \(dice.number(1...5))
              selector: \(isOld ? "{app: \(name)}" : "{matchLabels: {app: \(name)}}")
              template:
            \(template(name, indent: 4))
            """)
        makeBehaviour(name, of: object)
        if !isOld { makeCompanions(name, of: object, kind: "ReplicaSet") }
    }

    private mutating func jobSpec(_ name: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines = ["parallelism: \(dice.number(1...4))"]
        if dice.chance(0.8) { lines.append("completions: \(dice.number(1...6))") }
        if lines.count > 1, dice.chance(0.3) { lines.append("completionMode: Indexed") }
        if dice.chance(0.4) { lines.append("backoffLimit: \(dice.number(0...4))") }
        if dice.chance(0.2) { lines.append("activeDeadlineSeconds: \(dice.number(20...400))") }
        if dice.chance(0.3) { lines.append("ttlSecondsAfterFinished: \(dice.pick([0, 30, 200]))") }
        if dice.chance(0.3) { lines.append("podReplacementPolicy: Failed") }
        lines.append("template:")
        return lines.map { margin + $0 + "\n" }.joined() + template(name, restart: dice.pick(["Never", "OnFailure"]), indent: indent + 2)
    }

    private mutating func makeJob(_ name: String) {
        let object = StormGenerator.object("Job", name)
        add(
            object: object,
            """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: \(name), namespace: storm}
            spec:
            \(jobSpec(name, indent: 2))
            """)
        makeBehaviour(name, of: object, ends: true)
    }

    private mutating func makeCronJob(_ name: String) {
        let object = StormGenerator.object("CronJob", name)
        add(
            object: object,
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: \(name), namespace: storm}
            spec:
              schedule: "*/\(dice.pick([1, 2, 5])) * * * *"
              concurrencyPolicy: \(dice.pick(["Allow", "Forbid", "Replace"]))
              startingDeadlineSeconds: \(dice.pick([20, 100, 1000]))
              successfulJobsHistoryLimit: \(dice.number(0...3))
              failedJobsHistoryLimit: \(dice.number(0...2))
              jobTemplate:
                spec:
            \(jobSpec(name, indent: 6))
            """)
        makeBehaviour(name, of: object, ends: true)
    }

    private mutating func makePod(_ name: String) {
        let object = StormGenerator.object("Pod", name)
        let spec = podSpec(name, isAlone: true).map { "  " + $0 + "\n" }.joined()
        add(
            object: object,
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: storm, labels: {app: \(name)}}
            spec:
            \(spec)
            """)
        makeBehaviour(name, of: object)
    }

    // MARK: Beside workloads

    private mutating func makeCompanions(_ name: String, of owner: String, kind: String) {
        if dice.chance(0.6) {
            let limit = dice.pick(["minAvailable: 1", "minAvailable: 50%", "maxUnavailable: 1", "maxUnavailable: 25%", "maxUnavailable: 0"])
            let policy = dice.chance(0.3) ? "\n  unhealthyPodEvictionPolicy: AlwaysAllow" : ""
            add(
                object: StormGenerator.object("PodDisruptionBudget", name), needs: [.object(owner)],
                """
                apiVersion: policy/v1
                kind: PodDisruptionBudget
                metadata: {name: \(name), namespace: storm}
                spec:
                  \(limit)\(policy)
                  selector: {matchLabels: {app: \(name)}}

                """)
        }
        if dice.chance(0.4) {
            add(
                object: StormGenerator.object("Service", name), needs: [.object(owner)],
                """
                apiVersion: v1
                kind: Service
                metadata: {name: \(name), namespace: storm}
                spec:
                  selector: {app: \(name)}
                  ports: [{name: http, port: 80}]

                """)
        }
        if dice.chance(0.2) {
            add(
                object: StormGenerator.object("HorizontalPodAutoscaler", name), needs: [.object(owner)],
                """
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: \(name), namespace: storm}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: \(kind), name: \(name)}
                  minReplicas: \(dice.number(1...2))
                  maxReplicas: \(dice.number(3...6))
                  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: \(dice.pick([40, 80]))}}}]

                """)
            let cores = dice.pick(["0.2", "0.8", "2"])
            storm.behaviours.insert(
                .init(
                    text:
                        "{selector: {matchLabels: {app: \(name)}}, start: \(dice.number(1...5))s, "
                        + "usage: {cpu: {shared: true, value: \"\(cores)\"}}}", needs: [.object(owner)]), at: 0)
        }
    }

    private mutating func makePriorities() {
        for (name, value) in [("high", 1000), ("low", 10)] {
            add(
                object: "PriorityClass//\(name)",
                """
                apiVersion: scheduling.k8s.io/v1
                kind: PriorityClass
                metadata: {name: \(name)}
                value: \(value)

                """)
        }
    }

    private mutating func makeQuota() {
        add(
            object: StormGenerator.object("ResourceQuota", "quota"),
            """
            apiVersion: v1
            kind: ResourceQuota
            metadata: {name: quota, namespace: storm}
            spec:
              hard: {pods: \(dice.number(3...(isLarge ? 40 : 12))), requests.cpu: \(dice.number(1...8))}

            """)
    }

    private mutating func makeLimits() {
        add(
            object: StormGenerator.object("LimitRange", "limits"),
            """
            apiVersion: v1
            kind: LimitRange
            metadata: {name: limits, namespace: storm}
            spec:
              limits: [{type: Container, defaultRequest: {cpu: 50m, memory: 32Mi}}]

            """)
    }
}
