// Reading manifests and dumps: every kind, lists, times, shared specs, digests of what is not modelled.

import DiscreteEvents
import Testing

@testable import KubernetesAPI

@Suite struct DecodingTests {
    private func load(_ text: String, options: ManifestLoader.Options = .init()) -> ManifestLoader.Result {
        var loader = ManifestLoader(options: options)
        return loader.load(text, file: "a.yaml")
    }

    private func pod(_ text: String, options: ManifestLoader.Options = .init()) throws -> Pod {
        let result = load(text, options: options)
        #expect(result.diagnostics == [])
        guard case .pod(let pod)? = result.objects.first?.object else { throw WrongKind() }
        return pod.value
    }

    private func deployment(_ text: String) throws -> Deployment {
        let result = load(text)
        #expect(result.diagnostics == [])
        guard case .deployment(let deployment)? = result.objects.first?.object else { throw WrongKind() }
        return deployment.value
    }

    private struct WrongKind: Error {}

    // MARK: Kinds

    @Test func aPodOfARunningClusterIsReadWhole() throws {
        let origin: Int64 = 1_795_000_000
        let pod = try pod(Sample.runningPod, options: .init(origin: origin))
        #expect(pod.metadata.key == NamespacedName(namespace: "shop", name: "web-5d4-x7k2p"))
        #expect(pod.metadata.resourceVersion == 616)
        #expect(pod.metadata.controllerReference?.name == "web-5d4")
        #expect(pod.nodeName == "node-5")
        #expect(pod.status.phase == .running)
        #expect(pod.isReady)
        #expect(pod.status.startTime == SimulatedTime(nanoseconds: (1_795_261_483 - origin) * 1_000_000_000))
        #expect(pod.status.containerStatuses.first?.restartCount == 2)
        #expect(pod.status.containerStatuses.first?.lastTermination?.reason == "OOMKilled")
        let spec = pod.spec.value
        #expect(spec.priority == 100_000)
        #expect(spec.containers[0].resources.requests[.cpu] == Quantity(milli: 250))
        #expect(spec.containers[0].ports == [ContainerPort(name: "http", containerPort: 8080)])
        #expect(spec.containers[0].readinessProbe?.periodSeconds == 5)
        #expect(spec.initContainers[0].isSidecar)
        #expect(spec.tolerations[0].tolerationSeconds == 300)
        #expect(spec.affinity.requiredNodeTerms?.terms[0].matchExpressions[0].operator == .in)
        #expect(spec.affinity.preferredPodAntiAffinity[0].weight == 100)
        #expect(spec.topologySpreadConstraints[0].minDomains == 2)
        // The volume with the token, which admission adds under a random name, is left out.
        #expect(spec.volumes.map(\.name) == ["data", "scratch"])
        #expect(spec.volumes[0].source == .persistentVolumeClaim(name: "web-data", readOnly: true))
    }

    @Test func aNodeIsReadWithTaintsAndImages() throws {
        let result = load(Sample.node)
        #expect(result.diagnostics == [])
        guard case .node(let node)? = result.objects.first?.object else { throw WrongKind() }
        #expect(node.value.spec.unschedulable)
        #expect(node.value.spec.taints == [Taint(key: "dedicated", value: "batch", effect: .noSchedule)])
        #expect(node.value.status.allocatable[.memory] == Quantity(bytes: 32 << 30))
        #expect(node.value.status.images == [ContainerImage(names: ["nginx:1.27"], sizeBytes: 67_000_000)])
        #expect(node.value.isReady)
        #expect(node.value.zone == "a")
    }

    @Test func aDeploymentIsReadWithItsStrategy() throws {
        let read = try deployment(
            Sample.deployment(strategy: "{rollingUpdate: {maxSurge: 1, maxUnavailable: 10%}}", extra: "paused: true"))
        #expect(read.spec.strategy == .rollingUpdate(maxSurge: .int(1), maxUnavailable: .percent(10)))
        #expect(read.spec.paused)
        #expect(try deployment(Sample.deployment(strategy: "{type: Recreate}")).spec.strategy == .recreate)
    }

    @Test func listsOfAllKindsAreTakenApartInOrder() {
        let result = load(
            """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Namespace, metadata: {name: shop}, status: {phase: Terminating}}
            - apiVersion: scheduling.k8s.io/v1
              kind: PriorityClass
              metadata: {name: gold}
              value: 1000
              description: first
              preemptionPolicy: Never
            - {apiVersion: v1, kind: Event, metadata: {name: e.1}, involvedObject: {kind: Pod, name: p}, reason: Killing, type: Warning}
            - {apiVersion: v1, kind: ServiceAccount, metadata: {name: db, namespace: shop}, automountServiceAccountToken: false}
            - {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: disk}}
            ---
            apiVersion: v1
            kind: NodeList
            items:
            - {metadata: {name: n1}, status: {allocatable: {cpu: "4"}}}
            """)
        #expect(result.diagnostics == [])
        #expect(
            result.objects.map(\.object.kindName) == ["Namespace", "PriorityClass", "Event", "ServiceAccount", "ClusterRole", "Node"])
        #expect(result.objects.map(\.line) == [4, 5, 11, 12, 13, 18])
        #expect(result.objects.map(\.object.metadata.namespace) == ["", "", "default", "shop", "", ""])
        if case .namespace(let namespace) = result.objects[0].object { #expect(namespace.value.isTerminating) }
        if case .event(let event) = result.objects[2].object { #expect(event.value.severity == .warning) }
    }

    @Test func jsonIsReadLikeYAML() throws {
        var loader = ManifestLoader()
        let json = #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i:1"}]}}"#
        let result = loader.load(json, file: "p.json")
        #expect(result.diagnostics == [])
        #expect(result.objects.map(\.object.key) == [ObjectKey(.pod, namespace: "default", "p")])
    }

    @Test func timesBeforeTheOriginAreNegative() throws {
        let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, creationTimestamp: \"2026-11-21T11:44:36Z\"}\n"
        let result = load(text, options: .init(origin: 1_795_261_486))
        #expect(result.objects[0].object.metadata.creationTimestamp == SimulatedTime(nanoseconds: -10_000_000_000))
    }

    // MARK: Shared specs

    @Test func equalPodSpecsAreOneValue() throws {
        var loader = ManifestLoader()
        var text = ""
        for number in 0..<50 {
            text += "---\n" + Sample.pod(name: "p\(number)", nodeName: number % 2 == 0 ? "n\(number)" : nil, token: String(10000 + number))
        }
        // The same spec in another order and another notation, in another file.
        let other = """
            kind: Pod
            apiVersion: v1
            metadata: {name: other}
            spec: {containers: [{image: "web:1", resources: {requests: {cpu: "0.1"}}, name: c}]}
            """
        let objects = loader.load(text, file: "a.yaml").objects + loader.load(other, file: "b.yaml").objects
        let specs = objects.compactMap { loaded in if case .pod(let pod) = loaded.object { pod.value.spec } else { nil } }
        #expect(specs.count == 51)
        #expect(loader.podSpecCount == 1)
        #expect(specs.allSatisfy { $0 === specs[0] })
        if case .pod(let pod) = objects[4].object { #expect(pod.value.nodeName == "n4") }
        if case .pod(let pod) = objects[5].object { #expect(pod.value.nodeName == nil) }
    }

    @Test func findingsAreReportedForEveryPodThatHasThem() {
        let text = Sample.pod(name: "a", extra: "    tty: 3\n") + "---\n" + Sample.pod(name: "b", extra: "    tty: 3\n")
        let result = load(text)
        #expect(result.objects.isEmpty)
        #expect(result.diagnostics.map(\.line) == [12, 25])
    }

    // MARK: What is not modelled

    @Test(
        arguments: [
            ("command: [sh]", "command: [bash]"), ("command: [a, b]", "command: [b, a]"),
            ("env: [{name: A, value: x}]", "env: [{name: A, value: z}]"), ("env: [{name: A, value: x}]", "env: [{name: B, value: x}]"),
            ("securityContext: {runAsUser: 0}", "workingDir: /"),
            ("livenessProbe: {tcpSocket: {port: 1}}", "livenessProbe: {tcpSocket: {port: 2}}"),
            ("lifecycle: {preStop: {sleep: {seconds: 5}}}", "lifecycle: {postStart: {sleep: {seconds: 5}}}"),
        ])
    func templatesThatDifferInAnUnmodelledFieldDiffer(_ one: String, _ other: String) throws {
        let first = try deployment(Sample.deployment(container: one))
        let second = try deployment(Sample.deployment(container: other))
        let plain = try deployment(Sample.deployment())
        #expect(first.spec.template != second.spec.template)
        #expect(first.spec.template != plain.spec.template)
    }

    @Test(
        arguments: [
            "terminationMessagePath: /dev/termination-log", "terminationMessagePolicy: File", "command: []", "securityContext: {}",
            "stdin: false", "env: null", "ports: []", "resources: {}", "imagePullPolicy: IfNotPresent",
        ])
    func spellingOutADefaultChangesNothing(_ field: String) throws {
        #expect(try deployment(Sample.deployment(container: field)).spec.template == deployment(Sample.deployment()).spec.template)
    }

    @Test func theOrderOfFieldsChangesNothing() throws {
        let one = try deployment(
            Sample.deployment(container: "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name, apiVersion: v1}}}]"))
        let other = try deployment(Sample.deployment(container: "env: [{valueFrom: {fieldRef: {fieldPath: metadata.name}}, name: A}]"))
        #expect(one.spec.template == other.spec.template)
    }

    @Test(
        arguments: [
            ("contaners: []", "spec.template.spec.contaners", 11),
            ("dnsConfig: {nameserver: [x]}", "spec.template.spec.dnsConfig.nameserver", 11),
            ("securityContext: {runAsUsr: 1}", "spec.template.spec.securityContext.runAsUsr", 11),
        ])
    func unknownFieldsAreWarnedOf(_ field: String, _ path: String, _ line: Int) throws {
        let result = load(Sample.deployment(pod: field))
        let warning = try #require(result.diagnostics.first)
        #expect(result.diagnostics.count == 1)
        #expect(warning.severity == .warning)
        #expect(warning.field == path)
        #expect(warning.line == line)
        #expect(warning.message.hasPrefix("unknown field"))
        #expect(result.objects.count == 1)
    }

    // MARK: Defaults

    @Test(
        arguments: [
            ("web:1.2", ImagePullPolicy.ifNotPresent), ("web", .always), ("web:latest", .always), ("host:5000/web", .always),
            ("host:5000/web:1", .ifNotPresent), ("web@sha256:12", .ifNotPresent), ("web:latest@sha256:12", .always),
        ])
    func thePullPolicyFollowsTheTag(_ image: String, _ policy: ImagePullPolicy) throws {
        let pod = try pod(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: \"\(image)\"}]}\n")
        #expect(pod.spec.value.containers[0].imagePullPolicy == policy)
    }

    @Test func aPodGetsTheDefaultsOfTheAPIServer() throws {
        let pod = try pod(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              hostNetwork: true
              containers:
              - name: c
                image: web:1
                ports: [{containerPort: 80}]
                resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}
                livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 0}
            """)
        let spec = pod.spec.value
        #expect(pod.metadata.namespace == "default")
        #expect(spec.schedulerName == "default-scheduler")
        #expect(spec.restartPolicy == .always)
        #expect(spec.terminationGracePeriodSeconds == 30)
        #expect(spec.containers[0].ports == [ContainerPort(containerPort: 80, hostPort: 80)])
        #expect(spec.containers[0].resources.requests == [.cpu: Quantity(milli: 500), .memory: Quantity(bytes: 1 << 30)])
        #expect(spec.containers[0].livenessProbe?.timeoutSeconds == 1)
        #expect(spec.containers[0].livenessProbe?.failureThreshold == 3)
    }

    @Test func aDeploymentGetsTheDefaultsOfTheAPIServer() throws {
        let spec = try deployment(Sample.deployment()).spec
        #expect(spec.replicas == 1)
        #expect(spec.revisionHistoryLimit == 10)
        #expect(spec.progressDeadlineSeconds == 600)
        #expect(spec.strategy == .rollingUpdate(maxSurge: .percent(25), maxUnavailable: .percent(25)))
    }

    @Test(
        arguments: [
            ("{limits: {cpu: 2}}", "{requests: {cpu: 300m}}", ["cpu": "300m"]),
            ("{limits: {cpu: 2, memory: 1Gi}}", "{requests: {cpu: 300m}}", ["cpu": "300m", "memory": "1Gi"]),
            ("{limits: {cpu: 2}, requests: {cpu: 1}}", "{requests: {cpu: 300m, memory: 5Mi}}", ["cpu": "1", "memory": "5Mi"]),
        ])
    func podLevelRequestsComeFromContainersOrLimits(_ level: String, _ container: String, _ expected: [String: String]) throws {
        let pod = try pod(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              resources: \(level)
              containers: [{name: c, image: i, resources: \(container)}]
            """)
        let requests = try #require(pod.spec.value.resources?.requests)
        #expect(Dictionary(uniqueKeysWithValues: requests.map { ($0.name.rawValue, $0.quantity.description) }) == expected)
    }

    @Test func storedObjectsAreTakenAsTheyAre() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {containers: [{name: c, resources: {limits: {cpu: 1}}}]}
            """
        let pod = try pod(text, options: .stored)
        #expect(pod.metadata.namespace == "")
        #expect(pod.spec.value.schedulerName == "")
        #expect(pod.spec.value.containers[0].resources.requests.isEmpty)
        #expect(pod.spec.value.containers[0].imagePullPolicy == nil)
    }

    @Test func podGroupsAreReadAndBelongToTheDefaultNamespace() throws {
        let text = """
            apiVersion: scheduling.x-k8s.io/v1alpha1
            kind: PodGroup
            metadata: {name: gang}
            spec: {minMember: 3, minResources: {cpu: "6"}, scheduleTimeoutSeconds: 10}
            """
        let result = load(text)
        #expect(result.diagnostics == [])
        let object = try #require(result.objects.first.flatMap { Unstructured.cast($0.object) }).value
        #expect(object.metadata.namespace == "default" && object.podGroup?.minMember == 3)
        #expect(object.podGroup?.minResources == [.cpu: Quantity(6)] && object.podGroup?.scheduleTimeoutSeconds == 10)
        let broken = load(text.replacing("minMember: 3", with: "minMember: many"))
        #expect(broken.objects.isEmpty && broken.diagnostics.first?.field == "spec.minMember" && broken.diagnostics.first?.line == 4)
        // Groups of others are none of ours.
        let other = load(text.replacing("scheduling.x-k8s.io/v1alpha1", with: "scheduling.volcano.sh/v1beta1"))
        #expect(other.objects.first.flatMap { Unstructured.cast($0.object) }?.value.podGroup == nil)
    }
}
