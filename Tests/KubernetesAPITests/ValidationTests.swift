// Broken manifests: every mistake is named with file, line, field and the API server's words.

import Testing

@testable import KubernetesAPI

/// A manifest with a mistake, and where and how it must be reported.
struct BrokenManifest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// `line: field: message`, as printed after the file's name; the message may go on.
    let finding: String

    init(_ name: String, _ text: String, _ finding: String) {
        testDescription = name
        self.text = text
        self.finding = finding
    }

    /// A container on line 7 on, in a pod.
    static func container(_ name: String, _ fields: String, _ finding: String) -> BrokenManifest {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: i\n    " + fields + "\n"
        return BrokenManifest(name, text, finding)
    }

    /// A field of a pod's spec on line 6.
    static func pod(_ name: String, _ field: String, _ finding: String) -> BrokenManifest {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: i}]\n  " + field + "\n"
        return BrokenManifest(name, text, finding)
    }

    /// A field of a Deployment's spec on line 7.
    static func deployment(
        _ name: String, _ field: String, _ finding: String, selector: String = "{matchLabels: {a: b}}"
    ) -> BrokenManifest {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: d}
            spec:
              template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
              selector: \(selector)
              \(field)
            """
        return BrokenManifest(name, text, finding)
    }

    static func node(_ name: String, _ fields: String, _ finding: String) -> BrokenManifest {
        BrokenManifest(name, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n" + fields + "\n", finding)
    }

    /// The only item of a LimitRange, on line 6.
    static func limitRange(_ name: String, _ item: String, _ finding: String) -> BrokenManifest {
        let text = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\nspec:\n  limits:\n  - \(item)\n"
        return BrokenManifest("limit range: " + name, text, "6: spec.limits[0]." + finding)
    }

    /// A field of the spec of a quota for pods, on line 6.
    static func quota(_ name: String, _ field: String, _ finding: String) -> BrokenManifest {
        let text = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec:\n  hard: {pods: 1}\n  \(field)\n"
        return BrokenManifest("quota: " + name, text, "6: " + finding)
    }

    static let all: [BrokenManifest] = [
        // Files and kinds.
        BrokenManifest("not YAML", "a: [1\nb: 2\n", "2: "),
        BrokenManifest("no object", "- 1\n", "1: is no Kubernetes object"),
        BrokenManifest("no kind", "apiVersion: v1\nmetadata: {name: a}\n", "1: kind: Required value"),
        BrokenManifest("no version", "kind: Pod\nmetadata: {name: a}\n", "1: apiVersion: Required value"),
        BrokenManifest(
            "removed version", "kind: Deployment\napiVersion: extensions/v1beta1\n",
            "2: apiVersion: no matches for kind \"Deployment\" in version \"extensions/v1beta1\": removed in Kubernetes 1.16; use \"apps/v1\""
        ),
        BrokenManifest(
            "wrong group", "apiVersion: v1\nkind: Deployment\n",
            "1: apiVersion: no matches for kind \"Deployment\" in version \"v1\": use \"apps/v1\""),
        BrokenManifest(
            "misspelt kind", "apiVersion: apps/v1\nkind: Deploymnet\n",
            "1: apiVersion: no matches for kind \"Deploymnet\" in version \"apps/v1\""),
        BrokenManifest(
            "no such version", "apiVersion: batch/v2\nkind: Job\n",
            "1: apiVersion: no matches for kind \"Job\" in version \"batch/v2\": use \"batch/v1\""),
        BrokenManifest(
            "duplicate key", "apiVersion: v1\nkind: Pod\nkind: Node\n", "3: key \"kind\" is already set in this mapping, on line 2"),
        // Metadata.
        BrokenManifest(
            "no name", "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels: {a: b}\n",
            "3: metadata.name: Required value: name or generateName is required"),
        BrokenManifest(
            "bad name", "apiVersion: v1\nkind: Node\nmetadata:\n  name: Bad_Name\n",
            "4: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of"),
        BrokenManifest(
            "label is a number", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    tier: 3\n",
            "6: metadata.labels[tier]: invalid type: got \"number\", expected \"string\""),
        BrokenManifest(
            "bad label", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {a/b/c: x}}\n",
            "3: metadata.labels: Invalid value: \"a/b/c\": a valid label key must consist of"),
        BrokenManifest(
            "namespace on a node", "apiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: x}\n",
            "3: metadata.namespace: Forbidden: not allowed on this type"),
        BrokenManifest(
            "bad time", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  creationTimestamp: yesterday\n",
            "5: metadata.creationTimestamp: invalid time"),
        BrokenManifest(
            "two controllers",
            """
            apiVersion: v1
            kind: Namespace
            metadata:
              name: a
              ownerReferences:
              - {apiVersion: v1, kind: Pod, name: x, uid: "1", controller: true}
              - {apiVersion: v1, kind: Pod, name: z, uid: "2", controller: true}
            """,
            "5: metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"1\","
                + "\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"z\",\"uid\":\"2\",\"controller\":true}]: "
                + "Only one reference can have Controller set to true. Found \"true\" in references for Pod/x and Pod/z"),
        // Pods.
        BrokenManifest("no spec", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", "1: spec.containers: Required value"),
        BrokenManifest(
            "no containers", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: []\n",
            "5: spec.containers: Required value"),
        BrokenManifest(
            "container without a name", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - image: i\n",
            "6: spec.containers[0].name: Required value"),
        .pod(
            "restart policy", "restartPolicy: Sometimes",
            "6: spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\""),
        .pod(
            "DNS policy", "dnsPolicy: x",
            "6: spec.dnsPolicy: Unsupported value: \"x\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\""
        ),
        .pod(
            "grace period is a text", "terminationGracePeriodSeconds: soon",
            "6: spec.terminationGracePeriodSeconds: invalid type: got \"string\", expected \"integer\""),
        .pod(
            "deadline", "activeDeadlineSeconds: 0",
            "6: spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
        .pod(
            "init container of the same name", "initContainers: [{name: c, image: i}]",
            "6: spec.initContainers[0].name: Duplicate value: \"c\""),
        .pod(
            "toleration", "tolerations: [{key: k, operator: Foo}]",
            "6: spec.tolerations[0].operator: Unsupported value: \"Foo\": supported values: \"Equal\", \"Exists\""),
        .pod(
            "skew", "topologySpreadConstraints: [{maxSkew: 0, topologyKey: z, whenUnsatisfiable: DoNotSchedule}]",
            "6: spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"),
        .pod(
            "node affinity",
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: k, operator: In}]}]}}}",
            "6: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: "
                + "Required value: must be specified when `operator` is 'In' or 'NotIn'"),
        .pod(
            "pod affinity without topology",
            "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}",
            "6: spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty"),
        .pod("volumes of the same name", "volumes: [{name: v}, {name: v}]", "6: spec.volumes[1].name: Duplicate value: \"v\""),
        .container(
            "no such volume", "volumeMounts: [{name: v, mountPath: /v}]", "8: spec.containers[0].volumeMounts[0].name: Not found: \"v\""),
        .container(
            "two mounts at one place", "volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]",
            "8: spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"),
        .container(
            "way out of a volume", "volumeMounts: [{name: v, mountPath: /v, subPath: ../x}]",
            "8: spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'"),
        .container(
            "variable of what", "env: [{name: A, valueFrom: {}}]",
            "8: spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`,"),
        .container(
            "variable with an equals sign", "env: [{name: a=b, value: x}]",
            "8: spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable"),
        .container(
            "variable of an unknown field", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.foo}}}]",
            "8: spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.foo\": error converting fieldPath: "
                + "field label not supported: spec.foo"),
        .container(
            "probe of no port", "livenessProbe: {tcpSocket: {port: 0}}",
            "8: spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        .container(
            "probe without a command", "livenessProbe: {exec: {}}",
            "8: spec.containers[0].livenessProbe.exec.command: Required value"),
        .container(
            "hook without a handler", "lifecycle: {preStop: {}}",
            "8: spec.containers[0].lifecycle.preStop: Required value: must specify a handler type"),
        .container(
            "negative user", "securityContext: {runAsUser: -1}",
            "8: spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"),
        .container(
            "pages by halves", "resources: {limits: {cpu: 1, hugepages-2Mi: 3Mi}}",
            "8: spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of "
                + "hugepages-2Mi"),
        .pod(
            "init container with a hook", "initContainers: [{name: i, image: i, lifecycle: {preStop: {exec: {command: [a]}}}}]",
            "6: spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"),
        .pod(
            "no DNS at all", "dnsPolicy: None",
            "5: spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        .pod(
            "value that no node has",
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: k, operator: In, values: [a b]}]}]}}}",
            "6: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values[0]: "
                + "Invalid value: \"a b\": a valid label must be an empty string or consist of"),
        .pod(
            "file in place of a volume", "volumes: [{name: v, hostPath: {path: /v, type: X}}]",
            "6: spec.volumes[0].hostPath.type: Unsupported value: \"X\": supported values: \"\", \"BlockDevice\", \"CharDevice\","),
        .pod(
            "volume of two kinds", "volumes: [{name: v, configMap: {name: a}, emptyDir: {}}]",
            "6: spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type"),
        .container("variable without a name", "env: [{value: x}]", "8: spec.containers[0].env[0].name: Required value"),
        .container(
            "negative request", "resources: {requests: {cpu: -1}}",
            "8: spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0"),
        .container(
            "no quantity", "resources: {requests: {cpu: lots}}",
            "8: spec.containers[0].resources.requests[cpu]: quantities must match the regular expression"),
        .container(
            "absurd quantity", "resources: {requests: {memory: \"1e400\"}}",
            "8: spec.containers[0].resources.requests[memory]: Invalid value: \"10e399\": must be less than or equal to"),
        .container(
            "request above limit", "resources: {limits: {cpu: 1}, requests: {cpu: 2}}",
            "8: spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"),
        .container(
            "half a GPU", "resources: {limits: {nvidia.com/gpu: 500m}}",
            "8: spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer"),
        .container(
            "unknown resource", "resources: {limits: {gpu: 1}}",
            "8: spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for containers"),
        .container(
            "port", "ports: [{containerPort: 70000}]",
            "8: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
        .container(
            "probe without a handler", "livenessProbe: {}",
            "8: spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        // Deployments.
        .deployment("negative replicas", "replicas: -1", "7: spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        .deployment("replicas beyond 32 bits", "replicas: 2147483648", "7: spec.replicas: number 2147483648 is out of range"),
        .deployment(
            "a thousand million replicas", "replicas: 1000000000",
            "7: spec.replicas: Invalid value: 1000000000: must be less than or equal to 1000000"),
        .deployment("replicas in quotes", "replicas: \"3\"", "7: spec.replicas: invalid type: got \"string\", expected \"integer\""),
        .deployment(
            "selector that misses", "paused: false",
            "5: spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`",
            selector: "{matchLabels: {a: c}}"),
        .deployment("no selector", "paused: false", "1: spec.selector: Required value", selector: "null"),
        .deployment(
            "selector that cannot be asked", "paused: false",
            "6: spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Foo\"}]}: invalid label selector",
            selector: "{matchExpressions: [{key: a, operator: Foo}]}"),
        BrokenManifest(
            "no template", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}}\n",
            "4: spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"),
        .deployment(
            "empty selector", "paused: false", "6: spec.selector: Invalid value: {}: empty selector is invalid for deployment",
            selector: "{}"),
        .deployment(
            "no room to roll", "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}",
            "7: spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0"),
        .deployment(
            "surge is no percentage", "strategy: {rollingUpdate: {maxSurge: x}}",
            "7: spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%'"
        ),
        .deployment(
            "deadline before ready", "minReadySeconds: 600",
            "4: spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"),
        // Policies.
        BrokenManifest(
            "budget of both kinds",
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: 1, maxUnavailable: 50%}\n",
            "4: spec: Invalid value: {\"MinAvailable\":1,\"Selector\":null,\"MaxUnavailable\":\"50%\",\"UnhealthyPodEvictionPolicy\":null}: "
                + "minAvailable and maxUnavailable cannot be both set"),
        .limitRange("type", "{type: X}", "type: Invalid value: \"X\": must be a standard limit type or fully qualified"),
        .limitRange(
            "unknown resource", "{type: Pod, max: {gpu: 1}}",
            "max[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully qualified"),
        .limitRange(
            "ratio beyond the bounds", "{type: Container, min: {cpu: 1}, max: {cpu: 2}, maxLimitRequestRatio: {cpu: 3}}",
            "maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 2.000000"),
        .limitRange(
            "part of a GPU", "{type: Container, default: {nvidia.com/gpu: 2}, defaultRequest: {nvidia.com/gpu: 1}}",
            "defaultRequest[nvidia.com/gpu]: Invalid value: \"1\": default value 2 must equal to defaultRequest value 1 in nvidia.com/gpu"),
        .quota(
            "scopes that exclude each other",
            "scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: Exists}, {scopeName: NotBestEffort, operator: Exists}]}",
            "spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes"),
        .quota(
            "scope without values", "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}",
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn'"),
        BrokenManifest(
            "finalizer without a domain", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, finalizers: [orphan, x]}\n",
            "3: metadata.finalizers[1]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified"),
        // Nodes and priorities.
        .node(
            "taint effect", "spec: {taints: [{key: a, effect: X}]}",
            "4: spec.taints[0].effect: Unsupported value: \"X\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\""),
        .node("taint without effect", "spec: {taints: [{key: a}]}", "4: spec.taints[0].effect: Required value"),
        .node(
            "taint twice", "spec:\n  taints:\n  - {key: a, effect: NoSchedule}\n  - {key: a, effect: NoSchedule, value: b}",
            "7: spec.taints[1]: Duplicate value: {\"Key\":\"a\",\"Value\":\"b\",\"Effect\":\"NoSchedule\",\"TimeAdded\":null}: "
                + "taints must be unique by key and effect pair"),
        .node(
            "two ranges of one family", "spec: {podCIDRs: [10.0.0.0/24, 10.0.1.0/24]}",
            "4: spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one CIDR for each IP family"),
        .node(
            "negative capacity", "status: {capacity: {cpu: -8}}",
            "4: status.capacity.cpu: Invalid value: \"-8\": must be greater than or equal to 0"),
        .node(
            "more than there is", "status: {capacity: {cpu: 8}, allocatable: {cpu: 9}}",
            "4: status.allocatable.cpu: Invalid value: \"9\": must be less than or equal to capacity of 8"),
        BrokenManifest(
            "reserved priority class", "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: system-x}\nvalue: 5\n",
            "3: metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class"
        ),
    ]
}

@Suite struct ValidationTests {
    @Test(arguments: BrokenManifest.all + BrokenManifest.lifecycles)
    func brokenManifestsAreRefusedWithFileLineAndField(_ broken: BrokenManifest) {
        var loader = ManifestLoader()
        let result = loader.load(broken.text, file: "m.yaml")
        let errors = result.diagnostics.filter { $0.severity == .error }.map(\.description)
        #expect(errors.contains { $0.hasPrefix("m.yaml:" + broken.finding) }, "\(errors)")
        #expect(result.objects.isEmpty)
    }

    @Test func aNameGivenTwiceIsReportedWithBothPlaces() {
        let one = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
        let result = ManifestLoader.load(files: [("a.yaml", Array(one.utf8)), ("b.yaml", Array(("---\n" + one).utf8))])
        #expect(
            result.diagnostics.map(\.description) == [
                "b.yaml:2: metadata.name: Duplicate value: \"a\": Namespace a is already defined at a.yaml:1"
            ])
    }

    @Test func objectsOfDifferentKindsMayShareAName() {
        let text = "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
        #expect(ManifestLoader.load(files: [("a.yaml", Array(text.utf8))]).diagnostics == [])
    }

    @Test(arguments: ["example.com/v1", "scheduling.k8s.io/v1alpha3", "autoscaling/v1"])
    func kindsWithoutBehaviourAreCarriedAlong(_ apiVersion: String) {
        let kind = apiVersion == "autoscaling/v1" ? "Scale" : "Anything"
        let text = "apiVersion: \(apiVersion)\nkind: \(kind)\nmetadata: {name: a}\nspec: {b: [c]}\n"
        var loader = ManifestLoader()
        let result = loader.load(text, file: "a.yaml")
        #expect(result.diagnostics == [])
        #expect(result.objects.map(\.object.kindName) == [kind])
    }

    @Test func ownersInACycleAreReported() {
        func object(_ name: String, ownedBy owner: String) -> String {
            """
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: \(name)
              uid: uid-\(name)
              ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: \(owner), uid: uid-\(owner)}]

            """
        }
        let text = object("a", ownedBy: "b") + object("b", ownedBy: "c") + object("c", ownedBy: "a") + object("d", ownedBy: "a")
        let result = ManifestLoader.load(files: [("a.yaml", Array(text.utf8))])
        #expect(
            result.diagnostics.map(\.description) == [
                "a.yaml:21: metadata.ownerReferences: Invalid value: owners must not form a cycle: ConfigMap default/a is owned by "
                    + "ConfigMap default/b is owned by ConfigMap default/c is owned by ConfigMap default/a"
            ])
    }

    @Test func everyMistakeOfAFileIsFoundInOneRun() {
        let text = BrokenManifest.all.filter { $0.testDescription.contains("replicas") }.map(\.text).joined(separator: "\n---\n")
        var loader = ManifestLoader()
        #expect(loader.load(text, file: "m.yaml").diagnostics.count == 4)
    }
}
