// Finalizers: names on an object that keep it until somebody has done something about it.
// <https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/>

/// Finalizers that the API server and the garbage collector know.
public enum Finalizers {
    public static let foregroundDeletion = "foregroundDeletion"
    public static let orphan = "orphan"
    /// On a PersistentVolumeClaim: pods may use it.
    public static let claimProtection = "kubernetes.io/pvc-protection"
    /// On a PersistentVolume: a claim may be bound to it.
    public static let volumeProtection = "kubernetes.io/pv-protection"
    /// In the spec of a Namespace: its content is not gone yet.
    public static let kubernetes = "kubernetes"

    /// What is wrong with a name without a domain: only Kubernetes' own may do without.
    static func validate(unqualified name: String, at path: String) -> [FieldError] {
        if name.contains("/") || [kubernetes, orphan, foregroundDeletion].contains(name) { return [] }
        return [.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")]
    }
}
