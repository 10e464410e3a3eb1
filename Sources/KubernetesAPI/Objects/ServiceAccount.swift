// ServiceAccount: who a pod is to the API server.

/// <https://kubernetes.io/docs/concepts/security/service-accounts/>
public struct ServiceAccount: KubernetesObject {
    public static var kind: Kind { .serviceAccount }
    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) { self.metadata = metadata }

    /// The account of pods that name none; every namespace gets one.
    public static let defaultName = "default"

    public static func erase(_ object: Shared<ServiceAccount>) -> APIObject { .serviceAccount(object) }
    public static func cast(_ erased: APIObject) -> Shared<ServiceAccount>? {
        if case .serviceAccount(let object) = erased { object } else { nil }
    }
}
