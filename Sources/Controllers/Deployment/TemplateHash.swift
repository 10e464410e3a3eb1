// pod-template-hash: names a ReplicaSet after its template.

import APIServer
import KubernetesAPI

/// The hash of a pod template, in the alphabet of Kubernetes' names. Templates that differ in anything differ in it.
///
/// As in Kubernetes it is FNV-1a of 32 bits over a printed form of the template, with the Deployment's collision count
/// appended. The printed form is our own (Kubernetes prints Go structs), so the letters differ from those of a real cluster;
/// they are the same in every run, on every machine.
package func podTemplateHash(_ template: PodTemplate, collisions: Int32?) -> String {
    var text = CanonicalText()
    text.add(template)
    if let collisions { text.add("collisions", Int64(collisions)) }
    return NameGeneration.safeEncode(String(FNV.hash32a(text.bytes)))
}

/// Whether two templates are the same but for the hash label, which a Deployment's own template does not have.
package func areEqualIgnoringHash(_ left: PodTemplate, _ right: PodTemplate) -> Bool {
    guard left.labels.equals(right.labels, ignoring: DeploymentAnnotations.podTemplateHash) else { return false }
    var left = left
    left.labels = right.labels
    return left == right
}

/// An unambiguous text of a template: every field with its name, texts with their length, in the order of declaration.
private struct CanonicalText {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ name: String, _ value: String) {
        guard !value.isEmpty else { return }
        bytes += "\(name)=\(value.utf8.count):\(value);".utf8
    }

    mutating func add(_ name: String, _ value: Int64) { bytes += "\(name)=\(value);".utf8 }
    mutating func add(_ name: String, _ value: Int64?) { if let value { add(name, value) } }
    mutating func add(_ name: String, _ value: Int32?) { if let value { add(name, Int64(value)) } }
    mutating func add(_ name: String, _ value: Bool) { if value { bytes += "\(name);".utf8 } }
    mutating func add(_ name: String, _ values: [String]) { list(name, values) { $0.add("", $1) } }
    mutating func add(_ name: String, digest: UInt64) { if digest != 0 { bytes += "\(name)=\(digest);".utf8 } }

    mutating func list<Element>(_ name: String, _ values: some Collection<Element>, _ add: (inout CanonicalText, Element) -> Void) {
        guard !values.isEmpty else { return }
        group(name) { text in
            for value in values { text.group("") { add(&$0, value) } }
        }
    }

    mutating func group(_ name: String, _ body: (inout CanonicalText) -> Void) {
        bytes += "\(name){".utf8
        body(&self)
        bytes += "}".utf8
    }

    mutating func add(_ name: String, _ labels: Labels) {
        list(name, labels) {
            $0.add("k", $1.key)
            $0.add("v", $1.value)
        }
    }

    mutating func add(_ name: String, _ resources: ResourceList) {
        list(name, resources) {
            $0.add("r", $1.name.rawValue)
            $0.add("q", $1.quantity.description)
        }
    }

    mutating func add(_ name: String, _ requirements: ResourceRequirements) {
        group(name) {
            $0.add("requests", requirements.requests)
            $0.add("limits", requirements.limits)
        }
    }

    mutating func add(_ name: String, _ selector: LabelSelector?) {
        guard let selector else { return }
        group(name) {
            $0.add("matchLabels", selector.matchLabels)
            $0.list("matchExpressions", selector.matchExpressions) {
                $0.add("key", $1.key)
                $0.add("operator", $1.operator.rawValue)
                $0.add("values", $1.values)
            }
        }
    }

    mutating func add(_ template: PodTemplate) {
        add("labels", template.labels)
        add("annotations", template.annotations)
        add("finalizers", template.finalizers)
        let spec = template.spec.value
        list("containers", spec.containers) { $0.add($1) }
        list("initContainers", spec.initContainers) { $0.add($1) }
        list("volumes", spec.volumes) {
            $0.add("name", $1.name)
            $0.add($1.source)
            $0.add("unmodelled", digest: $1.unmodelled)
        }
        add("nodeSelector", spec.nodeSelector)
        add(spec.affinity)
        list("tolerations", spec.tolerations) {
            $0.add("key", $1.key)
            $0.add("operator", $1.operator?.rawValue ?? "")
            $0.add("value", $1.value)
            $0.add("effect", $1.effect?.rawValue ?? "")
            $0.add("seconds", $1.tolerationSeconds)
        }
        list("topologySpreadConstraints", spec.topologySpreadConstraints) {
            $0.add("maxSkew", $1.maxSkew)
            $0.add("topologyKey", $1.topologyKey)
            $0.add("whenUnsatisfiable", $1.whenUnsatisfiable.rawValue)
            $0.add("labelSelector", $1.labelSelector)
            $0.add("minDomains", $1.minDomains)
            $0.add("nodeAffinityPolicy", $1.nodeAffinityPolicy.rawValue)
            $0.add("nodeTaintsPolicy", $1.nodeTaintsPolicy.rawValue)
            $0.add("matchLabelKeys", $1.matchLabelKeys)
        }
        add("schedulerName", spec.schedulerName)
        add("schedulingGates", spec.schedulingGates)
        add("priority", spec.priority)
        add("priorityClassName", spec.priorityClassName)
        add("preemptionPolicy", spec.preemptionPolicy?.rawValue ?? "")
        add("overhead", spec.overhead)
        if let resources = spec.resources { add("resources", resources) }
        add("restartPolicy", spec.restartPolicy.rawValue)
        add("terminationGracePeriodSeconds", spec.terminationGracePeriodSeconds)
        add("activeDeadlineSeconds", spec.activeDeadlineSeconds)
        add("hostNetwork", spec.hostNetwork)
        if let hostUsers = spec.hostUsers { add("hostUsers", Int64(hostUsers ? 1 : 0)) }
        add("hostname", spec.hostname)
        add("subdomain", spec.subdomain)
        add("serviceAccountName", spec.serviceAccountName)
        if !spec.runtimeClassName.isEmpty { add("runtimeClassName", spec.runtimeClassName) }
        add("readinessGates", spec.readinessGates)
        add("resourceClaims", spec.resourceClaims)
        add("unmodelled", digest: spec.unmodelled)
    }

    mutating func add(_ container: Container) {
        add("name", container.name)
        add("image", container.image)
        add("imagePullPolicy", container.imagePullPolicy?.rawValue ?? "")
        list("ports", container.ports) {
            $0.add("name", $1.name)
            $0.add("containerPort", $1.containerPort)
            $0.add("hostPort", $1.hostPort)
            $0.add("hostIP", $1.hostIP)
            $0.add("protocol", $1.transport.rawValue)
        }
        add("resources", container.resources)
        add("restartPolicy", container.restartPolicy?.rawValue ?? "")
        add("restartRuleActions", container.restartRules.map(\.action))
        add("livenessProbe", container.livenessProbe)
        add("readinessProbe", container.readinessProbe)
        add("startupProbe", container.startupProbe)
        add("unmodelled", digest: container.unmodelled)
    }

    mutating func add(_ name: String, _ probe: Probe?) {
        guard let probe else { return }
        group(name) {
            $0.add("initialDelaySeconds", probe.initialDelaySeconds)
            $0.add("timeoutSeconds", probe.timeoutSeconds)
            $0.add("periodSeconds", probe.periodSeconds)
            $0.add("successThreshold", probe.successThreshold)
            $0.add("failureThreshold", probe.failureThreshold)
            $0.add("unmodelled", digest: probe.unmodelled)
        }
    }

    mutating func add(_ source: Volume.Source) {
        switch source {
        case .persistentVolumeClaim(let name, let readOnly):
            add("persistentVolumeClaim", name)
            add("readOnly", readOnly)
        case .ephemeral: add("ephemeral", true)
        case .image(let reference): add("image", reference)
        case .gcePersistentDisk(let name, let readOnly):
            add("gcePersistentDisk", name)
            add("readOnly", readOnly)
        case .awsElasticBlockStore(let id): add("awsElasticBlockStore", id)
        case .iscsi(let iqn, let readOnly):
            add("iscsi", iqn)
            add("readOnly", readOnly)
        case .rbd(let monitors, let pool, let image, let readOnly):
            add("monitors", monitors)
            add("pool", pool)
            add("rbd", image)
            add("readOnly", readOnly)
        case .migrated(let plugin, let id): add(plugin.rawValue, id)
        case .csi(let driver): add("csi", driver)
        // What they take stands in the digest of what is not modelled.
        case .configuration, .emptyDir, .other: add("other", true)
        }
    }

    mutating func add(_ name: String, _ terms: [NodeSelectorTerm]) {
        list(name, terms) {
            $0.add("matchExpressions", $1.matchExpressions)
            $0.add("matchFields", $1.matchFields)
        }
    }

    mutating func add(_ name: String, _ requirements: [NodeSelectorRequirement]) {
        list(name, requirements) {
            $0.add("key", $1.key)
            $0.add("operator", $1.operator.rawValue)
            $0.add("values", $1.values)
        }
    }

    mutating func add(_ term: PodAffinityTerm) {
        add("labelSelector", term.labelSelector)
        add("namespaces", term.namespaces)
        add("namespaceSelector", term.namespaceSelector)
        add("topologyKey", term.topologyKey)
        add("matchLabelKeys", term.matchLabelKeys)
        add("mismatchLabelKeys", term.mismatchLabelKeys)
    }

    mutating func add(_ name: String, _ terms: [WeightedPodAffinityTerm]) {
        list(name, terms) {
            $0.add("weight", $1.weight)
            $0.add($1.term)
        }
    }

    mutating func add(_ affinity: Affinity) {
        if let required = affinity.requiredNodeTerms {
            group("requiredNodeTerms") { $0.add("terms", required.terms) }
        }
        list("preferredNodeTerms", affinity.preferredNodeTerms) {
            $0.add("weight", $1.weight)
            $0.add("preference", [$1.preference])
        }
        list("requiredPodAffinity", affinity.requiredPodAffinity) { $0.add($1) }
        add("preferredPodAffinity", affinity.preferredPodAffinity)
        list("requiredPodAntiAffinity", affinity.requiredPodAntiAffinity) { $0.add($1) }
        add("preferredPodAntiAffinity", affinity.preferredPodAntiAffinity)
    }
}
