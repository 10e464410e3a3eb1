// Which ConfigMaps and Secrets there are, and which entries they have: what kubelets ask for before they start a container.

import KubernetesAPI

/// One for all kubelets. Namespaces of a dump that tells of no ConfigMap (or Secret) at all are taken to have them all: such dumps
/// leave them out.
struct ConfigurationDirectory: Sendable {
    private struct Key: Hashable, Sendable {
        let source: ConfigurationReference.Source
        let namespace: String
        /// Empty: the whole namespace, if nobody told what it has.
        let name: String
    }

    /// The names of the entries.
    private var entries: [Key: [String]] = [:]

    mutating func set(_ source: ConfigurationReference.Source, _ name: NamespacedName, keys: [String]?) {
        entries[Key(source: source, namespace: name.namespace, name: name.name)] = keys
    }

    /// Nothing is known of the namespace: whatever is asked for is there.
    mutating func assumeAll(_ source: ConfigurationReference.Source, in namespace: String) {
        entries[Key(source: source, namespace: namespace, name: "")] = []
    }

    /// Every namespace has the root certificate, sooner or later: it is not asked for.
    private static let certificate = "kube-root-ca.crt"

    /// Whether it holds of an object what is stored of it (nil: nothing is); true of what is none of its business.
    func agrees(with stored: APIObject?, _ key: ObjectKey) -> Bool {
        func entries(_ source: ConfigurationReference.Source) -> [String]? {
            self.entries[Key(source: source, namespace: key.name.namespace, name: key.name.name)]
        }
        switch key.kind {
        case .configMap where key.name.name == ConfigurationDirectory.certificate: return true
        case .configMap: return entries(.configMap) == stored.flatMap(ConfigMap.cast)?.value.keys
        case .secret: return entries(.secret) == stored.flatMap(Secret.cast)?.value.keys
        default: return true
        }
    }

    /// Why a volume cannot be filled, in the kubelet's words; nil if it can.
    func problem(ofVolume references: [ConfigurationReference], in namespace: String) -> String? {
        let problems = references.compactMap { reference in
            problem(of: reference, in: namespace) { key in
                switch reference.source {
                case .configMap: "configmap references non-existent config key: \(key)"
                case .secret: "references non-existent secret key: \(key)"
                }
            }
        }
        return problems.count > 1 ? "[" + problems.joined(separator: ", ") + "]" : problems.first
    }

    /// Why a container's environment cannot be made, in the kubelet's words; nil if it can.
    func problem(ofEnvironment references: [ConfigurationReference], in namespace: String) -> String? {
        for reference in references {
            let found = problem(of: reference, in: namespace) { key in
                let kind = reference.source == .configMap ? "ConfigMap" : "Secret"
                return "couldn't find key \(key) in \(kind) \(namespace)/\(reference.name)"
            }
            if let found { return found }
        }
        return nil
    }

    private func problem(
        of reference: ConfigurationReference, in namespace: String, withoutKey: (String) -> String
    ) -> String? {
        if reference.isOptional || reference.name.isEmpty { return nil }
        guard let keys = entries[Key(source: reference.source, namespace: namespace, name: reference.name)] else {
            if reference.source == .configMap, reference.name == ConfigurationDirectory.certificate { return nil }
            if entries[Key(source: reference.source, namespace: namespace, name: "")] != nil { return nil }
            return (reference.source == .configMap ? "configmap" : "secret") + " \"\(reference.name)\" not found"
        }
        return reference.keys.first { !keys.contains($0) }.map(withoutKey)
    }
}
