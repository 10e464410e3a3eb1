// The generation of a DaemonSet's template: counted by the API server in an annotation, since the days before revisions.

import KubernetesAPI

extension DaemonSet {
    /// Raised when the template changes; the controller labels pods with it.
    package static let templateGenerationAnnotation = "deprecated.daemonset.template.generation"
}

extension APIObject {
    /// This object as created: a DaemonSet's template has its first generation.
    func withFirstTemplateGeneration() -> APIObject {
        guard case .daemonSet(let set) = self, set.value.templateGeneration == nil else { return self }
        return .daemonSet(set.with { $0.templateGeneration = 1 })
    }

    /// This next version of a stored object: another template has the next generation, whatever the client wrote.
    func withTemplateGeneration(after stored: APIObject) -> APIObject {
        guard case .daemonSet(let new) = self, case .daemonSet(let old) = stored else { return self }
        let generation = (old.value.templateGeneration ?? 0) &+ (new.value.spec.template == old.value.spec.template ? 0 : 1)
        guard generation > 0, new.value.templateGeneration != generation else { return self }
        return .daemonSet(new.with { $0.templateGeneration = generation })
    }
}

extension DaemonSet {
    fileprivate var templateGeneration: Int64? {
        get { metadata.annotations[DaemonSet.templateGenerationAnnotation].flatMap { Int64($0) } }
        set { metadata.annotations[DaemonSet.templateGenerationAnnotation] = newValue.map(String.init) }
    }
}
