// Ingress: which Service a request's host and path lead to.

import KubernetesAPI

/// The rules of one or several Ingresses that one controller serves.
///
/// <https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types>: an exact host goes before a wildcard, and that before no host; then
/// the longest path, and among equals an exact one.
public struct IngressRules: Hashable, Sendable {
    public enum PathType: String, Hashable, Sendable {
        case exact = "Exact"
        /// By whole elements of the path.
        case prefix = "Prefix"
        /// Left to the controller; here as `Prefix`.
        case implementationSpecific = "ImplementationSpecific"
    }

    /// Where requests go.
    public struct Backend: Hashable, Sendable {
        public var service: NamespacedName
        /// The Service port's name or number.
        public var port: IntOrString

        public init(service: NamespacedName, port: IntOrString) {
            self.service = service
            self.port = port
        }
    }

    public struct Rule: Hashable, Sendable {
        /// Empty: any; `*.` and a domain: any with one more label.
        public var host: String
        public var path: String
        public var pathType: PathType
        public var backend: Backend

        public init(host: String = "", path: String, pathType: PathType, backend: Backend) {
            self.host = host
            self.path = path
            self.pathType = pathType
            self.backend = backend
        }
    }

    public var rules: [Rule]
    /// For requests that no rule is for.
    public var defaultBackend: Backend?

    public init(_ rules: [Rule], defaultBackend: Backend? = nil) {
        self.rules = rules
        self.defaultBackend = defaultBackend
    }

    /// The backend of a request; nil: there is none (the controller answers 404).
    ///
    /// Once a host is known to the rules, requests for it that match none of its paths do not fall back to rules of less specific hosts.
    public func backend(host: String, path: String) -> Backend? {
        let ranks = rules.map { Self.rank(of: $0.host, for: host) }
        guard let best = ranks.compactMap({ $0 }).max() else { return defaultBackend }
        var chosen: (rule: Rule, length: Int)?
        for (rule, rank) in zip(rules, ranks) where rank == best && rule.admits(path) {
            let length = rule.path.utf8.count
            let isBetter = chosen.map {
                length > $0.length || (length == $0.length && rule.pathType == .exact && $0.rule.pathType != .exact)
            }
            if isBetter ?? true { chosen = (rule, length) }
        }
        return chosen?.rule.backend ?? defaultBackend
    }

    /// How specific a rule's host is for a request's: nil if it is for others.
    private static func rank(of pattern: String, for host: String) -> Int? {
        if pattern.isEmpty { return 0 }
        let host = host.lowercased()
        if pattern == host { return Int.max }
        guard pattern.hasPrefix("*."), let dot = host.firstIndex(of: "."), dot > host.startIndex else { return nil }
        return host[dot...] == pattern.dropFirst() ? pattern.utf8.count : nil
    }
}

extension IngressRules.Rule {
    fileprivate func admits(_ requested: String) -> Bool {
        if pathType == .exact { return requested == path }
        let wanted = path.split(separator: "/")
        let given = requested.split(separator: "/")
        return given.count >= wanted.count && zip(wanted, given).allSatisfy { $0 == $1 }
    }
}
