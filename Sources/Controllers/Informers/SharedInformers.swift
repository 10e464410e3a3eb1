// The controller manager's one watch cache: its controllers share informers, as those of the real process do.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Everything the controllers know of the cluster: objects as last seen on the watch, and the look-ups they need.
package struct SharedInformers: Sendable {
    package private(set) var tables = ObjectTables()
    /// The version of the newest object seen. One stream carries all kinds, so the cache contains every write up to it.
    package private(set) var resourceVersion: UInt64 = 0

    /// A bit for each kind of which there is an object: asked for on every event by nearly every controller.
    private var kindsPresent: UInt64 = 0
    /// By kind: objects by the UID of their controller.
    private var byController: [SlotIndex<UID>]
    /// By bucket of the pods' `byController`: how many of the pods are in which state, where the controller asks for that.
    private var ownedPods: [OwnedPods] = []
    /// References to owners that are not the controller: rare, so a plain list per owner.
    private var byOtherOwner: [UID: [ObjectKey]] = [:]
    private var podsByNode = SlotIndex<String>()
    /// By kind: objects by namespace.
    private var byNamespace: [SlotIndex<String>]
    /// By kind: objects of namespaces without a controller, for adoption.
    private var orphans: [SlotIndex<String>]

    init() {
        byController = Array(repeating: SlotIndex(), count: Kind.allCases.count)
        orphans = Array(repeating: SlotIndex(), count: Kind.allCases.count)
        byNamespace = Array(repeating: SlotIndex(), count: Kind.allCases.count)
    }

    // MARK: Look-ups

    package subscript(key: ObjectKey) -> APIObject? { tables[key] }

    func pod(_ name: NamespacedName) -> Shared<Pod>? { tables.get(Pod.self, name) }
    func node(_ name: String) -> Shared<Node>? { tables.get(Node.self, NamespacedName(namespace: "", name: name)) }
    func replicaSet(_ name: NamespacedName) -> Shared<ReplicaSet>? { tables.get(ReplicaSet.self, name) }
    func deployment(_ name: NamespacedName) -> Shared<Deployment>? { tables.get(Deployment.self, name) }

    func pods(controlledBy owner: UID) -> [Shared<Pod>] { resolve(byController[Int(Kind.pod.rawValue)][owner]) }
    /// Counts of the pods of a ReplicaSet or ReplicationController; nil if it has none.
    func ownedPods(of owner: UID) -> OwnedPods? { byController[Int(Kind.pod.rawValue)].bucket(of: owner).map { ownedPods[$0] } }
    func podCount(controlledBy owner: UID) -> Int { byController[Int(Kind.pod.rawValue)].count(owner) }
    func pods(onNode node: String) -> [Shared<Pod>] { resolve(podsByNode[node]) }
    func podCount(onNode node: String) -> Int { podsByNode.count(node) }
    func replicaSets(controlledBy owner: UID) -> [Shared<ReplicaSet>] { objects(controlledBy: owner) }
    func replicaSets(inNamespace namespace: String) -> [Shared<ReplicaSet>] { objects(inNamespace: namespace) }
    func deployments(inNamespace namespace: String) -> [Shared<Deployment>] { objects(inNamespace: namespace) }
    func orphanedPods(inNamespace namespace: String) -> [Shared<Pod>] { orphans(inNamespace: namespace) }
    func orphanedReplicaSets(inNamespace namespace: String) -> [Shared<ReplicaSet>] { orphans(inNamespace: namespace) }

    /// The object of a type and name.
    func get<Object: KubernetesObject>(_ type: Object.Type, _ name: NamespacedName) -> Shared<Object>? { tables.get(type, name) }
    /// Whether there is any object of a kind: most clusters have none of most kinds, and their controllers need not look further.
    func hasAny(_ kind: Kind) -> Bool { kindsPresent & 1 << UInt64(kind.rawValue) != 0 }
    func objects<Object: KubernetesObject>(controlledBy owner: UID) -> [Shared<Object>] {
        resolve(byController[Int(Object.kind.rawValue)][owner])
    }
    func objects<Object: KubernetesObject>(inNamespace namespace: String) -> [Shared<Object>] {
        resolve(byNamespace[Int(Object.kind.rawValue)][namespace])
    }
    /// All objects of a kind in a namespace.
    func objects(of kind: Kind, inNamespace namespace: String) -> [APIObject] {
        let table = tables[kind]
        return byNamespace[Int(kind.rawValue)][namespace].compactMap { table[slot: Int($0)] }
    }
    /// Objects of a namespace that no controller owns.
    func orphans<Object: KubernetesObject>(inNamespace namespace: String) -> [Shared<Object>] {
        resolve(orphans[Int(Object.kind.rawValue)][namespace])
    }

    /// Objects of a resource (`pods`, `deployments.apps`) in a namespace, also of one that has no behaviour here.
    func objects(ofResource resource: String, inNamespace namespace: String) -> [APIObject] {
        let kind = Kind.allCases.first { $0 != .unstructured && $0.resource == resource } ?? .unstructured
        let table = tables[kind]
        return byNamespace[Int(kind.rawValue)][namespace].compactMap { slot in
            guard let object = table[slot: Int(slot)] else { return nil }
            if case .unstructured(let other) = object, other.value.resource != resource { return nil }
            return object
        }
    }
    /// Whether a namespace is there and not being deleted.
    func isActive(namespace: String) -> Bool {
        get(Namespace.self, NamespacedName(namespace: "", name: namespace)).map { !$0.value.isTerminating } ?? false
    }

    /// All objects that name `owner` among their owners, controllers' objects first.
    func dependents(of owner: UID) -> [APIObject] {
        var found: [APIObject] = []
        for kind in Kind.allCases {
            let table = tables[kind]
            for slot in byController[Int(kind.rawValue)][owner] {
                if let object = table[slot: Int(slot)] { found.append(object) }
            }
        }
        for key in byOtherOwner[owner] ?? [] {
            if let object = tables[key] { found.append(object) }
        }
        return found
    }

    func hasDependents(_ owner: UID) -> Bool {
        for index in byController where index.count(owner) > 0 { return true }
        return byOtherOwner[owner] != nil
    }

    private func resolve<Object: KubernetesObject>(_ slots: [Int32]) -> [Shared<Object>] {
        guard !slots.isEmpty else { return [] }
        let table = tables[Object.kind]
        var result: [Shared<Object>] = []
        result.reserveCapacity(slots.count)
        for slot in slots {
            if let object = table[slot: Int(slot)].flatMap(Object.cast) { result.append(object) }
        }
        return result
    }

    // MARK: Updates

    /// Takes in one watch event; returns the version the cache held before.
    mutating func apply(_ event: WatchEvent) -> APIObject? {
        resourceVersion = max(resourceVersion, event.object.readMetadata { $0.resourceVersion })
        if replacePod(event) { return event.previous }
        let key = event.object.key
        if event.change == .deleted {
            guard let removed = tables[key.kind].remove(key.name) else { return nil }
            if tables[key.kind].count == 0 { kindsPresent &= ~(1 << UInt64(key.kind.rawValue)) }
            unfile(removed.object, slot: removed.slot)
            updateOtherOwners(key, old: removed.object.readMetadata { $0.ownerReferences }, new: [])
            return removed.object
        }
        let (slot, previous) = tables[key.kind].set(event.object, as: key.name)
        if previous == nil { kindsPresent |= 1 << UInt64(key.kind.rawValue) }
        file(event.object, previous: previous, slot: slot)
        updateOtherOwners(
            key, old: previous?.readMetadata { $0.ownerReferences } ?? [], new: event.object.readMetadata { $0.ownerReferences })
        return previous
    }

    /// Takes in the next version of a pod, nearly all events there are, without looking its name up: cache and store see the same
    /// pods come and go, so that it has the same slot in both, unless the cache was not told of everything.
    private mutating func replacePod(_ event: WatchEvent) -> Bool {
        guard event.change == .modified, let slot = event.slot, case .pod(let pod) = event.object, case .pod(let old)? = event.previous,
            slot < tables[.pod].slotCount, case .pod(let known)? = tables[.pod][slot: slot], known === old
        else { return false }
        tables[.pod].replace(slot, with: event.object)
        let (oldOwners, owners) = (old.value.metadata.ownerReferences, pod.value.metadata.ownerReferences)
        if oldOwners != owners || old.value.nodeName != pod.value.nodeName {
            file(event.object, previous: event.previous, slot: slot)
            updateOtherOwners(event.object.key, old: oldOwners, new: owners)
        } else if PodTally(old) != PodTally(pod) || old.value.metadata.labels != pod.value.metadata.labels {
            count(old, slot: slot, by: -1)
            count(pod, slot: slot, by: 1)
        }
        return true
    }

    private mutating func file(_ object: APIObject, previous: APIObject?, slot: Int) {
        let controller = object.readMetadata { $0.controllerUID }
        let namespace = object.readMetadata { $0.namespace }
        let kind = Int(object.kind.rawValue)
        if case .pod(let old)? = previous { count(old, slot: slot, by: -1) }
        byController[kind].file(slot, under: controller)
        if !namespace.isEmpty {
            byNamespace[kind].file(slot, under: namespace)
            orphans[kind].file(slot, under: controller == nil ? namespace : nil)
        }
        if case .pod(let pod) = object {
            count(pod, slot: slot, by: 1)
            podsByNode.file(slot, under: pod.value.nodeName)
        }
    }

    /// Counts a version of a pod in or out, with the controller its slot is filed under.
    private mutating func count(_ pod: Shared<Pod>, slot: Int, by step: Int) {
        guard OwnedPods.areCounted(of: pod), let bucket = byController[Int(Kind.pod.rawValue)].bucket(holding: slot) else { return }
        while ownedPods.count <= bucket { ownedPods.append(OwnedPods()) }
        ownedPods[bucket].count(pod, by: step)
    }

    private mutating func unfile(_ object: APIObject, slot: Int) {
        let kind = Int(object.kind.rawValue)
        if case .pod(let pod) = object { count(pod, slot: slot, by: -1) }
        byController[kind].file(slot, under: nil)
        byNamespace[kind].file(slot, under: nil)
        orphans[kind].file(slot, under: nil)
        if case .pod = object { podsByNode.file(slot, under: nil) }
    }

    private mutating func updateOtherOwners(_ key: ObjectKey, old: [OwnerReference], new: [OwnerReference]) {
        if old == new { return }
        for reference in SharedInformers.others(old) {
            byOtherOwner[reference.uid]?.removeAll { $0 == key }
            if byOtherOwner[reference.uid]?.isEmpty ?? false { byOtherOwner[reference.uid] = nil }
        }
        for reference in SharedInformers.others(new) { byOtherOwner[reference.uid, default: []].append(key) }
    }

    /// The references that the index by controller does not cover.
    private static func others(_ references: [OwnerReference]) -> [OwnerReference] {
        guard let controller = references.firstIndex(where: \.controller) else { return references }
        if references.count == 1 { return [] }
        var rest = references
        rest.remove(at: controller)
        return rest
    }
}
