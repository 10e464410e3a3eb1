// The cluster the recordings were made on: its nodes, its fake kubelets, its snapshot.

import APIServer
import ClusterSimulation
import DiscreteEvents
import Experiments
import KubernetesAPI
import NodeAgent

struct TimelineMachines {
    /// The annotations that set the fake containers' behaviour begin with this.
    private static let annotations = "oracle/"

    private let recording: TimelineRecording
    private let names: [String]
    /// How many claims got a volume.
    private let boundClaims: Int

    init(_ recording: TimelineRecording, _ view: TimelineView) {
        self.recording = recording
        names = TimelineMachines.names(recording, view)
        boundClaims = view.tracks.count { track in
            track.kind == "PersistentVolumeClaim" && track.history.contains { $0.path == "volume" && $0.value == .bool(true) }
        }
    }

    /// Five nodes of one zone, or seventy of three zones: whichever the recording names.
    private static func names(_ recording: TimelineRecording, _ view: TimelineView) -> [String] {
        let initial = view.tracks.filter { $0.kind == "Node" && $0.isInitial }.map(\.name)
        if !initial.isEmpty { return initial }
        let used = view.tracks.lazy.flatMap(\.history).filter { $0.path == "node" }.compactMap { $0.value?.string }
        let isZoned = used.contains { $0.hasPrefix("za-") || $0.hasPrefix("zb-") || $0.hasPrefix("zc-") }
        let pools = isZoned ? [("za", 6), ("zb", 4), ("zc", 60)] : [("node", 5)]
        return pools.flatMap { pool in (0..<pool.1).map { "\(pool.0)-\($0)" } }
    }

    /// Whether one of the nodes runs the real kubelet's code.
    static func hasRealKubelet(_ names: [String]) -> Bool { names.contains(where: isReal) }

    /// A hollow node runs the real kubelet's code, with a container runtime in the same process.
    static func isReal(_ node: String) -> Bool { node.hasPrefix("hollow-") }

    private static func zone(of node: String) -> String {
        for zone in ["za", "zb", "zc"] where node.hasPrefix(zone + "-") { return zone }
        return "z0"
    }

    /// A machine of the recordings.
    static func node(_ name: String, labels: [(String, String)], taints: [String] = []) throws -> Node {
        let size = ResourceList([
            (ResourceName("cpu"), try Quantity(text: "32")), (ResourceName("memory"), try Quantity(text: "64Gi")),
            (ResourceName("pods"), try Quantity(text: "110")),
        ])
        var metadata = ObjectMeta(name: name, labels: Labels(labels))
        metadata.labels[Node.hostnameLabel] = name
        var node = Node(metadata: metadata, status: NodeStatus(capacity: size, allocatable: size))
        node.spec.taints = try taints.map { text in
            // key=value:effect
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count == 2, let effect = TaintEffect(rawValue: parts[1]) else { throw TimelineError("unknown taint \(text)") }
            let pair = parts[0].split(separator: "=", maxSplits: 1).map(String.init)
            return Taint(key: pair[0], value: pair.count > 1 ? pair[1] : "", effect: effect)
        }
        return node
    }

    func configuration(_ start: TimelineStart, _ latencies: TimelineLatencies) throws -> ClusterConfiguration {
        var configuration = ClusterConfiguration(seed: 1)
        configuration.timing = latencies.timing
        configuration.serviceNetwork.clusterRange = AddressRange("10.96.0.0/16")
        configuration.recording.interval = nil
        configuration.recording.watchLog = true
        configuration.recording.schedulingAttempts = false
        configuration.recording.events = false
        configuration.controllerManager.nodeMonitorPhase = start.nodeMonitorPhase
        configuration.controllerManager.podGarbageCollectionPhase = start.podCollectionPhase
        configuration.controllerManager.allocateNodeCIDRs = false
        // The fake kubelets mount nothing, and their nodes do not say that their volumes are to be attached.
        configuration.controllerManager.attachDetach.isOn = false
        configuration.nodeAgent.volumes.isOn = false
        configuration.controllerManager.originOnWall = start.origin
        let zones = recording.manifests.compactMap { $0["spec"]?["timeZone"]?.scalarText }
        configuration.controllerManager.timeZones = try ZoneInfoFolder.zones(named: zones)
        configuration.nodeAgent.behaviourAnnotations = TimelineMachines.annotations
        configuration.nodeAgent.recordsEvents = false
        configuration.nodeAgent.minimumGrace = .zero
        // The fake kubelets know no probes and no hooks, and neither does the runtime of the hollow node.
        configuration.nodeAgent.probesContainers = false
        configuration.nodeAgent.runsHooks = false
        if !TimelineMachines.hasRealKubelet(names) {
            configuration.nodeAgent.podSyncDelay = .zero
            configuration.nodeAgent.removalDelay = .zero
        }
        // The fake metrics API tells the load of the moment.
        configuration.metrics.resolution = .zero
        configuration.nodeAgent.stopsPodsEndedByOthers = false
        // The fake containers end well even when they are killed.
        configuration.defaultBehaviour.killExitCode = 0
        if let snapshot = recording.snapshot {
            configuration.snapshot = try TimelineMachines.objects(snapshot, start)
        } else {
            configuration.nodes = try names.map { name in
                let place = [(Node.zoneLabel, TimelineMachines.zone(of: name)), (Node.regionLabel, "r0")]
                // The node of the real kubelet is chosen by a label of its own.
                return try TimelineMachines.node(name, labels: place + (TimelineMachines.isReal(name) ? [("hollow", "yes")] : []))
            }
            configuration.snapshot = [
                APIObject(
                    Namespace(metadata: ObjectMeta(name: recording.namespace, labels: ["kubernetes.io/metadata.name": recording.namespace]))
                ),
                // The controller manager that was recorded is of a distribution that publishes a second certificate.
                APIObject(
                    ConfigMap(metadata: ObjectMeta(name: "openshift-service-ca.crt", namespace: recording.namespace))),
            ]
            configuration.snapshot += try volumes(start)
        }
        return configuration
    }

    /// The volumes that the recorded claims were bound to: recordings do not list them.
    private func volumes(_ start: TimelineStart) throws -> [APIObject] {
        if boundClaims == 0 { return [] }
        return try TimelineMachines.objects(recording.manifests, start).flatMap { object -> [APIObject] in
            guard case .statefulSet(let set) = object else { return [] }
            return set.value.spec.volumeClaimTemplates.enumerated().flatMap { place, template in
                (0..<boundClaims).map { number in
                    var volume = PersistentVolume(metadata: ObjectMeta(name: "volume-\(place)-\(number)"), phase: .available)
                    volume.spec.capacity = template.spec.requests
                    volume.spec.accessModes = template.spec.accessModes
                    volume.spec.storageClassName = template.className
                    return APIObject(volume)
                }
            }
        }
    }

    private static func objects(_ snapshot: [YAMLNode], _ start: TimelineStart) throws -> [APIObject] {
        var loader = ManifestLoader(options: ManifestLoader.Options(origin: start.origin, appliesDefaults: true, validates: false))
        let loaded = loader.load(documents: snapshot)
        if let problem = loaded.diagnostics.first(where: { $0.severity == .error }) { throw TimelineError(problem.description) }
        return loaded.objects.map(\.object)
    }

    /// When a dump was taken, but for some seconds; nanoseconds since 1970.
    static func newestTime(of documents: [YAMLNode]) -> Int64? { Snapshot.newestTime(of: documents) }
}
