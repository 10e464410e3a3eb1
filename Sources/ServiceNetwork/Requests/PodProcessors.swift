// The processors of a pod: what its requests want of them, what they get, and what they have used.

import DiscreteEvents

/// What a pod's requests have to do with cpu.
///
/// A request that is being served wants so many cores (``PortBehaviour/milliCPU``). As long as all of them, with whatever else their container does, want
/// no more than it may have, each goes on at full speed; beyond that all go on at the same part of it, as the kernel's fair scheduler divides a quota
/// among threads (processor sharing).
struct PodProcessors: Hashable, Sendable {
    /// What had been used at a time.
    private struct Figure: Hashable, Sendable {
        var time: SimulatedTime
        var used: Double
    }

    /// Figures of the past are not asked for beyond this.
    private let memory: SimulatedDuration
    /// Cores that the container may have.
    private(set) var allowed = Double.infinity
    /// Cores that it wants for other things than requests.
    private(set) var others = 0.0
    /// Thousandths of cores that the requests being served want.
    private var demand: Int64 = 0
    /// The part of its full speed at which each of them goes on.
    private(set) var speed = 1.0
    private var updated = SimulatedTime.zero
    /// Core seconds that requests wanted and got until then.
    private var wanted = 0.0
    private var used = 0.0
    /// At most one for each second in which something changed, and one for the last change before it.
    private var figures: [Figure] = []
    private var nextFigure = SimulatedTime.distantPast
    /// The pod's place among those whose requests share; -1: its requests have never had to.
    var sharing: Int32 = -1

    /// Nobody is held back without end.
    private static let minimumSpeed = 1e-6

    init(memory: SimulatedDuration) { self.memory = memory }

    /// Whether requests want more than they can have.
    var isShort: Bool { speed < 1 }

    // MARK: Changes

    mutating func set(_ allowed: Double, others: Double, at now: SimulatedTime) {
        advance(to: now)
        self.allowed = allowed
        self.others = others
        setSpeed()
    }

    /// A request that wants so much begins, and nobody has to share. False, and nothing is changed, if somebody has to, or had to once.
    mutating func beginUnshared(_ milliCPU: Int32, at now: SimulatedTime) -> Bool {
        let sum = demand + Int64(milliCPU)
        guard sharing < 0, others + Double(sum) / 1000 <= allowed else { return false }
        advance(to: now)
        demand = sum
        return true
    }

    /// A request ends in a pod whose requests never had to share; false, and nothing is changed, if they had to.
    mutating func endUnshared(_ milliCPU: Int32, at now: SimulatedTime) -> Bool {
        guard sharing < 0 else { return false }
        advance(to: now)
        demand -= Int64(milliCPU)
        return true
    }

    /// A request that wants so much begins, or (with a negative number) ends.
    mutating func change(by milliCPU: Int32, at now: SimulatedTime) {
        advance(to: now)
        demand += Int64(milliCPU)
        setSpeed()
    }

    /// All requests end.
    mutating func clear(at now: SimulatedTime) {
        advance(to: now)
        demand = 0
        setSpeed()
    }

    private mutating func setSpeed() {
        let wanted = others + Double(demand) / 1000
        speed = wanted > allowed ? max(allowed / wanted, PodProcessors.minimumSpeed) : 1
    }

    private mutating func advance(to now: SimulatedTime) {
        guard now > updated else { return }
        let step = Double(demand) / 1000 * (now - updated).seconds
        if now >= nextFigure {
            keep(Figure(time: updated, used: used))
            keep(Figure(time: now, used: used + step * speed))
            nextFigure = now + .seconds(1)
        }
        wanted += step
        used += step * speed
        updated = now
    }

    private mutating func keep(_ figure: Figure) {
        if let last = figures.last, last.time >= figure.time { return }
        let half = figures.count / 2
        if half >= 32, figures[half].time < figure.time - memory { figures.removeFirst(half) }
        figures.append(figure)
    }

    // MARK: Figures

    /// Core seconds that requests have wanted until a time, at or after the last change.
    func wanted(at now: SimulatedTime) -> Double { wanted + Double(demand) / 1000 * max((now - updated).seconds, 0) }

    /// Core seconds that requests have used until a time. Exact where nothing changed within a second of it; within a second of many changes, use is taken to be
    /// even.
    func used(at time: SimulatedTime) -> Double {
        if time >= updated { return used + Double(demand) / 1000 * speed * (time - updated).seconds }
        var (low, high) = (0, figures.count)
        while low < high {
            let middle = (low + high) / 2
            if figures[middle].time > time { high = middle } else { low = middle + 1 }
        }
        let after = low < figures.count ? figures[low] : Figure(time: updated, used: used)
        guard low > 0 else { return after.used }
        let before = figures[low - 1]
        return before.used + (after.used - before.used) * ((time - before.time) / (after.time - before.time))
    }
}

/// Requests that share a pod's processors.
///
/// All go on at one speed, so the order in which they end is known when they begin: by the service that each of them has had and still needs, on a
/// clock that runs at that speed.
struct SharedService: Hashable, Sendable {
    /// Service that a request would have got that was there all the time, seconds at full speed: the clock.
    private var served = 0.0
    private var updated = SimulatedTime.zero
    /// Who ends when on that clock.
    private var line = EventQueue<AttemptSlot>()
    /// Counts the events that announce the next end: earlier ones are void.
    var generation: UInt32 = 0
    /// When the next end was announced for.
    var announced = SimulatedTime.distantFuture

    /// Brings the clock forward; `speed` held since the last call.
    mutating func advance(to now: SimulatedTime, speed: Double) {
        served += max((now - updated).seconds, 0) * speed
        updated = now
    }

    /// A request joins that needs so many seconds of service.
    mutating func add(_ attempt: AttemptSlot, seconds: Double) {
        line.schedule(attempt, at: max(SimulatedTime(seconds: served + seconds), line.now))
    }

    /// When the next request ends if nothing changes; `.distantFuture`: none is there.
    func nextEnd(speed: Double) -> SimulatedTime {
        guard let next = line.nextTime else { return .distantFuture }
        return updated + SimulatedDuration(seconds: max(next.seconds - served, 0) / speed)
    }

    /// The request that ends now.
    mutating func takeFirst() -> AttemptSlot? {
        guard let (time, attempt) = line.popFirst() else { return nil }
        served = max(served, time.seconds)
        return attempt
    }

    mutating func removeAll() { line = EventQueue(startingAt: line.now) }
}
