// What a scenario's objects need that is not there: volumes that nobody will make, a scheduler that does not run.
// Without a word pods would wait for no reason that a reader of the manifests could see.

import ClusterSimulation
import KubernetesAPI

/// Finds pods that will wait for claims or for a scheduler that does not run.
struct MissingControllers {
    /// Claims named in a warning.
    private static let shown = 3

    private var claims: [NamespacedName: PersistentVolumeClaim] = [:]
    private var classes: [String: StorageClass] = [:]
    private var defaultClass: String?
    /// Classes of volumes that are there and may be taken.
    private var classesWithVolumes: Set<String> = []
    /// What wants claims, in the order of the files: the namespace with the pod's specification.
    private var specs: [(namespace: String, spec: PodSpec)] = []
    private let schedulers: [String]

    init(_ configuration: ClusterConfiguration) {
        schedulers = configuration.scheduler.profiles.map(\.schedulerName)
        for object in configuration.snapshot + configuration.objects + configuration.trace.map(\.object) { add(object) }
        for entry in configuration.timeline { if case .apply(let objects) = entry.action { for object in objects { add(object) } } }
    }

    private mutating func add(_ object: APIObject) {
        switch object {
        case .pod(let pod):
            // A pod of a snapshot that has its node has its volumes too.
            if pod.value.nodeName == nil { specs.append((object.metadata.namespace, pod.value.spec.value)) }
        case .replicaSet(let set):
            // Those of Deployments have the same template.
            if set.value.metadata.ownerReferences.isEmpty { specs.append((object.metadata.namespace, set.value.spec.template.spec.value)) }
        case .deployment(let deployment): specs.append((object.metadata.namespace, deployment.value.spec.template.spec.value))
        case .persistentVolumeClaim(let claim): claims[claim.value.metadata.key] = claim.value
        case .storageClass(let storageClass):
            classes[storageClass.value.metadata.name] = storageClass.value
            if storageClass.value.isDefault { defaultClass = defaultClass ?? storageClass.value.metadata.name }
        case .persistentVolume(let volume):
            if volume.value.phase != .bound { classesWithVolumes.insert(volume.value.spec.storageClassName) }
        default: break
        }
    }

    /// The warnings, each a sentence.
    var warnings: [String] { [schedulerWarning, claimWarning, inlineWarning, deviceWarning].compactMap { $0 } }

    private var schedulerWarning: String? {
        var names: [String] = []
        for (_, spec) in specs where !schedulers.contains(spec.schedulerName) && !names.contains(spec.schedulerName) {
            names.append(spec.schedulerName)
        }
        if names.isEmpty { return nil }
        return "no scheduler profile is called \(names.map(GoText.quoted).joined(separator: " or ")), so pods that ask for it by "
            + "schedulerName are never tried; profiles: \(schedulers.joined(separator: ", "))"
    }

    private var claimWarning: String? {
        var problems: [String] = []
        for (namespace, spec) in specs {
            for volume in spec.volumes {
                guard let problem = problem(of: volume, namespace), !problems.contains(problem) else { continue }
                problems.append(problem)
            }
        }
        if problems.isEmpty { return nil }
        let rest = problems.count > MissingControllers.shown ? ", and \(problems.count - MissingControllers.shown) more" : ""
        return "pods with these claims get no node: "
            + problems.prefix(MissingControllers.shown).joined(separator: ", ") + rest
    }

    /// Why a volume's claim will never be bound; nil if it may be.
    private func problem(of volume: Volume, _ namespace: String) -> String? {
        let name: NamespacedName
        switch volume.source {
        case .persistentVolumeClaim(let claim, _): name = NamespacedName(namespace: namespace, name: claim)
        case .ephemeral: return "\(namespace)/*-\(volume.name) (an ephemeral volume's claim, which nobody creates)"
        default: return nil
        }
        guard let claim = claims[name] else { return "\(name) (which is not in the files)" }
        if claim.isFullyBound { return nil }
        if !claim.spec.volumeName.isEmpty { return nil }
        let hasNone = claim.spec.storageClassName == nil && claim.className.isEmpty
        let className = hasNone ? defaultClass ?? "" : claim.className
        // Claims are bound to volumes that are there; a class's provisioner makes others.
        if classesWithVolumes.contains(className) { return nil }
        if className.isEmpty { return "\(name) (no class, and no volume without one)" }
        guard let storageClass = classes[className] else { return "\(name) (there is no class \(className), nor a volume of it)" }
        return storageClass.provisioner == StorageClass.noProvisioner ? "\(name) (class \(className) has no volumes)" : nil
    }

    /// Volumes of clouds that pods name themselves: the real controller attaches them by their CSI drivers.
    private var inlineWarning: String? {
        let names = specs.flatMap { spec in spec.spec.volumes.filter(\.isDiskWithoutClaim).map { "\(spec.namespace)/*: \($0.name)" } }
        if names.isEmpty { return nil }
        let rest = names.count > MissingControllers.shown ? ", and \(names.count - MissingControllers.shown) more" : ""
        return
            "disks that pods name without a claim are mounted without being attached, unlike in a cluster; give them a PersistentVolume: "
            + names.prefix(MissingControllers.shown).joined(separator: ", ") + rest
    }

    private var deviceWarning: String? {
        let count = specs.count { !$0.spec.resourceClaims.isEmpty }
        if count == 0 { return nil }
        return "ResourceClaims are not simulated yet, so pods with resourceClaims get no node: "
            + "\(Presentation.count(count, "pod or template", "pods and templates"))"
    }
}

extension Volume {
    /// Whether it would have to be attached, and is not.
    fileprivate var isDiskWithoutClaim: Bool {
        switch source {
        case .gcePersistentDisk, .awsElasticBlockStore, .migrated, .iscsi, .rbd: true
        case .persistentVolumeClaim, .ephemeral, .image, .csi, .configuration, .emptyDir, .other: false
        }
    }
}
