// Admission: what the API server's default plugins add to objects as they are created.

import DiscreteEvents
import KubernetesAPI

/// LimitRanger, ServiceAccount, TaintNodesByCondition, Priority, DefaultTolerationSeconds, DefaultStorageClass,
/// StorageObjectInUseProtection, and the QoS class.
///
/// As in the real server, all plugins change an object first; then it is validated, then plugins may refuse it (``check(_:)``).
/// The volume with the account's token that the real plugin adds is left out: its name is random, so that no two pods would have
/// the same spec, and nothing depends on it.
/// <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/>
struct Admission: Sendable {
    private var priorityClasses: [String: Shared<PriorityClass>] = [:]
    /// The class with `globalDefault: true` of the lowest value, as the Priority plugin picks it.
    private var globalDefaults: [Shared<PriorityClass>] = []
    /// The storage classes marked as the default.
    private var defaultStorageClasses: [Shared<StorageClass>] = []
    private var limits = NamespaceLimits()
    /// Names of the namespaces that are being deleted.
    private(set) var terminatingNamespaces: [String] = []
    /// Names of the quotas of each namespace that has any, in order.
    private var quotas: [String: [String]] = [:]
    private struct AdmittedSpec: Sendable {
        let template: Shared<PodSpec>
        let spec: Shared<PodSpec>
        /// Labels of the pod that go into selectors.
        let labelKeys: [String]
    }
    /// Specs that were admitted before, by identity: pods of one template share one admitted spec.
    private var admitted: [ObjectIdentifier: AdmittedSpec] = [:]

    private static let limit = 4096
    /// Admitted specs with labels merged into their selectors, by the spec before and the values of the keys it names.
    private struct MergedSpec: Hashable, Sendable {
        let spec: ObjectIdentifier
        let values: [String?]
    }
    private var merged: [MergedSpec: (before: Shared<PodSpec>, spec: Shared<PodSpec>)] = [:]

    mutating func admit(_ object: APIObject) throws(APIError) -> APIObject {
        switch object {
        case .pod(let pod):
            let filled = limits.isEmpty ? nil : limits.fill(pod.value.spec, in: pod.value.metadata.namespace)
            let spec = merge(pod.value.metadata.labels, into: try admit(filled?.spec ?? pod.value.spec, of: object.key))
            return .pod(
                pod.with {
                    $0.spec = spec
                    $0.status.qosClass = spec.value.qualityOfService
                    if let note = filled?.note { $0.metadata.annotations[LimitRanger.annotation] = note }
                })
        case .node(let node):
            let taint = Taint(key: Taint.notReady, effect: .noSchedule)
            guard !node.value.spec.taints.contains(where: taint.matches) else { return object }
            return .node(node.with { $0.spec.taints.append(taint) })
        case .persistentVolumeClaim(let claim):
            let namesNone =
                claim.value.spec.storageClassName == nil && !claim.value.metadata.annotations.has(VolumeAnnotation.betaStorageClass)
            let defaultClass = namesNone ? defaultStorageClass : nil
            return .persistentVolumeClaim(
                claim.with {
                    if let defaultClass { $0.spec.storageClassName = defaultClass }
                    $0.metadata.protect(with: Finalizers.claimProtection)
                })
        case .persistentVolume(let volume):
            return .persistentVolume(volume.with { $0.metadata.protect(with: Finalizers.volumeProtection) })
        default: return object
        }
    }

    /// The refusals of plugins that look at what the others, defaulting and validation made of an object: LimitRanger's. Whether
    /// quotas allow it is asked last, for that is a write.
    mutating func check(_ object: APIObject) throws(APIError) {
        if limits.isEmpty { return }
        let refusal: String?
        switch object {
        case .pod(let pod): refusal = limits.refusal(of: pod.value.spec, in: pod.value.metadata.namespace)
        case .persistentVolumeClaim(let claim): refusal = limits.refusal(of: claim.value)
        default: return
        }
        if let refusal { throw .forbidden(object.key, refusal) }
    }

    /// Whether there is any quota at all: where there is none, nothing is looked up.
    var hasQuotas: Bool { !quotas.isEmpty }
    func quotas(in namespace: String) -> [String] { quotas[namespace] ?? [] }

    /// The same for an object that exists and is applied anew: what plugins do on creation only is left out.
    mutating func admitUpdate(_ object: APIObject) throws(APIError) -> APIObject {
        if case .pod = object { try admit(object) } else { object }
    }

    /// The spec with the pod's own labels in the selectors that ask for them.
    private mutating func merge(_ labels: Labels, into admitted: AdmittedSpec) -> Shared<PodSpec> {
        let spec = admitted.spec
        if admitted.labelKeys.isEmpty { return spec }
        let identity = MergedSpec(spec: ObjectIdentifier(spec), values: admitted.labelKeys.map { labels[$0] })
        if let known = merged[identity] { return known.spec }
        let result = Shared(spec.value.mergingLabelKeys(of: labels))
        if merged.count >= Admission.limit { merged.removeAll() }
        merged[identity] = (spec, result)
        return result
    }

    private mutating func admit(_ template: Shared<PodSpec>, of key: ObjectKey) throws(APIError) -> AdmittedSpec {
        let identity = ObjectIdentifier(template)
        if let known = admitted[identity] { return known }
        var spec = template.value
        if spec.serviceAccountName.isEmpty { spec.serviceAccountName = ServiceAccount.defaultName }
        try resolvePriority(of: &spec, key)
        for taint in [Taint.notReady, Taint.unreachable] {
            let probe = Taint(key: taint, effect: .noExecute)
            guard !spec.tolerations.contains(where: { $0.coversKeyAndEffect(of: probe) }) else { continue }
            spec.tolerations.append(
                Toleration(key: taint, operator: .exists, effect: .noExecute, tolerationSeconds: Admission.defaultTolerationSeconds))
        }
        let result = AdmittedSpec(template: template, spec: Shared(spec), labelKeys: spec.labelKeys)
        // Bounded: scenarios that create ever new specs must not keep them all.
        if admitted.count >= Admission.limit { admitted.removeAll() }
        admitted[identity] = result
        return result
    }

    /// The Priority plugin: the class decides; what a pod says itself must agree.
    private func resolvePriority(of spec: inout PodSpec, _ key: ObjectKey) throws(APIError) {
        var priority: Int32 = 0
        var policy = PreemptionPolicy.preemptLowerPriority
        if spec.priorityClassName.isEmpty {
            if let fallback = globalDefaults.min(by: { $0.value.value < $1.value.value }) {
                spec.priorityClassName = fallback.value.metadata.name
                (priority, policy) = (fallback.value.value, fallback.value.preemptionPolicy)
            }
        } else if let known = priorityClasses[spec.priorityClassName] {
            (priority, policy) = (known.value.value, known.value.preemptionPolicy)
        } else if let system = Admission.systemPriorities.first(where: { $0.name == spec.priorityClassName }) {
            priority = system.value
        } else {
            throw .forbidden(key, "no PriorityClass with name \(spec.priorityClassName) was found")
        }
        if let own = spec.priority, own != priority {
            throw .forbidden(
                key,
                "the integer value of priority (\(own)) must not be provided in pod spec; priority admission controller computed "
                    + "\(priority) from the given PriorityClass name")
        }
        if let own = spec.preemptionPolicy, own != policy {
            throw .forbidden(
                key,
                "the string value of PreemptionPolicy (\(own.rawValue)) must not be provided in pod spec; priority admission "
                    + "controller computed \(policy.rawValue) from the given PriorityClass name")
        }
        spec.priority = priority
        spec.preemptionPolicy = policy
    }

    /// The youngest of the default classes; of several equally young ones the first by name.
    private var defaultStorageClass: String? {
        defaultStorageClasses.map(\.value.metadata).min { left, right in
            left.creationTimestamp == right.creationTimestamp
                ? left.name < right.name : left.creationTimestamp > right.creationTimestamp
        }?.name
    }

    mutating func observe(_ object: APIObject) {
        switch object {
        case .limitRange(let range): limits.observe(range.value)
        case .namespace(let namespace):
            forget(object)
            if namespace.value.isTerminating { terminatingNamespaces.append(namespace.value.metadata.name) }
        case .resourceQuota(let quota):
            let metadata = quota.value.metadata
            var names = quotas[metadata.namespace] ?? []
            if !names.contains(metadata.name) {
                names.insert(metadata.name, at: names.firstIndex { $0 > metadata.name } ?? names.count)
                quotas[metadata.namespace] = names
            }
        default: break
        }
        if case .storageClass(let storageClass) = object {
            forget(object)
            if storageClass.value.isDefault { defaultStorageClasses.append(storageClass) }
        }
        guard case .priorityClass(let priorityClass) = object else { return }
        forget(object)
        priorityClasses[priorityClass.value.metadata.name] = priorityClass
        if priorityClass.value.globalDefault { globalDefaults.append(priorityClass) }
    }

    mutating func forget(_ object: APIObject) {
        switch object {
        case .limitRange(let range): limits.forget(range.value)
        case .namespace(let namespace): terminatingNamespaces.removeAll { $0 == namespace.value.metadata.name }
        case .resourceQuota(let quota):
            let metadata = quota.value.metadata
            let others = (quotas[metadata.namespace] ?? []).filter { $0 != metadata.name }
            quotas[metadata.namespace] = others.isEmpty ? nil : others
        default: break
        }
        if case .storageClass(let storageClass) = object {
            defaultStorageClasses.removeAll { $0.value.metadata.name == storageClass.value.metadata.name }
        }
        guard case .priorityClass(let priorityClass) = object else { return }
        priorityClasses[priorityClass.value.metadata.name] = nil
        globalDefaults.removeAll { $0.value.metadata.name == priorityClass.value.metadata.name }
        admitted.removeAll()
    }

    static let defaultTolerationSeconds: Int64 = 300
    /// The classes every cluster has.
    private static let systemPriorities: [(name: String, value: Int32)] = [
        ("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000),
    ]
}

extension ObjectMeta {
    /// The StorageObjectInUseProtection plugin.
    fileprivate mutating func protect(with finalizer: String) {
        if !finalizers.contains(finalizer) { finalizers.append(finalizer) }
    }
}

extension Toleration {
    /// The plugin's own, looser test: it does not look at operator or value.
    fileprivate func coversKeyAndEffect(of taint: Taint) -> Bool {
        (key.isEmpty || key == taint.key) && (effect == nil || effect == taint.effect)
    }
}
