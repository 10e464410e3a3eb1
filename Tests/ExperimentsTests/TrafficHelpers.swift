// What several tests of traffic ask of a run's requests, and how they put its manifests together.

@testable import ClusterSimulation

extension TrafficRecord {
    /// Requests of a source that ended badly in these seconds.
    func failures(from begin: Int, until end: Int, of source: Int = 0) -> Int {
        sources[source].failed[begin..<min(end, sources[source].failed.count)].reduce(0) { $0 + Int($1) }
    }

    /// Requests of a source that ended in these seconds.
    func ended(from begin: Int, until end: Int, of source: Int = 0) -> Int {
        sources[source].ended[begin..<min(end, sources[source].ended.count)].reduce(0) { $0 + Int($1) }
    }
}

func manifests(_ parts: String...) -> String { parts.joined(separator: "\n---\n") }
