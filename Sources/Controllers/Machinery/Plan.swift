// What a reconciler decides: requests in steps, and what follows when they are answered.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// One request of a plan, with what its answer means.
package struct PlannedCall: Sendable {
    /// Refusals that count as success.
    package struct Forgiveness: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The object is gone already.
        package static let notFound = Forgiveness(rawValue: 1)
        /// There is an object of that name already.
        package static let alreadyExists = Forgiveness(rawValue: 2)
        /// Somebody else wrote first: the plan goes on as if it had been done (`onSuccess` included) and learns of it at its end.
        package static let conflict = Forgiveness(rawValue: 4)
        /// The namespace is being deleted: nothing is made in it any more, and there is nothing to report about it.
        package static let namespaceTerminating = Forgiveness(rawValue: 8)
    }

    package var request: APIRequest
    /// The object was written earlier in the same plan: use the version that write returned, not that of the cache.
    package var followsOwnWrites = false
    package var forgives: Forgiveness = []
    /// Reads the real controller makes before this request (see ``APICall/reads``).
    package var reads = 0
    /// After a conflict try once more with whatever version is stored (the real controller reads it afresh).
    package var overwritesOnConflict = false
    /// Whether the object that comes back is kept in ``PlanOutcome/results``.
    package var keepsResult = false
    /// Recorded when the request succeeded.
    package var onSuccess: Shared<KubernetesEvent>?
    /// Whether the name of the object that came back is appended to the message of `onSuccess`.
    package var namesResult = false
    /// Recorded when the request was refused; the refusal is appended to its message.
    package var onFailure: Shared<KubernetesEvent>?
    /// An object of that name that exists already is a refusal nobody needs to hear of: the cache was late.
    package var isSilentIfExisting = false

    package init(_ request: APIRequest) { self.request = request }

    package init(_ request: APIRequest, onSuccess: Shared<KubernetesEvent>?) {
        self.request = request
        self.onSuccess = onSuccess
    }
}

/// A reconciler's decision about one key.
///
/// The requests of a step go out together; the next step begins when all of them were answered well. A refusal ends the plan.
package struct Plan<Conclusion: Sendable>: Sendable {
    package var steps: [[PlannedCall]] = []
    /// What the reconciler wants to remember until the plan has ended.
    package var conclusion: Conclusion?
    /// Look at the key again at this time, if all goes well.
    package var again: SimulatedTime?
    /// Look at it then even if the plan fails, unless its back-off is over earlier.
    package var looksAgainAnyway = false
    /// Look at the key again after its back-off although nothing failed.
    package var retriesAnyway = false
    /// A failure known before any request was sent.
    package var failure: APIError?
    /// Recorded at once.
    package var events: [KubernetesEvent] = []

    package init() {}

    package init(steps: [[PlannedCall]]) { self.steps = steps }

    /// Adds a step of one request.
    package mutating func then(_ call: PlannedCall) { steps.append([call]) }
}

/// How a plan ended.
package struct PlanOutcome: Sendable {
    /// The first refusal, if any.
    package var error: APIError?
    /// Requests that were refused, or never sent because of a refusal.
    package var notDone: [APIRequest] = []
    /// Whether a conflict was forgiven.
    package var hadConflict = false
    /// What came back of the requests whose result is kept, in order of the answers.
    package var results: [APIObject] = []
    /// The newest version any of the requests wrote.
    package var writtenVersion: UInt64 = 0

    package init() {}
}

/// The sizes of the batches in which `count` objects are created: 1, 2, 4, ... so that a refusal (a quota, say) is met by one
/// request and not by hundreds.
package func slowStartBatches(_ count: Int) -> [Int] {
    var batches: [Int] = []
    var remaining = count
    var size = min(1, count)
    while size > 0 {
        batches.append(size)
        remaining -= size
        size = min(2 * size, remaining)
    }
    return batches
}
