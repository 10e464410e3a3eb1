// What the scheduler's listers know besides pods and nodes: the objects plugins look up while they judge nodes.

import KubernetesAPI

/// Objects of one kind under their names, listed in the order of names: an order that does not depend on history.
public struct NamedObjects<Object: KubernetesObject>: Sendable {
    private var objects: [Shared<Object>] = []

    public init() {}

    /// All of them, by name.
    public var all: [Shared<Object>] { objects }
    public var isEmpty: Bool { objects.isEmpty }

    public subscript(name: String) -> Shared<Object>? {
        let position = position(of: name)
        return holds(name, at: position) ? objects[position] : nil
    }

    mutating func set(_ object: Shared<Object>) {
        let name = object.value.metadata.name
        let position = position(of: name)
        if holds(name, at: position) { objects[position] = object } else { objects.insert(object, at: position) }
    }

    mutating func remove(_ name: String) {
        let position = position(of: name)
        if holds(name, at: position) { objects.remove(at: position) }
    }

    private func holds(_ name: String, at position: Int) -> Bool {
        position < objects.count && objects[position].value.metadata.name == name
    }

    /// The position of the first object that does not come before the name.
    private func position(of name: String) -> Int {
        // Objects mostly arrive in order.
        if let last = objects.last, last.value.metadata.name < name { return objects.count }
        var (low, high) = (0, objects.count)
        while low < high {
            let middle = (low + high) / 2
            if objects[middle].value.metadata.name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Objects of one kind in groups (namespaces, storage classes, nodes).
public struct GroupedObjects<Object: KubernetesObject>: Sendable {
    private var groups: [String: NamedObjects<Object>] = [:]

    public init() {}

    /// The objects of a group, by name.
    public subscript(group: String) -> [Shared<Object>] { groups[group]?.all ?? [] }
    public subscript(group: String, name: String) -> Shared<Object>? { groups[group]?[name] }
    public subscript(name: NamespacedName) -> Shared<Object>? { groups[name.namespace]?[name.name] }

    mutating func set(_ object: Shared<Object>, in group: String) { groups[group, default: NamedObjects()].set(object) }

    mutating func remove(_ name: String, from group: String) {
        groups[group]?.remove(name)
        if groups[group]?.isEmpty ?? false { groups[group] = nil }
    }
}

/// All that the scheduler knows of the cluster besides pods and nodes.
public struct ListedObjects: Sendable {
    private var namespaceLabels: [String: Labels] = [:]
    public private(set) var services = GroupedObjects<Service>()
    public private(set) var replicaSets = GroupedObjects<ReplicaSet>()
    public private(set) var statefulSets = GroupedObjects<StatefulSet>()
    public private(set) var replicationControllers = GroupedObjects<ReplicationController>()
    public private(set) var disruptionBudgets = GroupedObjects<PodDisruptionBudget>()
    public private(set) var persistentVolumes = NamedObjects<PersistentVolume>()
    /// The same volumes by storage class.
    public private(set) var volumesByClass = GroupedObjects<PersistentVolume>()
    public private(set) var claims = GroupedObjects<PersistentVolumeClaim>()
    public private(set) var storageClasses = NamedObjects<StorageClass>()
    public private(set) var csiNodes = NamedObjects<CSINode>()
    public private(set) var csiDrivers = NamedObjects<CSIDriver>()
    /// By storage class; the names of one class's objects may repeat across namespaces, so they are listed by their full names.
    public private(set) var storageCapacities = CapacitiesByClass()
    /// By node.
    public private(set) var attachments = GroupedObjects<VolumeAttachment>()

    /// Raised whenever a selector of services or of controllers comes, goes or changes: default spreading is made from them.
    public private(set) var selectorVersion: UInt64 = 0
    /// Raised whenever a disruption budget comes, goes or changes.
    public private(set) var budgetVersion: UInt64 = 0
    /// Raised whenever a namespace comes, goes or is labelled anew.
    public private(set) var namespaceVersion: UInt64 = 0
    /// Versions of volumes and claims that the scheduler decided on and goes by until the API server shows newer ones.
    private var assumedVolumes: [String: Shared<PersistentVolume>] = [:]
    private var assumedClaims: [NamespacedName: Shared<PersistentVolumeClaim>] = [:]

    public init() {}

    /// Labels of a namespace; empty if there is no such namespace.
    public func labels(ofNamespace name: String) -> Labels { namespaceLabels[name] ?? Labels() }
    public func hasNamespace(_ name: String) -> Bool { namespaceLabels[name] != nil }

    /// Adds an object or replaces its former version; objects of other kinds are none of its business.
    public mutating func set(_ object: APIObject) {
        switch object {
        case .namespace(let namespace):
            let (name, labels) = (namespace.value.metadata.name, namespace.value.metadata.labels)
            if namespaceLabels[name] != labels { namespaceVersion += 1 }
            namespaceLabels[name] = labels
        case .service(let service):
            if services[service.value.metadata.key]?.value.selector != service.value.selector { selectorVersion += 1 }
            services.set(service, in: service.value.metadata.namespace)
        case .replicaSet(let set):
            if replicaSets[set.value.metadata.key]?.value.spec.selector != set.value.spec.selector { selectorVersion += 1 }
            replicaSets.set(set, in: set.value.metadata.namespace)
        case .statefulSet(let set):
            if statefulSets[set.value.metadata.key]?.value.spec.selector != set.value.spec.selector { selectorVersion += 1 }
            statefulSets.set(set, in: set.value.metadata.namespace)
        case .replicationController(let controller):
            if replicationControllers[controller.value.metadata.key]?.value.selector != controller.value.selector { selectorVersion += 1 }
            replicationControllers.set(controller, in: controller.value.metadata.namespace)
        case .podDisruptionBudget(let budget):
            disruptionBudgets.set(budget, in: budget.value.metadata.namespace)
            budgetVersion += 1
        case .persistentVolume(let volume):
            forgetClass(ofVolume: volume.value.metadata.name)
            persistentVolumes.set(volume)
            if let assumed = assumedVolumes[volume.value.metadata.name], assumed.value.isOlder(than: volume.value) {
                assumedVolumes[volume.value.metadata.name] = nil
            }
            volumesByClass.set(volume, in: volume.value.spec.storageClassName)
        case .persistentVolumeClaim(let claim):
            claims.set(claim, in: claim.value.metadata.namespace)
            if let assumed = assumedClaims[claim.value.metadata.key], assumed.value.isOlder(than: claim.value) {
                assumedClaims[claim.value.metadata.key] = nil
            }
        case .storageClass(let storageClass): storageClasses.set(storageClass)
        case .csiNode(let node): csiNodes.set(node)
        case .csiDriver(let driver): csiDrivers.set(driver)
        case .csiStorageCapacity(let capacity): storageCapacities.set(capacity)
        case .volumeAttachment(let attachment):
            // The node of an attachment never changes.
            attachments.set(attachment, in: attachment.value.nodeName)
        case .pod, .node, .deployment, .priorityClass, .event, .job, .cronJob, .daemonSet, .controllerRevision, .endpointSlice,
            .horizontalPodAutoscaler, .resourceQuota, .limitRange, .serviceAccount, .configMap, .secret, .ingress, .networkPolicy,
            .endpoints, .unstructured:
            break
        }
    }

    /// Forgets an object that was deleted.
    public mutating func remove(_ object: APIObject) {
        let (namespace, name) = object.readMetadata { ($0.namespace, $0.name) }
        switch object {
        case .namespace:
            namespaceLabels[name] = nil
            namespaceVersion += 1
        case .service:
            services.remove(name, from: namespace)
            selectorVersion += 1
        case .replicaSet:
            replicaSets.remove(name, from: namespace)
            selectorVersion += 1
        case .statefulSet:
            statefulSets.remove(name, from: namespace)
            selectorVersion += 1
        case .replicationController:
            replicationControllers.remove(name, from: namespace)
            selectorVersion += 1
        case .podDisruptionBudget:
            disruptionBudgets.remove(name, from: namespace)
            budgetVersion += 1
        case .persistentVolume:
            forgetClass(ofVolume: name)
            persistentVolumes.remove(name)
            assumedVolumes[name] = nil
        case .persistentVolumeClaim:
            claims.remove(name, from: namespace)
            assumedClaims[NamespacedName(namespace: namespace, name: name)] = nil
        case .storageClass: storageClasses.remove(name)
        case .csiNode: csiNodes.remove(name)
        case .csiDriver: csiDrivers.remove(name)
        case .csiStorageCapacity(let capacity): storageCapacities.remove(capacity)
        case .volumeAttachment(let attachment): attachments.remove(name, from: attachment.value.nodeName)
        case .pod, .node, .deployment, .priorityClass, .event, .job, .cronJob, .daemonSet, .controllerRevision, .endpointSlice,
            .horizontalPodAutoscaler, .resourceQuota, .limitRange, .serviceAccount, .configMap, .secret, .ingress, .networkPolicy,
            .endpoints, .unstructured:
            break
        }
    }

    /// Whether what is known of an object is what is stored of it (nil: nothing), decisions of the scheduler aside. Of a deleted
    /// VolumeAttachment nobody can tell: its node is not known any more. ReplicaSets are looked at only for their pods and may be late.
    package func agree(with stored: APIObject?, _ key: ObjectKey) -> Bool {
        let name = key.name.name
        switch key.kind {
        case .namespace: return namespaceLabels[name] == stored?.metadata.labels
        case .service: return services[key.name] == stored.flatMap(Service.cast)
        case .statefulSet: return statefulSets[key.name] == stored.flatMap(StatefulSet.cast)
        case .replicationController: return replicationControllers[key.name] == stored.flatMap(ReplicationController.cast)
        case .podDisruptionBudget: return disruptionBudgets[key.name] == stored.flatMap(PodDisruptionBudget.cast)
        case .persistentVolume: return persistentVolumes[name] == stored.flatMap(PersistentVolume.cast)
        case .persistentVolumeClaim: return claims[key.name] == stored.flatMap(PersistentVolumeClaim.cast)
        case .storageClass: return storageClasses[name] == stored.flatMap(StorageClass.cast)
        case .csiNode: return csiNodes[name] == stored.flatMap(CSINode.cast)
        case .csiDriver: return csiDrivers[name] == stored.flatMap(CSIDriver.cast)
        case .volumeAttachment:
            guard let attachment = stored.flatMap(VolumeAttachment.cast) else { return true }
            return attachments[attachment.value.nodeName, name] == attachment
        default: return true
        }
    }

    // MARK: Assumptions

    mutating func assume(_ object: APIObject) {
        switch object {
        case .persistentVolume(let volume): assumedVolumes[volume.value.metadata.name] = volume
        case .persistentVolumeClaim(let claim): assumedClaims[claim.value.metadata.key] = claim
        default: break
        }
    }

    /// Takes an assumption back, unless it is no longer the latest one.
    mutating func forget(_ object: APIObject) {
        switch object {
        case .persistentVolume(let volume):
            if assumedVolumes[volume.value.metadata.name] == volume { assumedVolumes[volume.value.metadata.name] = nil }
        case .persistentVolumeClaim(let claim):
            if assumedClaims[claim.value.metadata.key] == claim { assumedClaims[claim.value.metadata.key] = nil }
        default: break
        }
    }

    /// A volume as the scheduler takes it to be.
    func latestVolume(_ name: String) -> Shared<PersistentVolume>? { assumedVolumes[name] ?? persistentVolumes[name] }
    func latest(_ volume: Shared<PersistentVolume>) -> Shared<PersistentVolume> {
        assumedVolumes.isEmpty ? volume : assumedVolumes[volume.value.metadata.name] ?? volume
    }

    /// A claim as the scheduler takes it to be.
    func latestClaim(_ name: NamespacedName) -> Shared<PersistentVolumeClaim>? { assumedClaims[name] ?? claims[name] }
    func isClaimAssumed(_ name: NamespacedName) -> Bool { assumedClaims[name] != nil }

    /// The volume that the scheduler took for a claim and the API server does not show as taken yet: the version before that.
    func volumeAssumed(for claim: PersistentVolumeClaim) -> Shared<PersistentVolume>? {
        if assumedVolumes.isEmpty { return nil }
        return volumesByClass[claim.className].first { volume in
            assumedVolumes[volume.value.metadata.name]?.value.isKept(for: claim) ?? false
        }
    }

    private mutating func forgetClass(ofVolume name: String) {
        if let former = persistentVolumes[name] { volumesByClass.remove(name, from: former.value.spec.storageClassName) }
    }
}

/// What drivers can still give, by storage class.
public struct CapacitiesByClass: Sendable {
    private var classes: [String: [Shared<CSIStorageCapacity>]] = [:]

    /// All that is published for a class, by namespace and name.
    public subscript(className: String) -> [Shared<CSIStorageCapacity>] { classes[className] ?? [] }

    mutating func set(_ capacity: Shared<CSIStorageCapacity>) {
        // The class of a capacity never changes.
        let key = capacity.value.metadata.key
        var list = classes.removeValue(forKey: capacity.value.storageClassName) ?? []
        let position = list.firstIndex { !($0.value.metadata.key < key) } ?? list.count
        if position < list.count, list[position].value.metadata.key == key {
            list[position] = capacity
        } else {
            list.insert(capacity, at: position)
        }
        classes[capacity.value.storageClassName] = list
    }

    mutating func remove(_ capacity: Shared<CSIStorageCapacity>) {
        let key = capacity.value.metadata.key
        classes[capacity.value.storageClassName]?.removeAll { $0.value.metadata.key == key }
    }
}

extension KubernetesObject {
    /// Whether another version of the object was stored after this one.
    fileprivate func isOlder(than other: Self) -> Bool { metadata.resourceVersion < other.metadata.resourceVersion }
}
