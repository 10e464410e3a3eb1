// Reading the workloads and policies of every kind, with the API server's defaults.

import DiscreteEvents
import Testing

@testable import KubernetesAPI

@Suite("Workloads and policies")
struct WorkloadDecodingTests {
    private static let containers = "containers: [{name: c, image: i}]"
    private static let template = "{metadata: {labels: {a: b}}, spec: {\(containers)}}"
    private static let endingTemplate = "{metadata: {labels: {a: b}}, spec: {restartPolicy: Never, \(containers)}}"

    /// The object a manifest makes; it must be without findings.
    private func object<Object: KubernetesObject>(_: Object.Type, _ text: String) throws -> Object {
        var loader = ManifestLoader()
        let result = loader.load(text, file: "a.yaml")
        #expect(result.diagnostics == [])
        return try #require(result.objects.first.flatMap { Object.cast($0.object) }).value
    }

    private func problems(_ text: String) -> [String] {
        var loader = ManifestLoader()
        return loader.load(text, file: "a.yaml").diagnostics.map { $0.field + ": " + $0.message }
    }

    private func job(_ spec: String) -> String { "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {\(spec)}}" }

    @Test func `a job runs one pod and fails after six failures unless it says otherwise`() throws {
        let plain = try object(Job.self, job("template: \(Self.endingTemplate)"))
        #expect(plain.spec.parallelism == 1 && plain.spec.completions == 1 && plain.spec.backoffLimit == 6)
        #expect(plain.spec.podReplacementPolicy == .terminatingOrFailed)
        #expect(plain.metadata.labels == ["a": "b"])
        let queue = try object(Job.self, job("parallelism: 3, template: \(Self.endingTemplate)"))
        #expect(queue.spec.parallelism == 3 && queue.spec.completions == nil)
        let indexed = try object(
            Job.self,
            job(
                """
                completionMode: Indexed, completions: 5, backoffLimitPerIndex: 1, maxFailedIndexes: 2, template: \(Self.endingTemplate),
                podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]},
                {action: FailIndex, onExitCodes: {operator: In, values: [3, 4]}}]},
                successPolicy: {rules: [{succeededIndexes: "0,2-3", succeededCount: 2}]}
                """))
        #expect(indexed.spec.parallelism == 1 && indexed.spec.backoffLimit == .max)
        #expect(indexed.spec.podReplacementPolicy == .failed)
        #expect(indexed.spec.podFailurePolicy?.rules[0].onPodConditions == [.init(type: .disruptionTarget)])
        #expect(indexed.spec.podFailurePolicy?.rules[1].onExitCodes == .init(.isIn, [3, 4]))
        #expect(indexed.spec.successPolicy == [SuccessPolicyRule(succeededIndexes: "0,2-3", succeededCount: 2)])
    }

    @Test(
        arguments: [
            (
                "template: {spec: {containers: [{name: c, image: i}]}}",
                "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""
            ),
            ("maxFailedIndexes: 1, template: TEMPLATE", "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"),
            (
                "completionMode: Indexed, completions: 2, template: TEMPLATE, successPolicy: {rules: [{succeededIndexes: \"0,7\"}]}",
                "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0,7\": error parsing succeededIndexes: too large index: \"7\""
            ),
            (
                "template: TEMPLATE, podFailurePolicy: {rules: [{action: Ignore}]}",
                "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"
            ),
            (
                "template: TEMPLATE, podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: NotIn, values: [5, 5, 1]}}]}",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [5,5,1]: must be ordered"
            ),
            (
                "template: TEMPLATE, managedBy: x",
                "spec.managedBy: Invalid value: \"x\": must be a domain-prefixed path (such as \"acme.io/foo\")"
            ),
        ])
    func `a job that contradicts itself is refused`(spec: String, problem: String) {
        #expect(problems(job(spec.replacing("TEMPLATE", with: Self.endingTemplate))).contains(problem))
    }

    @Test func `a CronJob keeps its jobs' template as it is`() throws {
        let cron = try object(
            CronJob.self,
            """
            {apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: "*/5 * * * *", timeZone: Europe/Paris,
            jobTemplate: {metadata: {labels: {x: y}}, spec: {template: \(Self.endingTemplate)}}},
            status: {active: [{apiVersion: batch/v1, kind: Job, namespace: default, name: c-1, uid: "7"}]}}
            """)
        #expect(cron.spec.concurrencyPolicy == .allow && cron.spec.successfulJobsHistoryLimit == 3)
        #expect(cron.spec.failedJobsHistoryLimit == 1)
        #expect(cron.spec.jobTemplate.labels == ["x": "y"] && cron.spec.jobTemplate.spec.parallelism == nil)
        #expect(cron.status.active.map(\.name) == ["c-1"])
    }

    @Test func `sets of pods get their update strategies`() throws {
        let daemons = try object(
            DaemonSet.self,
            """
            {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: \(Self.template)}}
            """)
        #expect(daemons.spec.updateStrategy == .rollingUpdate(maxSurge: .int(0), maxUnavailable: .int(1)))
        let set = try object(
            StatefulSet.self,
            """
            {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}, spec: {selector: {matchLabels: {a: b}}, template: \(Self.template),
            podManagementPolicy: Parallel, updateStrategy: {rollingUpdate: {partition: 2, maxUnavailable: 50%}}, ordinals: {start: 5},
            persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}, minReadySeconds: 3}}
            """)
        #expect(set.spec.podManagementPolicy == .parallel && set.spec.updateStrategy == .rollingUpdate(partition: 2))
        #expect(set.spec.firstOrdinal == 5 && set.spec.claimRetention.whenDeleted == .delete && set.spec.minReadySeconds == 3)
        let wrong = """
            {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: \(Self.template),
            updateStrategy: {rollingUpdate: {maxSurge: 1}}}}
            """
        #expect(
            problems(wrong) == [
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"
            ])
    }

    @Test func `a controller revision holds the template it was made of`() throws {
        let revision = try object(
            ControllerRevision.self,
            """
            {apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: r}, revision: 3,
            data: {spec: {template: {$patch: replace, metadata: {creationTimestamp: null, labels: {a: b}}, spec: {\(Self.containers)}}}}}
            """)
        #expect(revision.revision == 3)
        #expect(revision.template?.labels == ["a": "b"])
        #expect(revision.template?.spec.value.containers.map(\.name) == ["c"])
    }

    @Test func `an endpoint slice names pods`() throws {
        let slice = try object(
            EndpointSlice.self,
            """
            {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s}, addressType: IPv4, ports: [{port: 80, protocol: TCP}],
            endpoints: [{addresses: [10.0.0.1], conditions: {ready: true, serving: true, terminating: false}, nodeName: n, zone: z,
            targetRef: {kind: Pod, namespace: default, name: p, uid: "1"}, hints: {forZones: [{name: z}]}}]}
            """)
        #expect(slice.endpoints[0].pod?.key == NamespacedName(namespace: "default", name: "p"))
        #expect(slice.endpoints[0].zoneHints == ["z"] && slice.endpoints[0].ready == true)
    }

    @Test func `autoscalers of both versions mean the same`() throws {
        let second = try object(
            HorizontalPodAutoscaler.self,
            """
            {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, spec: {maxReplicas: 3,
            scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web},
            metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}}
            """)
        let first = try object(
            HorizontalPodAutoscaler.self,
            """
            {apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: h}, spec: {maxReplicas: 3,
            scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, targetCPUUtilizationPercentage: 70}}
            """)
        #expect(first == second)
        #expect(second.spec.minReplicas == 1)
    }

    @Test func `a service is completed but for its addresses`() throws {
        let service = try object(
            Service.self,
            """
            {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: LoadBalancer, sessionAffinity: ClientIP,
            publishNotReadyAddresses: true, trafficDistribution: PreferSameZone, ports: [{port: 80}]}}
            """)
        #expect(service.sessionTimeoutSeconds == 10_800 && service.externalTrafficPolicy == .cluster)
        #expect(service.internalTrafficPolicy == .cluster && service.ports[0].targetPort == .int(80))
        #expect(service.publishNotReadyAddresses && service.trafficDistribution == "PreferSameZone")
    }

    @Test(
        arguments: [
            (
                "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {foo: 1}}}",
                [
                    "spec.hard[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified",
                    "spec.hard[foo]: Invalid value: \"foo\": must be a standard resource for quota",
                ]
            ),
            (
                "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {requests.cpu: 1}, scopes: [BestEffort]}}",
                ["spec.scopes: Invalid value: [\"BestEffort\"]: unsupported scope applied to resource"]
            ),
            (
                "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, max: {cpu: 1}, min: {cpu: 2}}]}}",
                [
                    "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
                    "spec.limits[0].defaultRequest[cpu]: Invalid value: \"1\": min value 2 is greater than default request value 1",
                    "spec.limits[0].default[cpu]: Invalid value: \"2\": min value 2 is greater than default value 1",
                ]
            ),
            (
                "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p}, spec: {minAvailable: 101%}}",
                ["spec.minAvailable: Invalid value: \"101%\": must not be greater than 100%"]
            ),
        ])
    func `policies that cannot hold are refused`(manifest: String, expected: [String]) {
        #expect(problems(manifest) == expected)
    }
}
