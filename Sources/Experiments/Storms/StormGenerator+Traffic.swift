// Requests through the Services of a storm: so what kube-proxies go by is watched as well, and a network that is torn apart.

extension StormGenerator {
    /// A quarter of the storms have sources of requests.
    mutating func makeTraffic() {
        let services = storm.objects.filter { $0.name.hasPrefix("Service/") }
        guard requests.chance(0.25), !services.isEmpty else { return }
        for number in 0..<requests.number(1...2) {
            let service = requests.pick(services)
            let zone = requests.pick(storm.pools).zone
            let (origin, needs): (String, [StormScenario.Need]) =
                requests.chance(0.5) ? ("", []) : (", from: {zone: \"\(zone)\"}", [.zone(zone)])
            let connections = requests.chance(0.3) ? ", keepAlive: 30s" : ""
            let name = service.name.split(separator: "/").dropFirst().joined(separator: "/")
            storm.sources.append(
                .init(
                    text: "{name: users-\(number), service: \(name), poisson: {rate: \(requests.pick([1, 5]))}, "
                        + "timeout: \(requests.number(1...5))s\(origin)\(connections)}",
                    needs: needs + [.object(service.name)]))
        }
    }

    /// Partitions that cut pods off, too, in storms with requests.
    mutating func cutOfPods() -> String { storm.sources.isEmpty || !requests.chance(0.5) ? "" : ", cutsPods: true" }
}
