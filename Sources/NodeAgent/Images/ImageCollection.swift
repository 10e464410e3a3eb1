// Garbage collection of images: which go when the image file system runs full.
// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// When images are collected (`imageGCHighThresholdPercent` and its fellows).
public struct ImageCollectionPolicy: Hashable, Sendable {
    /// What the image file system holds; 0: nobody knows, and nothing is collected.
    public var capacity: Int64 = 0
    /// Percent of use from which on images are removed, and down to which.
    public var highThreshold = 85
    public var lowThreshold = 80
    /// Images younger than this stay.
    public var minimumAge = SimulatedDuration.minutes(2)
    /// How often the kubelet looks.
    public var period = SimulatedDuration.minutes(5)

    public init() {}

    var isOn: Bool { capacity > 0 }

    /// The bytes to free when so many are used; nil: the file system is not too full.
    func bytesToFree(used: Int64) -> Int64? {
        guard isOn else { return nil }
        let available = max(0, capacity - used)
        let free = capacity.dividingFullWidth(available.multipliedFullWidth(by: 100)).quotient
        guard 100 - free >= Int64(highThreshold) else { return nil }
        let kept = Int64(100).dividingFullWidth(capacity.multipliedFullWidth(by: Int64(100 - lowThreshold))).quotient
        return kept - available
    }

    /// The images to remove, least recently used first, until enough is freed.
    func victims(of images: [ImageStore.Image], freeing bytes: Int64, isUsed: (String) -> Bool, at now: SimulatedTime) -> [ImageStore.Image]
    {
        var freed: Int64 = 0
        var victims: [ImageStore.Image] = []
        for image in images.sorted(by: { ($0.lastUsed, $0.presentSince) < ($1.lastUsed, $1.presentSince) }) {
            if freed >= bytes { break }
            if image.references.contains(where: isUsed) || now - image.presentSince < minimumAge { continue }
            victims.append(image)
            freed = freed.addingSaturated(image.bytes)
        }
        return victims
    }
}

extension NodeAgent {
    /// What the image file system of a node holds: images, and the writable layers of containers. Of each container the kubelet
    /// keeps one that is dead, beside the one that runs.
    package func imageFileSystemBytes(_ number: Int, at now: SimulatedTime) -> Int64 {
        let left = kubelets[number].images.bytes.addingSaturated(kubelets[number].deadLayerBytes(at: now))
        return kubelets[number].slotRange.reduce(left) { $0.addingSaturated(kubelets[number].layerBytes($1)) }
    }

    /// Sets the next pass of garbage collection if it would find something to do.
    mutating func collectImagesIfFull(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        let policy = configuration.value.imageCollection
        guard policy.isOn, !kubelets[number].images.collectionIsDue,
            policy.bytesToFree(used: imageFileSystemBytes(number, at: now)) != nil
        else { return }
        kubelets[number].images.collectionIsDue = true
        let anchor = collectionStart(number)
        let passes = (now - anchor).nanoseconds / policy.period.nanoseconds + 1
        effects.wake(
            at: anchor + policy.period * Int(passes),
            KubeletTimer(node: Int32(number), pod: 0, kind: .imageCollection, generation: kubelets[number].starts))
    }

    /// When a kubelet began with its passes: when it started, or, if it ran before the start, at a time of its own before that.
    func collectionStart(_ number: Int) -> SimulatedTime {
        if kubelets[number].startedAt > .distantPast { return kubelets[number].startedAt }
        var stream = RandomStream(seed: environment.seed, purpose: .imageCollection, owner: kubelets[number].name)
        return .zero - configuration.value.imageCollection.period * stream.uniform()
    }

    /// A pass of garbage collection.
    mutating func collectImages(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].images.collectionIsDue = false
        let policy = configuration.value.imageCollection
        guard let wanted = policy.bytesToFree(used: imageFileSystemBytes(number, at: now)) else { return }
        let used = kubelets[number].usedImages(at: now)
        let victims = policy.victims(of: kubelets[number].images.images, freeing: wanted, isUsed: used.contains, at: now)
        kubelets[number].images.remove(victims)
        let freed = victims.reduce(Int64(0)) { $0.addingSaturated($1.bytes) }
        if freed < wanted {
            record(
                aboutNode: number, "FreeDiskSpaceFailed",
                "Failed to garbage collect required amount of images. Attempted to free \(wanted) bytes, but only found \(freed) bytes "
                    + "eligible to free.", severity: .warning, at: now, effects: &effects)
        }
        collectImagesIfFull(on: number, at: now, effects: &effects)
        planImageReport(on: number, at: now, effects: &effects)
    }
}

extension RandomPurpose {
    static let imageCollection = RandomPurpose("image collection")
}
