// The next arrival of a process: where it stands, and its own random numbers.

import DiscreteEvents

/// Draws the arrivals of one source, one after the other.
struct ArrivalClock: Hashable, Sendable {
    let process: ArrivalProcess
    private var stream: RandomStream
    /// The state of a modulated process, and until when; the place in a replay.
    private var place = 0
    private var stateEnds: SimulatedTime?

    init(_ process: ArrivalProcess, stream: RandomStream) {
        self.process = process
        self.stream = stream
    }

    /// Of a replay: the number of the arrival that ``next(after:)`` told last.
    var row: UInt64 { UInt64(place - 1) }

    /// When the request after the one at `time` comes (or the first one after the source's start); nil if none comes any more.
    mutating func next(after time: SimulatedTime) -> SimulatedTime? {
        switch process {
        case .poisson(let rate): return rate > 0 ? time + gap(rate) : nil
        case .deterministic(let interval): return time + interval
        case .renewal(let gaps): return time + gaps.sampleDuration(&stream)
        case .modulated(let states): return nextModulated(states, after: time)
        case .curve(let curve): return next(on: curve, after: time)
        case .replay(let times):
            while place < times.count, times[place] < time { place += 1 }
            defer { place += 1 }
            return place < times.count ? times[place] : nil
        case .closed, .onDemand: return nil
        }
    }

    private mutating func gap(_ rate: Double) -> SimulatedDuration {
        SimulatedDuration(seconds: unitExponential() / rate)
    }

    /// An exponential number of mean 1, by inversion.
    private mutating func unitExponential() -> Double { -naturalLogarithm(stream.uniform()) }

    private mutating func nextModulated(_ states: [ArrivalProcess.ModulatedState], after time: SimulatedTime) -> SimulatedTime? {
        guard states.contains(where: { $0.rate > 0 && $0.meanStay > 0 }) else { return nil }
        var time = time
        while true {
            let ends = stateEnds ?? time + SimulatedDuration(seconds: unitExponential() * states[place].meanStay)
            stateEnds = ends
            if states[place].rate > 0 {
                // What is left of a gap at a change of state is forgotten: exponential times have no memory.
                let arrival = time + gap(states[place].rate)
                if arrival <= ends { return arrival }
            }
            time = ends
            place = (place + 1) % states.count
            stateEnds = nil
        }
    }

    /// Inverts the integral of the rate: the gap is over when that has grown by an exponential number of mean 1.
    private mutating func next(on curve: RateCurve, after time: SimulatedTime) -> SimulatedTime? {
        guard curve.points.contains(where: { $0.rate > 0 }) else { return nil }
        var left = unitExponential()
        var time = time
        while true {
            let segment = curve.segment(at: time)
            let slope = (segment.to - segment.from) / segment.duration.seconds
            let rate = segment.from + slope * (time - segment.start).seconds
            let rest = (segment.start + segment.duration - time).seconds
            let area = (rate + segment.to) / 2 * rest
            if left < area {
                // rate x + slope x² / 2 = left, in the form that is exact for any slope.
                let root = max(rate * rate + 2 * slope * left, 0).squareRoot()
                return time + SimulatedDuration(seconds: min(2 * left / (rate + root), rest))
            }
            left -= area
            time = segment.start + segment.duration
        }
    }
}
