// The admission plugin LimitRanger: fills in what containers leave out, then refuses what is out of bounds.
// <https://kubernetes.io/docs/concepts/policy/limit-range/>

import KubernetesAPI

/// What one LimitRange does to pods and claims. Its items are as the API server stored them, defaults filled in.
package struct LimitRanger: Sendable {
    package let items: [LimitRangeItem]

    package init(_ items: [LimitRangeItem]) { self.items = items }

    /// The annotation that tells what was filled in.
    package static let annotation = "kubernetes.io/limit-ranger"

    // MARK: Filling in

    /// Gives the containers of a pod the limits and requests they leave out.
    /// - Returns: the text of the annotation; nil if nothing was left out.
    package func applyDefaults(to spec: inout PodSpec) -> String? {
        var requests = ResourceList()
        var limits = ResourceList()
        for item in items where item.type == .container {
            requests.merge(item.defaultRequest) { $1 }
            limits.merge(item.defaultLimit) { $1 }
        }
        var notes: [String] = []
        for index in spec.containers.indices { LimitRanger.fill(&spec.containers[index], "container", requests, limits, &notes) }
        for index in spec.initContainers.indices {
            LimitRanger.fill(&spec.initContainers[index], "init container", requests, limits, &notes)
        }
        return notes.isEmpty ? nil : "LimitRanger plugin set: " + notes.joined(separator: "; ")
    }

    private static func fill(
        _ container: inout Container, _ kind: String, _ requests: ResourceList, _ limits: ResourceList, _ notes: inout [String]
    ) {
        func fill(_ list: inout ResourceList, _ fallback: ResourceList, _ part: String, _ name: String) -> String? {
            let absent = fallback.names.filter { list[$0] == nil }
            for resource in absent { list[resource] = fallback[resource] }
            return absent.isEmpty ? nil : "\(absent.map(\.rawValue).joined(separator: ", ")) \(part) for \(kind) \(name)"
        }
        let name = container.name
        if let note = fill(&container.resources.requests, requests, "request", name) { notes.append(note) }
        if let note = fill(&container.resources.limits, limits, "limit", name) { notes.append(note) }
    }

    // MARK: Checking

    /// What is out of bounds in a pod, in the API server's words: item by item, and in each the containers, then the init
    /// containers, or the pod as a whole.
    package func violations(of spec: PodSpec) -> [String] {
        var result: [String] = []
        for item in items {
            switch item.type {
            case .container:
                for container in spec.containers + spec.initContainers {
                    result += LimitRanger.violations(item, container.resources.requests, container.resources.limits)
                }
            case .pod:
                result += LimitRanger.violations(
                    item, spec.boundedTotal(\.requests), spec.boundedTotal(\.limits))
            case .persistentVolumeClaim, .other: break
            }
        }
        return result
    }

    /// What is out of bounds in a claim: only what it requests.
    package func violations(ofClaimRequesting requests: ResourceList) -> [String] {
        var result: [String] = []
        for item in items where item.type == .persistentVolumeClaim {
            for (name, minimum) in item.min {
                result += Bound(item, "minimum", name, minimum, request: requests[name], limit: nil).minimumViolation.map { [$0] } ?? []
            }
            for (name, maximum) in item.max {
                let bound = Bound(item, "maximum", name, maximum, request: requests[name], limit: nil)
                if bound.request == nil {
                    result.append(bound.text(".  No request is specified"))
                } else if let excess = bound.maximumRequestViolation {
                    result.append(excess)
                }
            }
        }
        return result
    }

    /// Several violations as one message; the same one is said once.
    package static func message(_ violations: [String]) -> String? {
        var distinct: [String] = []
        for violation in violations where !distinct.contains(violation) { distinct.append(violation) }
        if distinct.count <= 1 { return distinct.first }
        return "[" + distinct.joined(separator: ", ") + "]"
    }

    /// The real plugin goes through each map of bounds in no order; here it is the resources' order.
    private static func violations(_ item: LimitRangeItem, _ requests: ResourceList, _ limits: ResourceList) -> [String] {
        var result: [String] = []
        for (name, minimum) in item.min {
            let bound = Bound(item, "minimum", name, minimum, request: requests[name], limit: limits[name])
            if let violation = bound.minimumViolation { result.append(violation) }
        }
        for (name, maximum) in item.max {
            let bound = Bound(item, "maximum", name, maximum, request: requests[name], limit: limits[name])
            if let violation = bound.maximumViolation { result.append(violation) }
        }
        for (name, ratio) in item.maxLimitRequestRatio {
            let bound = Bound(item, "", name, ratio, request: requests[name], limit: limits[name])
            if let violation = bound.ratioViolation { result.append(violation) }
        }
        return result
    }
}

/// One bound against what is asked for.
private struct Bound {
    let type: String
    let side: String
    let resource: ResourceName
    let enforced: Quantity
    let request: Quantity?
    let limit: Quantity?

    init(
        _ item: LimitRangeItem, _ side: String, _ resource: ResourceName, _ enforced: Quantity, request: Quantity?, limit: Quantity?
    ) {
        type = item.type.rawValue
        self.side = side
        self.resource = resource
        self.enforced = enforced
        self.request = request
        self.limit = limit
    }

    func text(_ what: String) -> String { "\(side) \(resource) usage per \(type) is \(enforced)\(what)" }

    /// Request, limit and bound as whole numbers, in thousandths if all are small enough: finer differences are not seen.
    private var numbers: (request: Int64, limit: Int64, enforced: Int64) {
        let (request, limit) = (request ?? .zero, limit ?? .zero)
        let largest = Int64.max / 1000
        if request.value <= largest, limit.value <= largest, enforced.value <= largest {
            return (request.milliValue, limit.milliValue, enforced.milliValue)
        }
        return (request.value, limit.value, enforced.value)
    }

    var minimumViolation: String? {
        let numbers = numbers
        guard let request else { return text(".  No request is specified") }
        if numbers.request < numbers.enforced { return text(", but request is \(request)") }
        if let limit, numbers.limit < numbers.enforced { return text(", but limit is \(limit)") }
        return nil
    }

    var maximumViolation: String? {
        let numbers = numbers
        guard let limit else { return text(".  No limit is specified") }
        if numbers.limit > numbers.enforced { return text(", but limit is \(limit)") }
        return maximumRequestViolation
    }

    var maximumRequestViolation: String? {
        guard let request, numbers.request > numbers.enforced else { return nil }
        return text(", but request is \(request)")
    }

    var ratioViolation: String? {
        let numbers = numbers
        let start = "\(resource) max limit to request ratio per \(type) is \(enforced), but "
        if request == nil || numbers.request == 0 { return start + "no request is specified or request is 0" }
        if limit == nil || numbers.limit == 0 { return start + "no limit is specified or limit is 0" }
        let shown = Double(numbers.limit) / Double(numbers.request)
        let isExact = enforced.value <= Int64.max / 1000
        let ratio = isExact ? shown * 1000 : shown
        let allowed = Double(isExact ? enforced.milliValue : enforced.value)
        return ratio > allowed ? start + "provided ratio is \(GoText.fixed(shown))" : nil
    }
}

extension PodSpec {
    /// What bounds of type Pod apply to: as the effective resources, but without overhead.
    fileprivate func boundedTotal(_ part: KeyPath<ResourceRequirements, ResourceList>) -> ResourceList {
        var result = aggregate { $0.resources[keyPath: part] }
        for (name, quantity) in resources?[keyPath: part] ?? ResourceList() where name.isSupportedAtPodLevel { result[name] = quantity }
        return result
    }
}
