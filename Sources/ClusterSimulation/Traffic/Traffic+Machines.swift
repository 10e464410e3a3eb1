// The machines under the nodes, as connections through them feel it.

import DiscreteEvents
import ServiceNetwork

extension Traffic {
    /// Sets which nodes' machines are up: connections through one that goes down break.
    mutating func setMachines(_ up: [Bool], at now: SimulatedTime) {
        for (node, isUp) in up.enumerated() where node < nodeCount && engine.isMachineUp(NodeNumber(node)) != isUp {
            advance(to: now)
            engine.setMachine(of: NodeNumber(node), isUp: isUp)
        }
    }
}
