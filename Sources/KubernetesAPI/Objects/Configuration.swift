// ConfigMaps and Secrets: what pods are told from outside of their images. Only the names of the entries count here.
// <https://kubernetes.io/docs/concepts/configuration/configmap/>, <https://kubernetes.io/docs/concepts/configuration/secret/>

/// Entries by name, for anybody to read. A container or a volume that needs one waits until it is there.
public struct ConfigMap: KubernetesObject {
    public static var kind: Kind { .configMap }
    public var metadata: ObjectMeta
    /// The names of the entries in `data` and `binaryData`, sorted.
    public var keys: [String]
    /// A digest of the contents: another text is another object.
    public var contents: UInt64

    public init(metadata: ObjectMeta, keys: [String] = []) {
        self.metadata = metadata
        self.keys = keys.sorted()
        contents = 0
    }

    public static func erase(_ object: Shared<ConfigMap>) -> APIObject { .configMap(object) }
    public static func cast(_ erased: APIObject) -> Shared<ConfigMap>? {
        if case .configMap(let object) = erased { object } else { nil }
    }
}

/// Entries by name, for those who may read them.
public struct Secret: KubernetesObject {
    public static var kind: Kind { .secret }
    public var metadata: ObjectMeta
    /// The names of the entries in `data` and `stringData`, sorted.
    public var keys: [String]
    /// A digest of the contents: another text is another object.
    public var contents: UInt64

    public init(metadata: ObjectMeta, keys: [String] = []) {
        self.metadata = metadata
        self.keys = keys.sorted()
        contents = 0
    }

    public static func erase(_ object: Shared<Secret>) -> APIObject { .secret(object) }
    public static func cast(_ erased: APIObject) -> Shared<Secret>? {
        if case .secret(let object) = erased { object } else { nil }
    }
}

/// What a container's environment or a volume takes from a ConfigMap or Secret.
public struct ConfigurationReference: Hashable, Sendable {
    public enum Source: Hashable, Sendable { case configMap, secret }
    public var source: Source
    /// In the pod's namespace.
    public var name: String
    /// The entries asked for; empty: whatever there is.
    public var keys: [String]
    /// Whether a pod can do without it.
    public var isOptional: Bool

    public init(_ source: Source, _ name: String, keys: [String] = [], isOptional: Bool = false) {
        self.source = source
        self.name = name
        self.keys = keys
        self.isOptional = isOptional
    }
}
