// The identity of a StatefulSet's pods: an ordinal, a name made of it that lasts, and claims that belong to the name.
// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity>

import KubernetesAPI

/// A version of the template with the name its pods carry.
struct TemplateRevision {
    let name: String
    let template: PodTemplate
}

/// Labels of a StatefulSet's pods.
enum StatefulPodLabels {
    static let podName = "statefulset.kubernetes.io/pod-name"
    static let podIndex = "apps.kubernetes.io/pod-index"
}

extension StatefulSet {
    /// The name of the pod of an ordinal.
    func podName(_ ordinal: Int) -> String { "\(metadata.name)-\(ordinal)" }

    /// The ordinal of a pod of this set by its name; nil if the name is not of the set's form.
    func ordinal(ofPodNamed name: String) -> Int? {
        guard let dash = name.lastIndex(of: "-"), name[..<dash] == metadata.name else { return nil }
        let digits = name[name.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
        return Int32(digits).map(Int.init)
    }

    /// Whether a pod is this set's, or would be if nobody owned it.
    func selects(_ pod: Shared<Pod>) -> Bool {
        spec.selector.matches(pod.value.metadata.labels) && ordinal(ofPodNamed: pod.value.metadata.name) != nil
    }

    var ordinals: Range<Int> { Int(spec.firstOrdinal)..<Int(spec.firstOrdinal) + Int(spec.replicas) }

    /// The pod of an ordinal. Pods of a revision differ in host name and claims, and share all the rest of the specification.
    func pod(_ ordinal: Int, _ revision: TemplateRevision) -> Shared<Pod> {
        let template = revision.template
        let name = podName(ordinal)
        var pod = ObjectMeta(name: name, namespace: metadata.namespace, labels: template.labels, annotations: template.annotations)
        pod.generateName = metadata.name + "-"
        pod.finalizers = template.finalizers
        pod.ownerReferences = [OwnerReference(controller: metadata, .statefulSet)]
        pod.labels[StatefulPodLabels.podName] = name
        pod.labels[StatefulPodLabels.podIndex] = String(ordinal)
        pod.labels[RevisionLabels.pod] = revision.name
        var spec = template.spec.value
        spec.hostname = name
        spec.subdomain = self.spec.serviceName
        let claims = self.spec.volumeClaimTemplates
        if !claims.isEmpty {
            let names = claims.map(\.metadata.name)
            spec.volumes =
                claims.map { claim in
                    Volume(name: claim.metadata.name, source: .persistentVolumeClaim(name: claimName(claim, ordinal), readOnly: false))
                } + spec.volumes.filter { !names.contains($0.name) }
        }
        return Shared(Pod(metadata: pod, spec: Shared(spec)))
    }

    /// Whether a pod carries the labels of its identity.
    func hasIdentity(_ pod: Shared<Pod>) -> Bool { pod.value.metadata.labels[StatefulPodLabels.podName] == pod.value.metadata.name }

    /// The pod with the labels of its identity.
    func givingIdentity(to pod: Shared<Pod>, _ ordinal: Int) -> Shared<Pod> {
        pod.with {
            $0.metadata.labels[StatefulPodLabels.podName] = $0.metadata.name
            $0.metadata.labels[StatefulPodLabels.podIndex] = String(ordinal)
        }
    }

    // MARK: Claims

    /// The name of the claim made from a template for the pod of an ordinal.
    func claimName(_ template: PersistentVolumeClaim, _ ordinal: Int) -> String {
        "\(template.metadata.name)-\(metadata.name)-\(ordinal)"
    }

    func claimKey(_ template: PersistentVolumeClaim, _ ordinal: Int) -> NamespacedName {
        NamespacedName(namespace: metadata.namespace, name: claimName(template, ordinal))
    }

    /// The claim for the pod of an ordinal, labelled so that the set's selector finds it.
    func claim(_ template: PersistentVolumeClaim, _ ordinal: Int) -> PersistentVolumeClaim {
        var claim = template
        claim.metadata.name = claimName(template, ordinal)
        claim.metadata.namespace = metadata.namespace
        claim.metadata.labels.merge(spec.selector.matchLabels)
        return claim
    }
}
