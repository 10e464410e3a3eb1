// Why each node is down or cut off: causes overlap, and a node is back when its last one is over.

import DiscreteEvents

/// The causes that keep one node from working.
struct NodeFaults: Sendable {
    enum Strike: Sendable {
        /// It makes no difference to what the node does already.
        case nothing
        case stopMachine, stopKubelet, cutOff
    }
    enum Relief: Sendable {
        case nothing
        /// The machine or the kubelet comes up again.
        case comeBack
        /// The kubelet, which ran all the time, reaches the control plane again.
        case reconnect
    }

    private var crashes = 0
    private var stops = 0
    private var cuts = 0
    /// It came up while it was cut off: its kubelet waits for a list of its pods.
    private var waitsForNetwork = false
    /// When the kubelet, whose way is free again, will be heard, and will hear; nil: it does, or the way is not free.
    var reportsAt: SimulatedTime?
    var relistsAt: SimulatedTime?

    /// Whether the node works as far as it can be seen from outside.
    private var isUp: Bool { !isStopped && cuts == 0 }
    /// Whether its machine or its kubelet does not run, or has not taken up its pods again.
    var isStopped: Bool { crashes + stops > 0 || waitsForNetwork }
    /// Whether the way to the control plane is cut.
    var isCutOff: Bool { cuts > 0 }
    /// Whether its lease is renewed.
    var isHeard: Bool { isUp && reportsAt == nil }
    /// Whether requests of its kubelet reach nobody.
    var isMute: Bool { cuts > 0 || reportsAt != nil }

    mutating func strike(_ effect: Fault.Effect) -> Strike {
        switch effect {
        case .crash, .reclamation:
            crashes += 1
            waitsForNetwork = false
            forgetReconnection()
            return crashes == 1 ? .stopMachine : .nothing
        case .kubeletStop:
            stops += 1
            guard crashes + stops == 1 else { return .nothing }
            waitsForNetwork = false
            forgetReconnection()
            return .stopKubelet
        case .partition:
            cuts += 1
            forgetReconnection()
            return cuts == 1 && crashes + stops == 0 && !waitsForNetwork ? .cutOff : .nothing
        case .load: return .nothing
        }
    }

    mutating func relieve(_ effect: Fault.Effect) -> Relief {
        switch effect {
        case .crash, .reclamation: crashes -= 1
        case .kubeletStop: stops -= 1
        case .partition:
            cuts -= 1
            guard cuts == 0, crashes + stops == 0 else { return .nothing }
            defer { waitsForNetwork = false }
            return waitsForNetwork ? .comeBack : .reconnect
        case .load: return .nothing
        }
        guard crashes + stops == 0 else { return .nothing }
        if cuts > 0 { waitsForNetwork = true }
        return cuts > 0 ? .nothing : .comeBack
    }

    private mutating func forgetReconnection() {
        reportsAt = nil
        relistsAt = nil
    }
}
