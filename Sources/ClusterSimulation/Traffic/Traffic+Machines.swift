// The machines under the nodes, as connections through them feel it.

import DiscreteEvents
import ServiceNetwork

extension Traffic {
    /// Sets which nodes' machines are up: connections through one that goes down break.
    mutating func setMachines(_ up: [Bool], at now: SimulatedTime) {
        let changed = up.enumerated().filter { $0.offset < nodeCount && engine.isMachineUp(NodeNumber($0.offset)) != $0.element }
        if changed.isEmpty { return }
        advance(to: now)
        engine.setMachines(changed.map { (NodeNumber($0.offset), $0.element) })
    }
}
