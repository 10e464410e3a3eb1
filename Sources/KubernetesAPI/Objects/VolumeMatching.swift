// Which volume will do for which claim: asked by the scheduler and by the PersistentVolume controller alike.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding>

extension PersistentVolume {
    /// What a volume is to an unbound claim, wherever it is.
    package enum Use {
        /// Kept for this claim (or bound to it).
        case kept
        /// Available and large enough; with its size.
        case free(Quantity)
    }

    /// Whether the volume is bound to, or kept for, the claim.
    package func isKept(for claim: PersistentVolumeClaim) -> Bool {
        guard let reference = spec.claimRef, reference.name == claim.metadata.key else { return false }
        return reference.uid.text.isEmpty || reference.uid == claim.metadata.uid
    }

    /// Whether the volume, which is of the claim's class, will do for it; nil: it will not.
    package func use(for claim: PersistentVolumeClaim) -> Use? {
        let isKept = isKept(for: claim)
        if spec.claimRef != nil, !isKept { return nil }
        let size = spec.capacity[.storage] ?? .zero
        guard size >= claim.requestedStorage, spec.volumeMode == claim.spec.volumeMode, !metadata.isTerminating,
            (spec.volumeAttributesClassName ?? "") == (claim.spec.volumeAttributesClassName ?? "")
        else { return nil }
        if isKept { return .kept }
        guard phase == .available, claim.spec.selector?.matches(metadata.labels) ?? true,
            claim.spec.accessModes.allSatisfy(spec.accessModes.contains)
        else { return nil }
        return .free(size)
    }
}
