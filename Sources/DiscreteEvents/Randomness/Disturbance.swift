// Times in which something that is tried again and again fails, or takes longer than usual.

/// A time in which attempts at something fail, with a probability, or take longer.
public struct Disturbance: Hashable, Sendable {
    /// From when on, and until when.
    public var from = SimulatedTime.zero
    public var until = SimulatedTime.distantFuture
    /// The probability with which an attempt fails that ends in this time.
    public var probability = 0.0
    /// What an attempt takes longer that begins in this time.
    public var delay = SimulatedDuration.zero
    /// Whose attempts are disturbed; nil: everybody's.
    public var subject: String?

    public init() {}

    fileprivate func reaches(_ subject: String, at time: SimulatedTime) -> Bool {
        from <= time && time < until && (self.subject ?? subject) == subject
    }
}

extension [Disturbance] {
    /// What an attempt of somebody takes longer that begins now.
    package func delay(of subject: String, at now: SimulatedTime) -> SimulatedDuration {
        reduce(.zero) { $1.reaches(subject, at: now) ? $0 + $1.delay : $0 }
    }

    /// Whether an attempt of somebody that ends now fails. Every attempt takes one draw of its stream.
    package func fails(_ subject: String, at now: SimulatedTime, _ stream: RandomStream) -> Bool {
        let good = reduce(1.0) { $1.reaches(subject, at: now) ? $0 * (1 - $1.probability) : $0 }
        var stream = stream
        return good < 1 && stream.bernoulli(1 - good)
    }
}
