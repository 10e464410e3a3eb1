// The arithmetic of probes: when a row of equal answers reaches a threshold, computed instead of asked tick by tick.
// <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>

import DiscreteEvents
import KubernetesAPI

/// A stretch of time in which a container answers all probes alike.
struct HealthPhase: Sendable {
    /// Where it ends; `.distantFuture`: never.
    var until: SimulatedTime
    var answers: Bool
    /// Failures come as a timeout: the container accepts and says nothing.
    var isHanging = false
}

/// What the kubelet's worker for one probe of one container remembers. It asks at `anchor + k x periodSeconds`; the container may be
/// another by then, the grid stays.
struct ProbeWorker: Hashable, Sendable {
    /// When a probe was or will be made. All others are whole periods away.
    private var anchor: SimulatedTime
    /// The first probe whose answer is not counted yet.
    private(set) var next: SimulatedTime
    /// Equal answers in a row: successes if positive, failures if negative. Kept from one container to the next, as the real one does.
    private(set) var streak: Int32 = 0

    init(startingAt time: SimulatedTime) {
        anchor = time
        next = time
    }

    /// What a probe came to: enough equal answers in a row.
    struct Verdict: Hashable, Sendable {
        var at: SimulatedTime
        var passes: Bool
    }

    // MARK: The grid

    /// The next probe is the first after `time`, and not before `earliest`.
    mutating func skip(past time: SimulatedTime, notBefore earliest: SimulatedTime, _ probe: Probe) {
        next = tick(atOrAfter: max(time + .nanoseconds(1), earliest), probe)
    }

    /// A probe is made at once, and the period counts from there on. That is how the kubelet treats readiness when a container
    /// has started: nobody shall wait a whole period for a container that is ready.
    /// A worker that has not begun yet finds the request when it does.
    mutating func trigger(at time: SimulatedTime, notBefore earliest: SimulatedTime, _ probe: Probe) {
        anchor = max(anchor, time)
        next = tick(atOrAfter: max(anchor, earliest), probe)
    }

    private func tick(atOrAfter time: SimulatedTime, _ probe: Probe) -> SimulatedTime {
        if time <= anchor { return anchor }
        let period = probe.period.nanoseconds
        return anchor + .nanoseconds(((time - anchor).nanoseconds + period - 1) / period * period)
    }

    // MARK: Verdicts

    /// The next verdict of a kind (nil: of either), with all answers up to it counted; nil if there will be none. Phases that are
    /// over do not count.
    mutating func verdict(_ wanted: Bool?, of probe: Probe, in phases: [HealthPhase]) -> Verdict? {
        for phase in phases where next < phase.until {
            let threshold = phase.answers ? probe.successThreshold : probe.failureThreshold
            let missing = max(1, Int64(threshold) - Int64(row(of: phase.answers)))
            let spacing = spacing(probe, phase)
            if wanted ?? phase.answers == phase.answers, missing <= ticks(spacing, until: phase.until) {
                let last = next + spacing * Int(missing - 1)
                count(missing, phase.answers)
                next = last + spacing
                return Verdict(at: last + (phase.isHanging ? probe.timeout : .zero), passes: phase.answers)
            }
            guard phase.until != .distantFuture else { return nil }
            pass(phase, until: phase.until, probe)
        }
        return nil
    }

    /// Counts all answers before `time`.
    mutating func advance(to time: SimulatedTime, of probe: Probe, in phases: [HealthPhase]) {
        for phase in phases where next < phase.until {
            pass(phase, until: min(phase.until, time), probe)
            if phase.until >= time { return }
        }
    }

    /// After a verdict that ends the container's life, or its start, counting begins anew.
    mutating func forget() { streak = 0 }

    private mutating func pass(_ phase: HealthPhase, until time: SimulatedTime, _ probe: Probe) {
        let spacing = spacing(probe, phase)
        let ticks = ticks(spacing, until: time)
        guard ticks > 0 else { return }
        count(ticks, phase.answers)
        next = next + spacing * Int(ticks)
    }

    /// How many probes begin before `time`.
    private func ticks(_ spacing: SimulatedDuration, until time: SimulatedTime) -> Int64 {
        if time == .distantFuture { return .max }
        return time <= next ? 0 : ((time - next).nanoseconds - 1) / spacing.nanoseconds + 1
    }

    /// A probe that waits for its timeout holds up the next one.
    private func spacing(_ probe: Probe, _ phase: HealthPhase) -> SimulatedDuration {
        phase.isHanging ? max(probe.period, probe.timeout) : probe.period
    }

    private func row(of answers: Bool) -> Int32 { answers ? max(0, streak) : max(0, -streak) }

    private mutating func count(_ times: Int64, _ answers: Bool) {
        let row = Int32(clamping: Int64(row(of: answers)) + min(times, Int64(Int32.max)))
        streak = answers ? row : -row
    }
}

extension Probe {
    var period: SimulatedDuration { .seconds(max(1, Int(periodSeconds))) }
    var timeout: SimulatedDuration { .seconds(max(1, Int(timeoutSeconds))) }

    /// Probes before this time are not made. The kubelet counts whole seconds from the start as its status has it, in whole seconds.
    func eligible(startedAt time: SimulatedTime) -> SimulatedTime {
        time.truncatedToSeconds + .seconds(max(0, Int(initialDelaySeconds)))
    }
}

/// The three kinds of probes, as messages name them.
enum ProbeKind: UInt8, Sendable {
    case startup, readiness, liveness

    var text: String {
        switch self {
        case .startup: "Startup"
        case .readiness: "Readiness"
        case .liveness: "Liveness"
        }
    }
}
