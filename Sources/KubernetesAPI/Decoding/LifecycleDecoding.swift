// Reading what a container's spec says of its life: probes, hooks, restart rules. What is only read in part (a probe's action, a
// hook, the exit codes of a rule) is also checked and digested whole, as all that has no effect is.

extension Probe: YAMLDecodable {
    private static let handlers = ["exec", "grpc", "httpGet", "tcpSocket"]

    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Probe? {
        var probe = Probe()
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "initialDelaySeconds": context.read(value, into: &probe.initialDelaySeconds)
            case "timeoutSeconds": context.readPositive(value, into: &probe.timeoutSeconds)
            case "periodSeconds": context.readPositive(value, into: &probe.periodSeconds)
            case "successThreshold": context.readPositive(value, into: &probe.successThreshold)
            case "failureThreshold": context.readPositive(value, into: &probe.failureThreshold)
            default:
                if handlers.contains(field), !value.isNull, probe.handler == nil { probe.handler = Handler(field, value) }
                if field == "terminationGracePeriodSeconds" {
                    probe.terminationGracePeriodSeconds = value.scalarText.flatMap { Int64($0) }
                }
                return context.unmodelled(field, value, of: "Probe", into: &probe.unmodelled)
            }
            return true
        }
        guard isMapping else { return nil }
        if context.objects.validates { context.checkProbe(node) }
        return probe
    }
}

extension Probe.Handler {
    /// The part of an action that messages name; its types are checked elsewhere.
    fileprivate init?(_ kind: String, _ node: YAMLNode) {
        func text(_ field: String) -> String { node[field]?.scalarText ?? "" }
        var port: IntOrString { Int32(text("port")).map { .int($0) } ?? .string(text("port")) }
        switch kind {
        case "exec":
            var command: [String] = []
            if let words = node["command"] { for word in words.elements { command.append(word.scalarText ?? "") } }
            self = .exec(command: command)
        case "httpGet":
            self = .httpGet(
                scheme: node["scheme"]?.scalarText ?? "HTTP", host: text("host"), port: port, path: node["path"]?.scalarText ?? "/")
        case "tcpSocket": self = .tcpSocket(host: text("host"), port: port)
        case "grpc": self = .grpc(port: Int32(text("port")) ?? 0)
        default: return nil
        }
    }
}

extension Lifecycle: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Lifecycle? {
        let (postStart, preStop) = (hook(node["postStart"]), hook(node["preStop"]))
        return postStart == nil && preStop == nil ? nil : Lifecycle(postStart: postStart, preStop: preStop)
    }

    private static func hook(_ node: YAMLNode?) -> Hook? {
        guard let node, node.kind == .mapping else { return nil }
        guard let sleep = node["sleep"], !sleep.isNull else { return .action }
        return .sleep(seconds: sleep["seconds"]?.scalarText.flatMap { Int64($0) } ?? 0)
    }
}

extension DecodingContext {
    /// Zero means the default, as with every number in a probe that has one.
    fileprivate mutating func readPositive(_ node: YAMLNode, into field: inout Int32) {
        if let value = Int32.decode(node, &self), value != 0 { field = value }
    }

    mutating func readRestartRules(_ node: YAMLNode, into rules: inout [RestartRule], unmodelled digest: inout UInt64) {
        elements(node) { element, context in
            var rule = RestartRule(action: "")
            context.fields(element) { field, value, context in
                if field == "action" {
                    context.read(value, into: &rule.action)
                    return true
                }
                if field == "exitCodes", !value.isNull {
                    let codes = value["values"]?.elements.compactMap { $0.scalarText.flatMap { Int32($0) } }
                    rule.exitCodes = RestartRule.ExitCodes(value["operator"]?.scalarText ?? "", codes ?? [])
                }
                return context.unmodelled(field, value, of: "RestartRule", into: &digest)
            }
            rules.append(rule)
        }
    }
}
