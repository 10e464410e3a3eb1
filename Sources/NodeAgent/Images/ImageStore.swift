// The images a node has, and those it is pulling.

import DiscreteEvents
import KubernetesAPI

/// Pulls are serial (`serializeImagePulls`, the kubelet's default) or a few at a time (`maxParallelImagePulls`), in the order they
/// were asked for. Of parallel pulls, two of the same image are one. Serial ones are one after another: what the first has brought is
/// there for the next, which yet has to wait for its turn.
/// <https://kubernetes.io/docs/concepts/containers/images/>
struct ImageStore: Sendable {
    struct Image: Sendable {
        /// As the node's status has them.
        let names: [String]
        /// The same in full: by these it is found.
        let references: [String]
        let bytes: Int64
        /// Since when it is there, and until when a container used it last, as far as that is over.
        let presentSince: SimulatedTime
        var lastUsed: SimulatedTime

        /// An image with one name, which is in full.
        init(pulled reference: String, bytes: Int64, at time: SimulatedTime) {
            names = [reference]
            references = names
            self.bytes = bytes
            presentSince = time
            lastUsed = time
        }

        init(names: [String], bytes: Int64, presentSince: SimulatedTime, lastUsed: SimulatedTime) {
            self.names = names
            references = names.map(ImageReference.full)
            self.bytes = bytes
            self.presentSince = presentSince
            self.lastUsed = lastUsed
        }
    }

    /// A container that waits for an image.
    struct Request: Sendable {
        /// The generation of the pod's state on its kubelet.
        var pod: UInt32
        var container: Int32
        var at: SimulatedTime
    }

    struct Pull: Sendable {
        var image: String
        var bytes: Int64
        /// Bytes that are still to come, when the node had been served so much.
        fileprivate var left: Double
        var begins = SimulatedTime.distantFuture
        var requests: [Request]
    }

    /// What the rules say about images, whatever the node has of them.
    struct Conditions: Sendable {
        /// Pulls at a time.
        var limit: Int
        var failure: PullFailure?
    }

    enum Answer: Equatable {
        case present
        /// It had to be pulled, and that took no time.
        case arrived
        case underWay
        case failed(PullFailure)
        /// It is not there and must not be pulled.
        case notAllowed
    }

    private(set) var images: [Image] = []
    /// Of the images that are there.
    private var references: Set<String> = []
    /// Begun ones first.
    private(set) var pulls: [Pull] = []
    private var begun = 0
    /// How much the registry had served each node when the pulls were looked at last.
    private var served = 0.0
    /// Whether pulls were asked for since they were arranged last.
    var hasNews = false
    /// The timer of garbage collection is set.
    var collectionIsDue = false
    /// What the node's status says of the images.
    var report = ImageReport()

    // MARK: Images

    /// What the node's status says is there already.
    init(_ images: [ContainerImage] = []) {
        self.images = images.map {
            Image(names: $0.names, bytes: max(0, $0.sizeBytes), presentSince: .distantPast, lastUsed: .distantPast)
        }
        for image in self.images { references.formUnion(image.references) }
        report.shown = images
    }

    /// An image was pulled: the runtime has it under its name in full.
    private mutating func add(_ reference: String, bytes: Int64, at now: SimulatedTime) {
        guard references.insert(reference).inserted else { return }
        images.append(Image(pulled: reference, bytes: max(0, bytes), at: now))
    }

    private func contains(_ reference: String) -> Bool { references.contains(reference) }

    var bytes: Int64 { images.reduce(Int64(0)) { $0.addingSaturated($1.bytes) } }

    /// A container that used the image is gone.
    mutating func touch(_ reference: String, at now: SimulatedTime) {
        guard let index = images.firstIndex(where: { $0.references.contains(reference) }) else { return }
        images[index].lastUsed = max(images[index].lastUsed, now)
    }

    mutating func remove(_ victims: [Image]) {
        images.removeAll { image in victims.contains { $0.references == image.references } }
        references = []
        for image in images { references.formUnion(image.references) }
    }

    // MARK: Pulls

    /// Asks for the image of a container.
    mutating func ask(
        for name: String, bytes: Int64, policy: ImagePullPolicy, _ conditions: Conditions, by request: Request
    ) -> Answer {
        let reference = ImageReference.full(name)
        let isPresent = contains(reference)
        switch policy {
        case .never: return isPresent ? .present : .notAllowed
        case .ifNotPresent: if isPresent { return .present }
        case .always: break
        }
        if conditions.limit > 1, let index = pulls.firstIndex(where: { $0.image == name }) {
            pulls[index].requests.append(request)
            return .underWay
        }
        let missing = isPresent ? 0 : max(0, bytes)
        if pulls.count < conditions.limit {
            if let failure = conditions.failure { return .failed(failure) }
            if missing == 0 {
                add(reference, bytes: bytes, at: request.at)
                return .arrived
            }
        }
        pulls.append(Pull(image: name, bytes: max(0, bytes), left: Double(missing), requests: [request]))
        hasNews = true
        return .underWay
    }

    /// The registry has served each pulling node so much by now; a node's pulls share its part evenly.
    mutating func serve(upTo total: Double) {
        if begun > 0, total > served {
            let part = (total - served) / Double(begun)
            for index in 0..<begun { pulls[index].left -= part }
        }
        served = total
    }

    /// How much must be served in all until the next pull is complete; nil: none is under way.
    var nextComplete: Double? {
        guard begun > 0 else { return nil }
        var least = pulls[0].left
        for index in 1..<begun where pulls[index].left < least { least = pulls[index].left }
        return served + max(0, least) * Double(begun)
    }

    /// Takes out the pulls that are complete, or that fail when their turn comes, and begins as many as may go on at a time.
    /// `slack`: the bytes that may be missing.
    mutating func takeEnded(
        slack: Double, at now: SimulatedTime, _ conditions: (Pull) -> Conditions
    ) -> [(pull: Pull, failure: PullFailure?)] {
        hasNews = false
        var ended: [(pull: Pull, failure: PullFailure?)] = []
        var index = 0
        while index < pulls.count {
            let conditions = conditions(pulls[index])
            if index >= begun {
                guard begun < conditions.limit else { break }
                pulls[index].begins = now
                if contains(ImageReference.full(pulls[index].image)) { pulls[index].left = 0 }
                begun += 1
            }
            let isComplete = pulls[index].left <= slack
            guard isComplete || conditions.failure != nil else {
                index += 1
                continue
            }
            let pull = pulls.remove(at: index)
            begun -= 1
            let failure = conditions.failure
            if failure == nil { add(ImageReference.full(pull.image), bytes: pull.bytes, at: now) }
            ended.append((pull, failure))
        }
        return ended
    }

    /// The kubelet stops: what it was pulling is lost.
    mutating func interrupt() {
        pulls = []
        begun = 0
        hasNews = false
    }
}
