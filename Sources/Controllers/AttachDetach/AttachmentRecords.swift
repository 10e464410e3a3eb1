// What the attach-detach controller remembers: which volumes are wanted on which nodes, which are attached there, and what it is
// doing about it.

import DiscreteEvents
import KubernetesAPI

/// Everything about one volume.
struct VolumeRecord: Sendable {
    var volume: AttachableVolume
    /// Nodes where it is wanted or attached, in the order in which they came.
    var places: [Place] = []
    /// The volume is looked at in the next pass.
    var isDirty = false

    /// A volume and a node.
    struct Place: Sendable {
        enum Attachment: Sendable {
            case detached, attached
            /// An attempt failed half-way: it may be attached.
            case uncertain
        }

        let node: String
        /// The pods on the node that want the volume.
        var pods: [PodReference] = []
        var attachment = Attachment.detached
        /// The node's kubelet says that the volume is in use.
        var isInUse = false
        /// The volume stands in the node's `volumesAttached`.
        var isReported = false
        /// Since when it has been waiting to be detached.
        var detachRequested: SimulatedTime?
        /// The pods have been told that another node has the volume.
        var hasToldOfOther = false
        var operation: Operation?
        /// An operation of the kind that failed last may not be tried before this.
        var backoff = AttachmentBackoff()

        var isWanted: Bool { !pods.isEmpty }
        var isOccupied: Bool { attachment != .detached }
    }

    /// What is under way for a volume and a node.
    struct Operation: Sendable {
        enum Kind: Sendable { case attach, detach }
        let kind: Kind
        /// The VolumeAttachment it is about.
        let attachment: String
        /// When the wait for the external attacher began; nil: the requests are not answered yet.
        var waitsSince: SimulatedTime?
        /// When the attachment was seen to be as wished, or to be impossible.
        var settled: SimulatedTime?
        /// When the controller looks and finds it so.
        var ends: SimulatedTime?
    }

    func index(of node: String) -> Int? { places.firstIndex { $0.node == node } }

    /// Whether an operation of the volume keeps others from beginning at this place: of a volume that one node alone may have there
    /// is one at a time.
    func isBusy(_ index: Int) -> Bool {
        volume.allowsSeveralNodes ? places[index].operation != nil : places.contains { $0.operation != nil }
    }

    /// Until when operations of a kind wait at this place.
    func backoffOver(_ kind: Operation.Kind, _ index: Int) -> SimulatedTime {
        if volume.allowsSeveralNodes { return places[index].backoff.over(kind) }
        return places.reduce(.distantPast) { max($0, $1.backoff.over(kind)) }
    }
}

/// A pod that wants a volume.
struct PodReference: Hashable, Sendable {
    let name: NamespacedName
    let uid: UID
}

/// The wait after operations that failed: half a second, doubled up to two minutes and two seconds.
struct AttachmentBackoff: Sendable {
    private static let initial = SimulatedDuration.milliseconds(500)
    private static let maximum = SimulatedDuration.seconds(122)

    private var kind: VolumeRecord.Operation.Kind?
    private var wait = SimulatedDuration.zero
    private var until = SimulatedTime.distantPast

    /// Until when an operation of this kind waits.
    func over(_ kind: VolumeRecord.Operation.Kind) -> SimulatedTime { self.kind == kind ? until : .distantPast }

    mutating func fail(_ kind: VolumeRecord.Operation.Kind, at now: SimulatedTime) {
        wait = self.kind == kind && wait > .zero ? min(wait * 2, AttachmentBackoff.maximum) : AttachmentBackoff.initial
        self.kind = kind
        until = now + wait
    }
}

/// When the controller looks at a VolumeAttachment that it waits for: half a second after it began, then at waits that grow slowly.
enum AttachmentPolls {
    private static let initial = 0.5
    private static let factor = 1.05
    private static let maximum = 7.0
    /// What the wait for the external attacher may take.
    static let timeout = SimulatedDuration.seconds(120)

    /// The first look at or after `time`.
    static func first(since begin: SimulatedTime, atOrAfter time: SimulatedTime) -> SimulatedTime {
        var wait = initial
        var look = begin + SimulatedDuration(seconds: wait)
        while look < time {
            wait = min(wait * factor, maximum)
            look += SimulatedDuration(seconds: wait)
        }
        return look
    }
}
