// How many pods are in which state, kept by difference: each commit takes the old version out and puts the new one in.

import APIServer
import KubernetesAPI

struct PodCounts: Sendable {
    private(set) var unscheduled = 0
    private(set) var starting = 0
    private(set) var running = 0
    private(set) var ready = 0
    private(set) var succeeded = 0
    private(set) var failed = 0
    private(set) var terminating = 0

    mutating func observe(_ event: WatchEvent) {
        if case .pod(let old)? = event.previous { count(old, by: -1) }
        if event.change != .deleted, case .pod(let new) = event.object { count(new, by: 1) }
    }

    private mutating func count(_ pod: Shared<Pod>, by step: Int) {
        if pod.isTerminating { terminating += step }
        switch pod.value.status.phase {
        case .pending: if pod.value.nodeName == nil { unscheduled += step } else { starting += step }
        case .running, .unknown:
            running += step
            if pod.isReady { ready += step }
        case .succeeded: succeeded += step
        case .failed: failed += step
        }
    }
}
