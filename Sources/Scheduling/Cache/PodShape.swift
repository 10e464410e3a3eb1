// A pod as scheduling sees it: everything that can be computed from its spec, computed once for all pods of that spec.

import KubernetesAPI

/// What all pods of one spec have in common for the scheduler. Immutable and shared; compiled against one ``NodeTable``.
///
/// Plugins whose answer depends on more than the spec (labels, namespace, owner) take that from the pod itself.
public final class PodShape: Sendable {
    /// The number of the shape within its cache: equal numbers, equal specs.
    public let number: Int
    public let spec: Shared<PodSpec>

    /// Effective requests: containers, init containers and sidecars, pod-level resources, overhead.
    public let requests: ResourceAmounts
    /// Cpu and memory counted on the node for scoring, with defaults for containers that name none.
    public let nonZeroMilliCPU: Int64
    public let nonZeroMemory: Int64
    /// What NodeResourcesFit scores of a *pending* pod: containers and overhead only. The real plugin overlooks pod-level
    /// requests there (see the scheduler's conformance data), and so does this.
    public let scoredRequests: ResourceAmounts

    public let hostPorts: [HostPort]
    public let volumes: PodVolumes
    /// Tolerations that can matter for a PreferNoSchedule taint.
    public let preferNoScheduleTolerations: [Toleration]
    /// `nodeSelector` as conditions.
    public let nodeSelector: [CompiledNodeRequirement]
    public let requiredNodeAffinity: CompiledNodeSelector?
    public let preferredNodeAffinity: [CompiledPreferredTerm]
    /// Terms about other pods.
    let podAffinity: PodAffinityTerms
    /// The spec's own constraints, hard and soft.
    let spreadConstraints: [CompiledSpreadConstraint]
    /// Images of init containers, containers and image volumes, by number.
    public let images: [Int32]
    /// Containers and init containers: the largest sum of image sizes grows with it.
    public let containerCount: Int

    public var tolerations: [Toleration] { spec.value.tolerations }

    init(number: Int, spec: Shared<PodSpec>, nodes: inout NodeTable) {
        let value = spec.value
        self.number = number
        self.spec = spec
        requests = ResourceAmounts(value.effectiveRequests, &nodes.scalarResources)
        let aggregate = value.aggregate { $0.resources.requests } + value.overhead
        let podLevel = (value.resources?.requests ?? ResourceList()).filter { $0.name.isSupportedAtPodLevel }
        // With pod-level requests a default stands in only for what neither a container nor the pod as a whole asks for.
        let effective = value.effectiveRequests
        let absent = PodShape.defaults.filter { podLevel.isEmpty || effective[$0.name] == nil }
        var counted = value.aggregate { PodShape.withDefaults($0.resources.requests, absent) }
        for (name, quantity) in podLevel { counted[name] = quantity }
        counted += value.overhead
        nonZeroMilliCPU = ResourceAmounts.thousandths(counted[.cpu])
        nonZeroMemory = ResourceAmounts.units(counted[.memory])
        let defaulted = value.aggregate { PodShape.withDefaults($0.resources.requests, PodShape.defaults) }
        var scored = ResourceAmounts(aggregate, &nodes.scalarResources)
        let scoredWithDefaults = defaulted + value.overhead
        scored.milliCPU = ResourceAmounts.thousandths(scoredWithDefaults[.cpu])
        scored.memory = ResourceAmounts.units(scoredWithDefaults[.memory])
        scoredRequests = scored

        hostPorts = PodShape.hostPorts(of: value)
        volumes = PodVolumes(value.volumes)
        preferNoScheduleTolerations = value.tolerations.filter { $0.effect == nil || $0.effect == .preferNoSchedule }
        var selector: [CompiledNodeRequirement] = []
        for (key, wanted) in value.nodeSelector {
            let column = nodes.column(of: key)
            selector.append(CompiledNodeRequirement(column: column, test: .isIn([nodes.number(of: wanted, in: column)])))
        }
        nodeSelector = selector
        requiredNodeAffinity = value.affinity.requiredNodeTerms.map { CompiledNodeSelector($0, &nodes) }
        preferredNodeAffinity = CompiledPreferredTerm.compile(value.affinity.preferredNodeTerms, &nodes)
        podAffinity = PodAffinityTerms(value.affinity, &nodes)
        spreadConstraints = CompiledSpreadConstraint.compile(value.topologySpreadConstraints, &nodes)
        var images: [Int32] = []
        for container in value.initContainers { images.append(nodes.images.number(of: PodShape.normalised(container.image))) }
        for container in value.containers { images.append(nodes.images.number(of: PodShape.normalised(container.image))) }
        for volume in value.volumes {
            guard case .image(let reference) = volume.source else { continue }
            images.append(nodes.images.number(of: PodShape.normalised(reference)))
        }
        self.images = images
        containerCount = value.containers.count + value.initContainers.count
    }

    /// What a container without a request counts with in scores: enough to tell a busy node from an idle one.
    private static let defaults: [(name: ResourceName, quantity: Quantity)] = [
        (.cpu, Quantity(milli: 100)), (.memory, Quantity(bytes: 200 * 1024 * 1024)),
    ]

    private static func withDefaults(_ requests: ResourceList, _ defaults: [(name: ResourceName, quantity: Quantity)]) -> ResourceList {
        var result = requests
        for (name, quantity) in defaults where result[name] == nil { result[name] = quantity }
        return result
    }

    static func hostPorts(of spec: PodSpec) -> [HostPort] {
        var result: [HostPort] = []
        for container in spec.containers + spec.initContainers.filter(\.isSidecar) {
            for port in container.ports where port.hostPort > 0 {
                let address = port.hostIP.isEmpty ? HostPort.anyAddress : port.hostIP
                result.append(HostPort(address: address, transport: port.transport, port: port.hostPort))
            }
        }
        return result
    }

    /// The name under which nodes report an image: `:latest` added where no tag or digest stands.
    private static func normalised(_ image: String) -> String {
        let bytes = Array(image.utf8)
        let lastColon = bytes.lastIndex(of: UInt8(ascii: ":")) ?? -1
        let lastSlash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1
        return lastColon <= lastSlash ? image + ":latest" : image
    }
}

/// A pod with its shape: what plugins are asked about.
public struct PodInfo: Sendable {
    public var pod: Shared<Pod>
    public var shape: PodShape
    /// The pod's namespace and labels, by number in ``ClusterSnapshot/labelSets``.
    public var labelSet: LabelSetNumber
    /// The pod's affinity terms with its namespace, by number in ``ClusterSnapshot/affinityOwners``.
    var affinityOwner: AffinityOwnerNumber

    /// Whether another version of the pod takes the same room and answers to the same selectors.
    func isSameForScheduling(as other: Shared<Pod>) -> Bool {
        other === pod
            || (other.value.spec === pod.value.spec && other.value.metadata.labels == pod.value.metadata.labels
                && other.value.metadata.isTerminating == pod.value.metadata.isTerminating)
    }

    public var spec: PodSpec { shape.spec.value }
    public var priority: Int32 { spec.priority ?? 0 }
}

/// Shapes by spec: found by identity of the shared spec, else by its contents.
struct ShapeTable: Sendable {
    private var byIdentity: [ObjectIdentifier: (spec: Shared<PodSpec>, shape: PodShape)] = [:]
    private var byContents: [Shared<PodSpec>: PodShape] = [:]
    /// How many shapes were made.
    private(set) var count = 0
    /// Specs remembered by identity. Beyond it they are forgotten together, and found again by their contents.
    private static let identityLimit = 65_536
    /// Shapes remembered by contents; what is forgotten is compiled again when a pod of that spec comes.
    private static let contentsLimit = 262_144

    mutating func shape(of spec: Shared<PodSpec>, nodes: inout NodeTable) -> PodShape {
        let identity = ObjectIdentifier(spec)
        if let known = byIdentity[identity] { return known.shape }
        let shape: PodShape
        // Pods of an Indexed Job differ in their host names, which are nothing to the scheduler.
        let contents = spec.value.hostname.isEmpty ? spec : spec.with { $0.hostname = "" }
        if let known = byContents[contents] {
            shape = known
        } else {
            shape = PodShape(number: count, spec: contents, nodes: &nodes)
            count += 1
            if byContents.count >= ShapeTable.contentsLimit { byContents.removeAll() }
            byContents[contents] = shape
        }
        if byIdentity.count >= ShapeTable.identityLimit { byIdentity.removeAll() }
        byIdentity[identity] = (spec, shape)
        return shape
    }
}
