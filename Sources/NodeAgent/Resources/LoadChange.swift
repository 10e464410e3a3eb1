// Loads that are set during a run, and metrics that do not come from the kubelets.

import DiscreteEvents
import KubernetesAPI

/// A metric that does not come from the kubelets: an application's own, an object's, or one from outside the cluster.
public struct CustomMetric: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        /// From outside the cluster; an autoscaler's selector picks series by these labels.
        case external(labels: Labels)
        /// Of one object.
        case object(kind: String, NamespacedName)
        /// Of each pod.
        case pods(namespace: String?, LabelSelector)
    }
    public var name: String
    public var subject: Subject
    public var load: ResourceLoad

    public init(_ name: String, _ subject: Subject, _ load: ResourceLoad) {
        self.name = name
        self.subject = subject
        self.load = load
    }
}

/// The load on some pods is another from now on.
public struct LoadChange: Hashable, Sendable, CustomStringConvertible {
    public enum Value: Hashable, Sendable {
        /// In equal parts on the ready pods; base units.
        case total(Double)
        /// On each pod.
        case each(Double)
        /// The metrics API knows nothing of these pods.
        case unknown
    }
    /// nil: every namespace.
    public var namespace: String?
    public var selector: LabelSelector
    public var resource: ResourceName
    public var value: Value

    public init(
        namespace: String? = nil, selector: LabelSelector = LabelSelector(matchLabels: [:]), resource: ResourceName = .cpu, _ value: Value
    ) {
        self.namespace = namespace
        self.selector = selector
        self.resource = resource
        self.value = value
    }

    public var description: String {
        let subject =
            "pods of " + (namespace ?? "all namespaces")
            + (selector.isEmpty ? "" : " with " + ((try? selector.selector())?.description ?? ""))
        switch value {
        case .total(let value): return "\(resource) load of \(subject): \(value) in all"
        case .each(let value): return "\(resource) load of \(subject): \(value) each"
        case .unknown: return "\(resource) load of \(subject): unknown"
        }
    }
}
