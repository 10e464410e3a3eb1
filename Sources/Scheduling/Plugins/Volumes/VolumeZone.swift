// VolumeZone: a pod goes only to the zone and region its bound volumes are labelled with.
// <https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone>

import KubernetesAPI

struct VolumeZonePlugin: PreFilterPlugin, FilterPlugin, EventListeningPlugin {
    static let name = "VolumeZone"
    var name: String { VolumeZonePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { pod.shape.volumes.claimNames.isEmpty ? .nothing : .cluster }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String { "node(s) had no available volume zone" }

    /// The labels that count, with those that stand for them on newer nodes.
    private static let labels: [(key: String, successor: String)] = [
        (Node.betaZoneLabel, Node.zoneLabel), (Node.betaRegionLabel, Node.regionLabel), (Node.zoneLabel, Node.zoneLabel),
        (Node.regionLabel, Node.regionLabel),
    ]

    /// Where a volume is: a node must have one of these values.
    private struct Place: Hashable, Sendable {
        let key: String
        let successor: String
        let values: [String]
    }

    // MARK: Filter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        func refuse(_ reason: String) -> PreFilterOutcome { .reject(.unschedulableAndUnresolvable, reasons: [reason]) }
        let namespace = pod.pod.value.metadata.namespace
        var places: [Place] = []
        for name in pod.shape.volumes.claimNames {
            guard let claim = cluster.objects.claims[namespace, name]?.value else {
                return refuse(PersistentVolumeClaim.notFoundMessage(name))
            }
            let volumeName = claim.spec.volumeName
            if volumeName.isEmpty {
                if claim.className.isEmpty { return refuse("PersistentVolumeClaim had no pv name and storageClass name") }
                guard let storageClass = cluster.objects.storageClasses[claim.className]?.value else {
                    return refuse("storageclass.storage.k8s.io \"\(claim.className)\" not found")
                }
                if storageClass.volumeBindingMode == .waitForFirstConsumer { continue }
                return refuse("PersistentVolume had no name")
            }
            guard let volume = cluster.objects.persistentVolumes[volumeName]?.value else {
                return refuse("persistentvolume \"\(volumeName)\" not found")
            }
            places += VolumeZonePlugin.places(of: volume)
        }
        return places.isEmpty ? .skip : .proceed(places)
    }

    private static func places(of volume: PersistentVolume) -> [Place] {
        labels.compactMap { label in
            guard let text = volume.metadata.labels[label.key] else { return nil }
            return values(text).map { Place(key: label.key, successor: label.successor, values: $0) }
        }
    }

    /// The zones of a label: a volume of several zones joins them by `__`. nil if one is empty: such labels are ignored.
    private static func values(_ text: String) -> [String]? {
        var values: [String] = []
        var rest = Substring(text)
        while true {
            let end = separator(in: rest)
            let value = trimmed(rest[..<(end ?? rest.endIndex)])
            if value.isEmpty { return nil }
            values.append(String(value))
            guard let end else { return values }
            rest = rest[rest.index(end, offsetBy: 2)...]
        }
    }

    private static func separator(in text: Substring) -> String.Index? {
        var previous: String.Index?
        for index in text.indices {
            if text[index] == "_" {
                if let previous { return previous }
                previous = index
            } else {
                previous = nil
            }
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return text
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard let places = state as? [Place], let labels = cluster.nodes.objects[node]?.value.metadata.labels else { return nil }
        // A node without any such label is in a cluster of one zone.
        guard VolumeZonePlugin.labels.contains(where: { labels.has($0.key) }) else { return nil }
        for place in places {
            guard let value = labels[place.key] ?? labels[place.successor], place.values.contains(value) else {
                return NodeRefusal(.unschedulableAndUnresolvable)
            }
        }
        return nil
    }

    // MARK: Hints

    let events: ClusterEventKinds = [
        .persistentVolumeClaimAdd, .persistentVolumeClaimUpdate, .persistentVolumeAdd, .persistentVolumeUpdate, .storageClassAdd, .nodeAdd,
        .nodeLabels, .nodeTaints,
    ]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .persistentVolumeClaimAdd, .persistentVolumeClaimUpdate:
            guard let claim = event.object(PersistentVolumeClaim.self).new else { return false }
            return pod.uses(claim, ephemeral: false)
        case .persistentVolumeUpdate:
            guard case (let old?, let new?) = event.object(PersistentVolume.self) else { return false }
            return VolumeZonePlugin.labels.contains { old.metadata.labels[$0.key] != new.metadata.labels[$0.key] }
        case .storageClassAdd: return event.object(StorageClass.self).new?.volumeBindingMode == .waitForFirstConsumer
        default: return true
        }
    }
}
