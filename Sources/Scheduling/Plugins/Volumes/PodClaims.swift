// The claims of a pod, bound and unbound, and the search for volumes for them on a node.

import KubernetesAPI

/// Why a node cannot give a pod its volumes, in the order in which the reasons are told.
enum VolumeConflict: Int, Hashable, Sendable, CaseIterable {
    case nodeAffinity, noVolume, noSpace, missingVolume

    var text: String {
        switch self {
        case .nodeAffinity: "node(s) didn't match PersistentVolume's node affinity"
        case .noVolume: "node(s) didn't find available persistent volumes to bind"
        case .noSpace: "node(s) did not have enough free storage"
        case .missingVolume: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
        }
    }
}

/// A volume that exists and a claim that is to have it.
struct StaticVolumeBinding: Sendable {
    let volume: Shared<PersistentVolume>
    let claim: Shared<PersistentVolumeClaim>
}

/// What a node offers for a pod's claims.
enum VolumeOffer: Sendable {
    /// `provisions`: claims whose volumes are to be made there.
    case chosen([StaticVolumeBinding], provisions: [Shared<PersistentVolumeClaim>])
    case conflicts([VolumeConflict])
}

/// The claims of a pod as the scheduler sees them, its own assumptions included.
struct PodClaims: Sendable {
    private var bound: [Shared<PersistentVolumeClaim>] = []
    /// Unbound claims for which a volume is being made on a node.
    private var provisioned: [(claim: Shared<PersistentVolumeClaim>, node: String)] = []
    /// Other unbound claims that wait for a pod, which is this one; the smallest first, so that small claims take small volumes.
    private var delayed: [(claim: Shared<PersistentVolumeClaim>, candidates: VolumeCandidates)] = []
    /// Whether there are unbound claims that do not wait: they are bound before any pod can use them.
    private(set) var hasUnboundImmediate = false

    /// nil if a claim does not exist.
    init?(_ pod: PodInfo, _ objects: ListedObjects) {
        var unbound: [Shared<PersistentVolumeClaim>] = []
        for use in pod.claims {
            guard let claim = objects.latestClaim(use.name) else { return nil }
            if claim.value.isFullyBound {
                bound.append(claim)
            } else if claim.value.spec.volumeName.isEmpty,
                objects.storageClasses[claim.value.className]?.value.volumeBindingMode == .waitForFirstConsumer
            {
                if let node = claim.value.metadata.annotations[VolumeAnnotation.selectedNode] {
                    provisioned.append((claim, node))
                } else {
                    let size = claim.value.requestedStorage
                    unbound.insert(claim, at: unbound.firstIndex { size < $0.value.requestedStorage } ?? unbound.count)
                }
            } else {
                hasUnboundImmediate = true
            }
        }
        delayed = unbound.map { ($0, VolumeCandidates(for: $0.value, objects)) }
    }

    /// The volumes the pod would get on a node.
    func volumes(on node: Node, _ objects: ListedObjects) -> VolumeOffer {
        var conflicts: [VolumeConflict] = []
        for claim in bound {
            guard let volume = objects.latestVolume(claim.value.spec.volumeName) else {
                conflicts.append(.missingVolume)
                break
            }
            if !volume.value.isReachable(from: node) {
                conflicts.append(.nodeAffinity)
                break
            }
        }
        var bindings: [StaticVolumeBinding] = []
        var provisions: [Shared<PersistentVolumeClaim>] = []
        if let conflict = bindDelayed(on: node, objects, &bindings, &provisions) { conflicts.append(conflict) }
        if conflicts.isEmpty { return .chosen(bindings, provisions: provisions) }
        return .conflicts(conflicts.sorted { $0.rawValue < $1.rawValue })
    }

    private func bindDelayed(
        on node: Node, _ objects: ListedObjects, _ bindings: inout [StaticVolumeBinding],
        _ provisions: inout [Shared<PersistentVolumeClaim>]
    ) -> VolumeConflict? {
        for (claim, selected) in provisioned {
            guard selected == node.metadata.name else { return .noVolume }
            provisions.append(claim)
        }
        var chosen: [String] = []
        for (claim, candidates) in delayed {
            guard let volume = candidates.first(on: node, without: chosen) else {
                provisions.append(claim)
                continue
            }
            chosen.append(volume.value.metadata.name)
            bindings.append(StaticVolumeBinding(volume: volume, claim: claim))
        }
        for claim in provisions {
            if let conflict = claim.value.provisioningConflict(on: node, objects) { return conflict }
        }
        return nil
    }
}

extension PersistentVolume {
    /// Whether the volume's node affinity allows the node. (Affinities of volumes of former in-tree plugins are taken as written; the
    /// real scheduler rewrites their zone labels to those of the CSI driver where CSINode says it serves them.)
    func isReachable(from node: Node) -> Bool { spec.nodeAffinity?.matches(node) ?? true }
}

extension PersistentVolumeClaim {
    /// Why no volume can be made for the claim on a node; nil if one can.
    fileprivate func provisioningConflict(on node: Node, _ objects: ListedObjects) -> VolumeConflict? {
        guard let storageClass = objects.storageClasses[className]?.value else { return .noVolume }
        let provisioner = storageClass.provisioner
        if provisioner.isEmpty || provisioner == StorageClass.noProvisioner { return .noVolume }
        if !storageClass.allowedTopologies.isEmpty,
            !storageClass.allowedTopologies.contains(where: { $0.matches(node.metadata.labels) })
        {
            return .noVolume
        }
        guard let size = spec.requests[.storage], objects.csiDrivers[provisioner]?.value.storageCapacity ?? false else { return nil }
        let hasSpace = objects.storageCapacities[storageClass.metadata.name].contains { capacity in
            guard let limit = capacity.value.largestVolume, limit.value >= size.value else { return false }
            return capacity.value.nodeTopology?.matches(node.metadata.labels) ?? false
        }
        return hasSpace ? nil : .noSpace
    }
}
