// Garbage collection of containers: what pods leave on their node when their kubelet is done with them.
// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection>
//
// Of each container of a pod the last dead one stays (MaxPerPodContainer 1): the kubelet removes those before it as soon as another one
// ends. The last ones go with a pass that comes every minute, if their pod was deleted or evicted; those of pods that are merely done stay
// for as long as the pod does. Until then their images are in use and their layers take room. Passes are no events: when somebody asks
// what there is, that is worked out.

import DiscreteEvents
import KubernetesAPI

/// The dead containers of a pod that its kubelet does not follow any more.
struct DeadContainers: Sendable {
    let pod: UID
    /// By their names in full.
    let images: [String]
    /// What their layers hold.
    let bytes: Int64
    /// The pass that takes them away; `.distantFuture`: none yet.
    var until: SimulatedTime
}

extension NodeAgent {
    /// How often a kubelet looks for containers to remove (`ContainerGCPeriod`).
    private static let period = SimulatedDuration.minutes(1)

    /// The kubelet is done with a pod. `isGone`: the pod was deleted or evicted.
    mutating func leaveContainers(of worker: PodWorker, on number: Int, isGone: Bool, at now: SimulatedTime) {
        guard configuration.value.imageCollection.isOn else { return }
        removeDead(on: number, at: now)
        let until = isGone ? nextCollection(on: number, after: now) : .distantFuture
        let images = worker.images
        kubelets[number].dead.append(DeadContainers(pod: worker.uid, images: images, bytes: worker.deadLayerBytes, until: until))
        for image in images { kubelets[number].images.touch(image, at: isGone ? until : now) }
    }

    /// A pod is deleted that its kubelet was done with before.
    mutating func bury(_ pod: UID, on number: Int, at now: SimulatedTime) {
        guard let index = kubelets[number].dead.firstIndex(where: { $0.pod == pod && $0.until == .distantFuture }) else { return }
        let until = nextCollection(on: number, after: now)
        kubelets[number].dead[index].until = until
        for image in kubelets[number].dead[index].images { kubelets[number].images.touch(image, at: until) }
    }

    /// The kubelet lists its pods anew, some of which may have been deleted that it was done with before.
    mutating func buryMissing(on number: Int, at now: SimulatedTime, isThere: (UID) -> Bool) {
        for left in kubelets[number].dead where left.until == .distantFuture && !isThere(left.pod) { bury(left.pod, on: number, at: now) }
    }

    /// All containers go that no pod of the kubelet's has any more, whether or not these pods were deleted (`DeleteAllUnusedContainers`).
    mutating func removeAllDead(on number: Int, at now: SimulatedTime) {
        for left in kubelets[number].dead where left.until > now {
            for image in left.images { kubelets[number].images.touch(image, at: now) }
        }
        kubelets[number].dead = []
    }

    private mutating func removeDead(on number: Int, at now: SimulatedTime) { kubelets[number].dead.removeAll { $0.until <= now } }

    private func nextCollection(on number: Int, after now: SimulatedTime) -> SimulatedTime {
        let start = collectionStart(number)
        return start + NodeAgent.period * Int((now - start).nanoseconds / NodeAgent.period.nanoseconds + 1)
    }
}

extension Kubelet {
    /// Of pods it is done with.
    func deadLayerBytes(at now: SimulatedTime) -> Int64 {
        dead.reduce(Int64(0)) { $1.until > now ? $0.addingSaturated($1.bytes) : $0 }
    }

    /// The images of containers that exist, running or not.
    func usedImages(at now: SimulatedTime) -> Set<String> {
        var names: Set<String> = []
        for slot in slotRange {
            for name in images(of: slot) { names.insert(name) }
        }
        for left in dead where left.until > now { names.formUnion(left.images) }
        return names
    }
}

extension PodWorker {
    /// The images of its containers, by their names in full.
    var images: [String] { containers.indices.map { ImageReference.full(image($0)) } }

    /// What the writable layers of the pod's containers hold, that run or are dead.
    var layerBytes: Int64 { bytes { $0.isRunning ? ($0.lastRun == nil ? 1 : 2) : $0.hasRun ? 1 : 0 } }

    /// The same of one container, if it runs.
    func layerBytes(ofRunning index: Int) -> Int64 { containers[index].isRunning ? behaviour.value.layerBytes ?? 0 : 0 }

    /// The same when none of them runs any more.
    fileprivate var deadLayerBytes: Int64 { bytes { $0.hasRun ? 1 : 0 } }

    private func bytes(ofLayers count: (ContainerRuntime) -> Int64) -> Int64 {
        guard let bytes = behaviour.value.layerBytes else { return 0 }
        return containers.reduce(Int64(0)) { $0 + count($1) }.multipliedSaturated(by: bytes)
    }
}

extension ContainerRuntime {
    fileprivate var hasRun: Bool {
        switch state {
        case .running, .ended: true
        case .blocked, .pulling, .waiting: lastRun != nil
        }
    }
}
