// Why the API server refuses a request: in its own words, with its codes and reasons.
// <https://kubernetes.io/docs/reference/using-api/api-concepts/>

import KubernetesAPI

/// The API server's refusals, with its own wording.
public enum APIError: Error, Sendable, Hashable, CustomStringConvertible {
    case notFound(ObjectKey)
    case alreadyExists(ObjectKey)
    case conflict(ObjectKey)
    /// The pod cannot be bound as it is: bound already, being deleted, or gated.
    case bindingConflict(ObjectKey, String)
    /// A precondition (UID) did not hold.
    case preconditionFailed(ObjectKey, expected: UID, found: UID)
    /// Validation failed; the text lists the causes, if there are any.
    case invalid(ObjectKey, String, causes: [FieldError] = [])
    case forbidden(ObjectKey, String)
    case badRequest(String)
    case internalError(String)
    /// A PodDisruptionBudget does not let the pod go now. `cause` names the budget and says why; `retryAfter`: seconds the client
    /// should wait, 0 if that cannot be told.
    case tooManyRequests(ObjectKey, cause: String, retryAfter: Int)
    /// Several PodDisruptionBudgets select the pod: the Eviction API cannot decrement more than one at once.
    case severalBudgets(ObjectKey)
    /// Priority and fairness rejects the request: too many are waiting.
    case overloaded
    /// It took too long; it may have been carried out.
    case timeout
    /// Nobody listens.
    case unavailable

    public var description: String {
        switch self {
        case .notFound(let key): "\(key.resource) \"\(key.plainName)\" not found"
        case .alreadyExists(let key): "\(key.resource) \"\(key.plainName)\" already exists"
        case .conflict(let key):
            "Operation cannot be fulfilled on \(key.resource) \"\(key.plainName)\": "
                + "the object has been modified; please apply your changes to the latest version and try again"
        case .bindingConflict(let key, let why):
            "Operation cannot be fulfilled on pods/binding \"\(key.name.name)\": \(why)"
        case .preconditionFailed(let key, let expected, let found):
            "Operation cannot be fulfilled on \(key.resource) \"\(key.plainName)\": "
                + "Precondition failed: UID in precondition: \(expected), UID in object meta: \(found)"
        case .invalid(let key, let text, _): "\(APIError.qualifiedKind(key)) \"\(key.plainName)\" is invalid: \(text)"
        case .badRequest(let text): text
        case .internalError(let text): "Internal error occurred: \(text)"
        case .forbidden(let key, let why): "\(key.resource) \"\(key.plainName)\" is forbidden: \(why)"
        case .tooManyRequests: "Cannot evict pod as it would violate the pod's disruption budget."
        case .overloaded: "the server has received too many requests and has asked us to try again later"
        case .timeout: "Timeout: request did not complete within requested timeout - context deadline exceeded"
        case .unavailable: "dial tcp: connect: connection refused"
        case .severalBudgets: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        }
    }

    /// The kind with its API group, `Deployment.apps`.
    private static func qualifiedKind(_ key: ObjectKey) -> String {
        let kind = key.kind
        return switch kind {
        case .deployment, .replicaSet, .statefulSet, .daemonSet, .controllerRevision: "\(kind).apps"
        case .job, .cronJob: "\(kind).batch"
        case .endpointSlice: "\(kind).discovery.k8s.io"
        case .horizontalPodAutoscaler: "\(kind).autoscaling"
        case .priorityClass: "\(kind).scheduling.k8s.io"
        case .podDisruptionBudget: "\(kind).policy"
        case .storageClass, .csiNode, .csiDriver, .csiStorageCapacity, .volumeAttachment: "\(kind).storage.k8s.io"
        case .pod, .node, .namespace, .event, .persistentVolume, .persistentVolumeClaim, .service, .replicationController,
            .resourceQuota, .limitRange, .serviceAccount, .configMap, .secret, .endpoints:
            "\(kind)"
        case .ingress, .networkPolicy: "\(kind).networking.k8s.io"
        case .unstructured: String(key.name.name.prefix { $0 != "/" })
        }
    }

    /// The request met another state of the object than it expected, and may be tried again on the present one.
    public var isConflict: Bool {
        switch self {
        case .conflict, .bindingConflict: true
        case .notFound, .alreadyExists, .preconditionFailed, .invalid, .forbidden, .badRequest, .internalError, .tooManyRequests,
            .severalBudgets, .overloaded, .timeout, .unavailable:
            false
        }
    }
    /// The object was to be made in a namespace that is being deleted, where no later attempt will fare better.
    public var isNamespaceTerminating: Bool {
        if case .forbidden(_, let why) = self { why.hasSuffix(APIError.namespaceTerminating) } else { false }
    }
    static let namespaceTerminating = "because it is being terminated"
    public var isNotFound: Bool { if case .notFound = self { true } else { false } }
    public var isAlreadyExists: Bool { if case .alreadyExists = self { true } else { false } }
}

extension APIError {
    /// What validation found wrong with an object, in one refusal.
    static func invalid(_ object: APIObject, _ errors: [FieldError]) -> APIError {
        let causes = errors.map { $0.asAnswered(about: object.kind) }
        return .invalid(object.key, FieldError.aggregate(causes), causes: causes)
    }

    /// The status code of the answer (RFC 9110).
    public var code: Int {
        switch self {
        case .notFound: 404
        case .alreadyExists, .conflict, .bindingConflict, .preconditionFailed: 409
        case .invalid: 422
        case .forbidden: 403
        case .badRequest: 400
        case .internalError, .severalBudgets: 500
        case .tooManyRequests, .overloaded: 429
        case .timeout: 504
        case .unavailable: 503
        }
    }

    /// The reason by which clients tell refusals apart (`status.reason`).
    public var reason: String {
        switch self {
        case .notFound: "NotFound"
        case .alreadyExists: "AlreadyExists"
        case .conflict, .bindingConflict, .preconditionFailed: "Conflict"
        case .invalid: "Invalid"
        case .forbidden: "Forbidden"
        case .badRequest: "BadRequest"
        case .internalError: "InternalError"
        case .tooManyRequests, .overloaded: "TooManyRequests"
        case .timeout: "Timeout"
        // Not an answer of the server.
        case .unavailable: ""
        // The real answer has none.
        case .severalBudgets: ""
        }
    }
}

extension FieldError {
    /// The error with the path the API server gives: taints are where people look for them everywhere but in its answers.
    package func asAnswered(about object: KubernetesAPI.Kind) -> FieldError {
        let place = "spec.taints"
        guard object == .node, field.hasPrefix(place) else { return self }
        return FieldError(kind, field: "metadata.taints" + field.dropFirst(place.count), value: value, detail: detail)
    }
}
