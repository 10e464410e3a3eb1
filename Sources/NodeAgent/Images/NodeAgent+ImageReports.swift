// Images as the node's object shows them, which is what the scheduler's ImageLocality goes by.
// <https://kubernetes.io/docs/reference/node/node-status/>
//
// The kubelet lists its runtime's images twice a minute, and says what it listed last with its node's next status. Only the listings
// that find something new, and the status after them, are events.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What a node's status says, or will say, of its images.
struct ImageReport: Sendable {
    /// What the status said last.
    var shown: [ContainerImage] = []
    /// What the kubelet listed last, if the status does not say so yet.
    var listed: [ContainerImage]?
    /// When the next listing is due that finds something, or the status that tells it.
    var due: SimulatedTime?

    /// The kubelet starts: nothing is under way.
    mutating func restart() {
        listed = nil
        due = nil
    }
}

extension ImageStore {
    /// `nodeStatusMaxImages`.
    private static let mostReported = 50

    /// What a kubelet says of its images: the largest first. Images without a size are left out: nobody said how large they are, and
    /// to the scheduler they make no difference.
    var summary: [ContainerImage] {
        let sized = images.filter { $0.bytes > 0 }
        let ordered = sized.sorted { $0.bytes == $1.bytes ? ($0.names.first ?? "") < ($1.names.first ?? "") : $0.bytes > $1.bytes }
        return ordered.prefix(ImageStore.mostReported).map { ContainerImage(names: $0.names, sizeBytes: $0.bytes) }
    }
}

extension NodeAgent {
    /// How often a kubelet lists its images (fixed).
    private static let listPeriod = SimulatedDuration.seconds(30)

    /// The images of a node may have changed: sets the timer for the listing that finds it.
    mutating func planImageReport(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        let images = kubelets[number].images
        guard images.report.due == nil, images.summary != images.report.shown else { return }
        let listing = now.roundedUp(toMultipleOf: NodeAgent.listPeriod, phase: firstListing(number).sinceStart)
        setImageTimer(on: number, at: listing, effects: &effects)
    }

    /// A kubelet lists its images when it starts, and from then on in its period; one that ran before the start has a phase of its own.
    private func firstListing(_ number: Int) -> SimulatedTime {
        if kubelets[number].startedAt > .distantPast { return kubelets[number].startedAt }
        var stream = RandomStream(seed: environment.seed, purpose: .imageListing, owner: kubelets[number].name)
        return .zero + NodeAgent.listPeriod * stream.uniform()
    }

    private mutating func setImageTimer(on number: Int, at time: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].images.report.due = time
        effects.wake(at: time, KubeletTimer(node: Int32(number), pod: 0, kind: .images, generation: kubelets[number].starts))
    }

    /// A listing is due, or the node's status.
    mutating func imageTimerRang(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard kubelets[number].images.report.due == now else { return }
        kubelets[number].images.report.due = nil
        guard let listed = kubelets[number].images.report.listed else {
            let summary = kubelets[number].images.summary
            guard summary != kubelets[number].images.report.shown else { return }
            kubelets[number].images.report.listed = summary
            drawPhases(of: number)
            setImageTimer(on: number, at: kubelets[number].usage.report(atOrAfter: now), effects: &effects)
            return
        }
        kubelets[number].images.report.listed = nil
        kubelets[number].images.report.shown = listed
        effects.call(kubelets[number].client, .patchNode(kubelets[number].name, .images(listed)))
        planImageReport(on: number, at: now, effects: &effects)
    }

    /// The node's object was made anew: it says what the machine had when it registered first.
    mutating func reportImagesAnew(_ node: Node, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard isRunning(number), node.status.images != kubelets[number].images.report.shown else { return }
        kubelets[number].images.report.shown = node.status.images
        planImageReport(on: number, at: now, effects: &effects)
    }
}

extension RandomPurpose {
    static let imageListing = RandomPurpose("image listing")
}
