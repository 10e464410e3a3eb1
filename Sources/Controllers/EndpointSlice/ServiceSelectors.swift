// Which services select a pod: asked at every change of every pod, and nearly always answered as before.

import KubernetesAPI

/// The selectors of all services that have one, by namespace.
struct ServiceSelectors: Sendable {
    private struct Namespace: Sendable {
        var services: [(key: NamespacedName, selector: Labels)] = []
        /// The services that select pods of these labels; emptied when a service changes.
        var answers: [Labels: [NamespacedName]] = [:]
    }

    /// With no more services than this, matching costs less than finding the remembered answer.
    private static let fewServices = 4
    /// Pods of a StatefulSet carry labels of their own each, so that there may be as many sets of labels as pods.
    private static let mostAnswers = 4096

    private var namespaces: [String: Namespace] = [:]

    var isEmpty: Bool { namespaces.isEmpty }

    /// Notes a service's selector; nil or empty: it selects nothing.
    mutating func set(_ service: NamespacedName, _ selector: Labels?) {
        guard let selector, !selector.isEmpty else {
            remove(service)
            return
        }
        var namespace = namespaces.removeValue(forKey: service.namespace) ?? Namespace()
        if let index = namespace.services.firstIndex(where: { $0.key == service }) {
            if namespace.services[index].selector != selector {
                namespace.services[index].selector = selector
                namespace.answers.removeAll()
            }
        } else {
            namespace.services.append((service, selector))
            namespace.answers.removeAll()
        }
        namespaces[service.namespace] = namespace
    }

    mutating func remove(_ service: NamespacedName) {
        guard var namespace = namespaces.removeValue(forKey: service.namespace) else { return }
        namespace.services.removeAll { $0.key == service }
        namespace.answers.removeAll()
        if !namespace.services.isEmpty { namespaces[service.namespace] = namespace }
    }

    /// The services of a namespace that select pods with these labels, in the order in which the services appeared.
    mutating func services(selecting labels: Labels, in namespace: String) -> [NamespacedName] {
        guard let found = namespaces[namespace] else { return [] }
        let isRemembered = found.services.count > ServiceSelectors.fewServices
        if isRemembered, let answer = found.answers[labels] { return answer }
        let answer = found.services.filter { ServiceSelectors.matches($0.selector, labels) }.map(\.key)
        if isRemembered {
            if found.answers.count >= ServiceSelectors.mostAnswers { namespaces[namespace]?.answers.removeAll() }
            namespaces[namespace]?.answers[labels] = answer
        }
        return answer
    }

    static func matches(_ selector: Labels, _ labels: Labels) -> Bool { selector.allSatisfy { labels[$0.key] == $0.value } }
}
