// Ingress: which Service a request's host and path lead to.

import KubernetesAPI

/// The rules of one or several Ingresses that one controller serves.
///
/// <https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types>: an exact host goes before a wildcard, and that before no host; then
/// the longest path, and among equals an exact one.
public struct IngressRules: Hashable, Sendable {
    public typealias PathType = IngressPath.PathType

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

extension IngressRules {
    /// The rules of Ingresses; of two for the same, that of the older Ingress counts.
    public init(of ingresses: [Ingress]) {
        let sorted = ingresses.sorted {
            ($0.metadata.creationTimestamp, $0.metadata.key) < ($1.metadata.creationTimestamp, $1.metadata.key)
        }
        var rules: [Rule] = []
        for ingress in sorted {
            for rule in ingress.rules {
                for path in rule.paths ?? [] {
                    guard let backend = Backend(path.backend, in: ingress.metadata.namespace), let type = path.pathType else { continue }
                    rules.append(Rule(host: rule.host, path: path.path, pathType: type, backend: backend))
                }
            }
        }
        let fallback = sorted.lazy.compactMap { ingress in
            ingress.defaultBackend.flatMap { Backend($0, in: ingress.metadata.namespace) }
        }.first
        self.init(rules, defaultBackend: fallback)
    }
}

extension IngressRules.Backend {
    /// nil: no Service.
    fileprivate init?(_ backend: IngressBackend, in namespace: String) {
        guard let service = backend.service else { return nil }
        let port = backend.portName.isEmpty ? IntOrString.int(backend.portNumber) : .string(backend.portName)
        self.init(service: NamespacedName(namespace: namespace, name: service), port: port)
    }
}
