// How evenly the traffic of Services was split among their pods.

import KubernetesAPI
import ServiceNetwork

/// What the pods of a port would have got if its attempts had been split evenly over the endpoints that were ready at each moment.
struct PortShares: Sendable {
    struct Share: Sendable {
        let pod: PodNumber
        /// Its place among the rows of the record.
        let row: Int
        var even = 0.0
    }
    /// Of every pod that ever was an endpoint of the port.
    private(set) var all: [Share] = []
    private var places: [PodNumber: Int] = [:]
    /// Attempts that have been shared out.
    private var settled: UInt64 = 0

    func contains(_ pod: PodNumber) -> Bool { places[pod] != nil }

    mutating func add(_ pod: PodNumber, row: Int) {
        places[pod] = all.count
        all.append(Share(pod: pod, row: row))
    }

    /// Shares out the attempts since the last time over the pods that have been ready since then.
    mutating func settle(received: UInt64, over ready: [PodNumber]) {
        let attempts = Double(received - settled)
        settled = received
        for pod in ready { if let place = places[pod] { all[place].even += attempts / Double(ready.count) } }
    }
}

/// The Services and the pods behind them, each pair once.
struct ShareRows: Sendable {
    private struct Key: Hashable {
        var service: NamespacedName
        var pod: Int
    }
    private(set) var all: [(service: NamespacedName, pod: Int)] = []
    private var places: [Key: Int] = [:]

    mutating func place(of service: NamespacedName, _ pod: Int) -> Int {
        let key = Key(service: service, pod: pod)
        if let known = places[key] { return known }
        all.append((service, pod))
        places[key] = all.count - 1
        return all.count - 1
    }
}

extension Traffic {
    /// To be called before a port's endpoints change.
    mutating func settleShares(of index: Int) {
        let received = engine.received(through: ports[index].number)
        ports[index].shares.settle(received: received, over: ports[index].ready)
    }

    /// A port has a pod among its endpoints.
    mutating func share(_ index: Int, with pod: PodNumber) {
        if ports[index].shares.contains(pod) { return }
        ports[index].shares.add(pod, row: rows.place(of: ports[index].target.service, servers[pod].pod))
    }

    /// What each pod got of the traffic of each Service, and what an even split would have given it.
    mutating func podRecords() -> [TrafficRecord.Pod] {
        var records = rows.all.map { row in
            let pod = servers.pods[row.pod]
            let cpu = pod.servers.first.map { engine.cpuTime(of: $0).used } ?? 0
            return TrafficRecord.Pod(pod: pod.reference.key, service: row.service, received: 0, evenShare: 0, cpuSeconds: cpu)
        }
        for index in ports.indices {
            settleShares(of: index)
            for share in ports[index].shares.all {
                records[share.row].received += engine.received(by: share.pod, through: ports[index].number)
                records[share.row].evenShare += share.even
            }
        }
        return records
    }
}
