// Selectors as the controllers' messages quote them.

import KubernetesAPI

extension LabelSelector {
    /// The selector as Go prints the API type in Events.
    var goText: String {
        let labels = matchLabels.map { "\($0.key): \($0.value)," }.joined()
        let expressions = matchExpressions.map {
            "LabelSelectorRequirement{Key:\($0.key),Operator:\($0.operator.rawValue),Values:[\($0.values.joined(separator: " "))],},"
        }.joined()
        return "&LabelSelector{MatchLabels:map[string]string{\(labels)},MatchExpressions:[]LabelSelectorRequirement{\(expressions)},}"
    }
}
