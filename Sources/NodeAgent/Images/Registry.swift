// The registry that all nodes pull images from: whether it answers, and how its bandwidth is shared.

import DiscreteEvents
import KubernetesAPI

/// All nodes that pull get equal parts of the registry's bandwidth, but no node more than its own (processor sharing). What one of
/// them has been given since the registry was idle last is therefore the same for all that pulled all the time: a node's next image is
/// complete when that sum reaches a certain value, however many nodes come and go meanwhile.
struct Registry: Sendable {
    /// Bytes per second, in all and for one node.
    private let bandwidth: Double
    private let nodeBandwidth: Double
    /// Bytes that went to each pulling node.
    private(set) var served = 0.0
    private var asOf = SimulatedTime.zero
    private var pulling: [(node: Int32, complete: Double)] = []
    /// The time of the timer that is set.
    var timer = SimulatedTime.distantFuture

    /// `bandwidth` 0: as much as all nodes together can take.
    init(bandwidth: Double, nodeBandwidth: Double) {
        self.bandwidth = bandwidth > 0 ? bandwidth : .infinity
        self.nodeBandwidth = nodeBandwidth
    }

    private var rate: Double { min(nodeBandwidth, bandwidth / Double(max(1, pulling.count))) }

    mutating func advance(to now: SimulatedTime) {
        if pulling.isEmpty { served = 0 } else { served += (now - asOf).seconds * rate }
        asOf = now
    }

    /// A node's next image is complete when so much was served; nil: it pulls nothing. Complexity: O(pulling nodes).
    mutating func set(_ node: Int, complete: Double?) {
        let index = pulling.firstIndex { $0.node == Int32(node) }
        switch (index, complete) {
        case (let index?, let complete?): pulling[index].complete = complete
        case (let index?, nil): pulling.remove(at: index)
        case (nil, let complete?): pulling.append((Int32(node), complete))
        case (nil, nil): break
        }
    }

    /// When the next image of some node is complete, if nothing changes before. Complexity: O(pulling nodes).
    var next: SimulatedTime {
        guard let first = pulling.map(\.complete).min() else { return .distantFuture }
        return asOf + SimulatedDuration(seconds: max(0, first - served) / rate)
    }

    /// The nodes one of whose images is complete by now: less than half a nanosecond is missing.
    var complete: [Int] { pulling.filter { $0.complete - served <= rate * 0.5e-9 }.map { Int($0.node) } }
}

/// Why an image could not be pulled.
enum PullFailure: UInt8, Sendable {
    /// The registry does not have it.
    case notFound
    /// The registry does not answer.
    case unavailable

    /// The container runtime's words (containerd's).
    func text(_ image: String) -> String {
        let reference = ImageReference.full(image)
        let failed = "failed to pull and unpack image \"\(reference)\": failed to resolve reference \"\(reference)\": "
        switch self {
        case .notFound: return "rpc error: code = NotFound desc = " + failed + "\(reference): not found"
        case .unavailable:
            let parts = reference.split(separator: "/", maxSplits: 1)
            let host = parts[0]
            let path = parts.count > 1 ? parts[1] : ""
            let tag = path.lastIndex(of: ":").map { path[path.index(after: $0)...] } ?? "latest"
            let name = path.lastIndex(of: ":").map { path[..<$0] } ?? path
            return "rpc error: code = Unknown desc = " + failed
                + "failed to do request: Head \"https://\(host)/v2/\(name)/manifests/\(tag)\": dial tcp: connect: connection refused"
        }
    }
}

/// What the registry knows of an image.
public struct ImageRecord: Hashable, Sendable {
    /// Bytes to pull; nil: what the workload's behaviour says.
    public var bytes: Int64?
    /// It is not there: every pull of it fails.
    public var isMissing: Bool

    public init(bytes: Int64? = nil, isMissing: Bool = false) {
        self.bytes = bytes
        self.isMissing = isMissing
    }
}

extension ImageReference {
    /// The name in full: `web:1` is `docker.io/library/web:1`.
    ///
    /// Asked for at every start of a container: it looks at bytes, and makes no text where the name is in full already.
    static func full(_ image: String) -> String {
        var isPath = false
        var hasHostMark = false
        // A tag or a digest, in the last part.
        var hasTag = false
        for byte in image.utf8 {
            switch byte {
            case UInt8(ascii: "/"): (isPath, hasTag) = (true, false)
            case UInt8(ascii: "."): if !isPath { hasHostMark = true }
            case UInt8(ascii: ":"):
                if !isPath { hasHostMark = true }
                hasTag = true
            case UInt8(ascii: "@"): hasTag = true
            default: break
            }
        }
        let namesHost = isPath && (hasHostMark || image.utf8.starts(with: "localhost/".utf8))
        if namesHost, hasTag { return image }
        let name = namesHost ? image : "docker.io/" + (isPath ? image : "library/" + image)
        return hasTag ? name : name + ":latest"
    }
}
