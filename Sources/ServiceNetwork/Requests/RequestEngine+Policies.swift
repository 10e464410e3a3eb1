// Network policies: which requests they keep from which pods.

extension RequestEngine {
    /// Sets which connections network policies let nobody make: their packets are lost.
    /// - Parameters:
    ///   - flows: by the classes of their ends, which policies cannot tell apart.
    ///   - classes: by the number of an end, its class; of ends beyond, the number is the class.
    public mutating func deny(_ flows: Set<DeniedFlow>, classes: [Int32] = []) {
        let mayPass = !denied.isEmpty && (flows != denied || classes != policyClasses)
        denied = flows
        policyClasses = classes
        if mayPass { waysChanged() }
    }

    /// Sets the number of a pod as an end of connections: of those that it makes, and of those that are made to it.
    public mutating func setPolicyEnds(sending: Int32, receiving: Int32, of pod: PodNumber) {
        pods[Int(pod)].sendingEnd = sending
        pods[Int(pod)].receivingEnd = receiving
    }

    /// Sets the numbers of nodes as ends of connections, and of the clients outside that have addresses of their own.
    /// - Parameters:
    ///   - nodes: by the node's number.
    ///   - populations: by source, the number of the first client; those of the others follow. nil: it has none.
    public mutating func setPolicyEnds(ofNodes nodes: [Int32], ofPopulations populations: [Int32?]) {
        policyEndsOfNodes = nodes
        policyEndsOfPopulations = populations
    }

    /// Whether network policies keep an attempt of a request from a pod.
    ///
    /// Policies do not touch what a node sends to its own pods: its own processes, and what came from outside under `externalTrafficPolicy: Cluster`, to which
    /// kube-proxy gives the node's address. Under `Local` the client's address stays, and is what policies see.
    /// - Parameter node: where the attempt begins or comes in.
    @inline(__always)
    func isDenied(_ request: Request, _ pod: PodNumber, from node: NodeNumber) -> Bool {
        !denied.isEmpty && isRefused(request, pod, from: node)
    }

    private func isRefused(_ request: Request, _ pod: PodNumber, from node: NodeNumber) -> Bool {
        let (source, target) = (Int(request.source), pods[Int(pod)])
        let sender: Int32
        if request.policyEnd >= 0 {
            sender = request.policyEnd
        } else if sources[source].isFromOutside, table.keepsAddresses(ofClientsOutside: sources[source].port),
            policyEndsOfPopulations.indices.contains(source), let first = policyEndsOfPopulations[source]
        {
            sender = first + request.client
        } else {
            if target.node == node || !policyEndsOfNodes.indices.contains(Int(node)) { return false }
            sender = policyEndsOfNodes[Int(node)]
        }
        return denied.contains(DeniedFlow(from: policyClass(of: sender), to: policyClass(of: target.receivingEnd)))
    }

    private func policyClass(of end: Int32) -> Int32 { policyClasses.indices.contains(Int(end)) ? policyClasses[Int(end)] : end }
}
