// Selectors as the API server's messages quote them.

extension LabelSelector {
    /// The selector as JSON.
    package var jsonText: String {
        var parts: [String] = []
        if !matchLabels.isEmpty { parts.append("\"matchLabels\":" + matchLabels.jsonText) }
        if !matchExpressions.isEmpty {
            let expressions = matchExpressions.map { expression in
                let values = expression.values.isEmpty ? "" : ",\"values\":" + GoText.jsonList(expression.values)
                return "{\"key\":\(JSONText.quoted(expression.key)),\"operator\":\(JSONText.quoted(expression.operator.rawValue))\(values)}"
            }
            parts.append("\"matchExpressions\":[" + expressions.joined(separator: ",") + "]")
        }
        return "{" + parts.joined(separator: ",") + "}"
    }
}
