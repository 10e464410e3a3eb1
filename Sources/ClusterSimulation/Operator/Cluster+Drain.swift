// Carrying out drains: requests, looks at the API server, and the passing of time.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Cluster {
    /// The token of a drain's call: a mark that no operation's number has, the drain, and what the call is about.
    private static let drainMark: UInt64 = 1 << 63

    private static func drainToken(_ drain: Int, about number: Int) -> UInt64 { drainMark | UInt64(drain) << 32 | UInt64(number) }

    /// Runs `kubectl drain` for these nodes. Returns the number of the operation.
    @discardableResult
    mutating func drain(_ nodes: [String], _ options: DrainOptions) -> Int {
        let operation = recorder.operated("drain " + nodes.joined(separator: " "), at: now)
        drains.append(Drain(nodes, options, operation: operation))
        let objects = api.objects
        let actions = drains[drains.count - 1].start { node in
            objects.get(Node.self, NamespacedName(namespace: "", name: node))?.value.spec.unschedulable ?? false
        }
        perform(actions, of: drains.count - 1)
        return operation
    }

    /// An answer to the operator; false if it is not one to a drain.
    mutating func answerDrain(_ token: UInt64, _ result: APIResult) -> Bool {
        guard token & Cluster.drainMark != 0 else { return false }
        let drain = Int(token >> 32 & 0x7FFF_FFFF)
        perform(drains[drain].answered(result, about: Int(token & 0xFFFF_FFFF), at: now), of: drain)
        return true
    }

    /// Whether a call with this token belongs to a drain that is part of a maintenance.
    func isForMaintenance(_ token: UInt64) -> Bool {
        token & Cluster.drainMark != 0 && drainsOfMaintenance[Int(token >> 32 & 0x7FFF_FFFF)] != nil
    }

    mutating func wakeDrain(_ drain: Int, pod: Int) {
        let present = api.objects.get(Pod.self, drains[drain].podName(pod))
        perform(drains[drain].wake(pod: pod, present: present, at: now), of: drain)
    }

    private mutating func perform(_ actions: [Drain.Action], of drain: Int) {
        let operation = drains[drain].operation
        for action in actions {
            switch action {
            case .send(let request, let number):
                send(APICall(.clusterOperator, request, token: Cluster.drainToken(drain, about: number)))
            case .wake(let delay, let pod): queue.schedule(.drainContinues(Int32(drain), pod: Int32(pod)), at: now + delay)
            case .list(let node):
                let pods = boundPods(of: node)
                perform(drains[drain].begin(pods: pods, at: now), of: drain)
            case .print(let line): recorder.printed(line, operation, at: now)
            case .end(let error):
                recorder.ended(operation, error: error, at: now)
                drainEnded(drain, error: error)
            }
        }
    }
}
