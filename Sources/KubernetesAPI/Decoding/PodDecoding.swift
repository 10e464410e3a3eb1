// Reading Pods and their status.

import DiscreteEvents

extension Pod: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Pod? {
        var metadata = ObjectMeta()
        var status = PodStatus()
        let errorsBefore = context.errorCount
        var read: (spec: Shared<PodSpec>, nodeName: String?)?
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": read = context.podSpec(value, at: "spec", in: node)
            case "status": context.read(value, into: &status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if read == nil, context.objects.validates, context.errorCount == errorsBefore {
            context.error(missing: "spec.containers", in: node)
        }
        return Pod(metadata: metadata, spec: read?.spec ?? Shared(PodSpec()), nodeName: read?.nodeName, status: status)
    }
}

extension PodStatus: YAMLFields {
    public init() { self.init(phase: .pending) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "phase": context.choose(value, into: &phase, of: ["Pending", "Running", "Succeeded", "Failed", "Unknown"])
        case "conditions": context.read(value, into: &conditions)
        case "containerStatuses": context.read(value, into: &containerStatuses)
        case "initContainerStatuses": context.read(value, into: &initContainerStatuses)
        case "startTime": context.readInstant(value, into: &startTime)
        case "podIP": context.read(value, into: &podIP)
        case "qosClass": context.choose(value, into: &qosClass, of: ["Guaranteed", "Burstable", "BestEffort"])
        case "nominatedNodeName":
            context.read(value, into: &nominatedNodeName)
            if nominatedNodeName?.isEmpty ?? false { nominatedNodeName = nil }
        case "reason": context.read(value, into: &reason)
        case "message": context.read(value, into: &message)
        default: return context.ignored(field, value, of: "PodStatus")
        }
        return true
    }
}

extension ContainerStatus: YAMLFields {
    package init() { self.init(name: "", state: .waiting(reason: "")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "ready": context.read(value, into: &ready)
        case "restartCount": context.read(value, into: &restartCount)
        case "state": context.read(value, into: &state)
        case "lastState":
            var last: ContainerState?
            context.read(value, into: &last)
            if case .terminated(let termination) = last { lastTermination = termination }
        default: return context.ignored(field, value, of: "ContainerStatus")
        }
        return true
    }
}

extension ContainerState: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ContainerState? {
        var state = ContainerState.waiting(reason: "")
        let isMapping = context.fields(node) { field, value, context in
            // An absent state is a waiting one; a null one is absent.
            if value.isNull { return ["waiting", "running", "terminated"].contains(field) }
            switch field {
            case "waiting":
                var reason = ""
                context.fields(value) { field, value, context in
                    switch field {
                    case "reason": context.read(value, into: &reason)
                    case "message": break
                    default: return false
                    }
                    return true
                }
                state = .waiting(reason: reason)
            case "running":
                var startedAt = SimulatedTime.zero
                context.fields(value) { field, value, context in
                    guard field == "startedAt" else { return false }
                    context.readInstant(value, into: &startedAt)
                    return true
                }
                state = .running(startedAt: startedAt)
            case "terminated":
                if let termination = ContainerTermination.decode(value, &context) { state = .terminated(termination) }
            default: return false
            }
            return true
        }
        return isMapping ? state : nil
    }
}

extension ContainerTermination: YAMLFields {
    package init() { self.init(exitCode: 0, reason: "", startedAt: .zero, finishedAt: .zero) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "exitCode": context.read(value, into: &exitCode)
        case "reason": context.read(value, into: &reason)
        case "startedAt": context.readInstant(value, into: &startedAt)
        case "finishedAt": context.readInstant(value, into: &finishedAt)
        default: return context.ignored(field, value, of: "ContainerTermination")
        }
        return true
    }
}
