// The groups of pods that are of use only together: who belongs to them, and who has a node.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// All groups that a PodGroup describes or a pod names, in the order of first appearance.
struct PodGroupLedger: NodeLedger {
    struct Group: Sendable {
        let name: NamespacedName
        /// nil: there is no such PodGroup (any more).
        fileprivate(set) var spec: PodGroupSpec?
        fileprivate(set) var created = SimulatedTime.zero
        /// The pods that name the group and have not ended, in the order in which they came.
        fileprivate(set) var members: [NamespacedName] = []
        /// Those of them that have a node, bound or not yet.
        fileprivate(set) var placed: [PodInfo] = []
    }
    private var groups: [Group] = []
    private var numbers: [NamespacedName: Int] = [:]
    /// By pod: the group that counts it among its members.
    private var membership: [UID: Int] = [:]
    /// Groups that failed a short while ago.
    private var heldBack: Set<String> = []

    subscript(number: Int) -> Group { groups[number] }

    /// The number of a pod's group; nil if it belongs to none.
    func number(of pod: Pod) -> Int? { PodGroupLedger.groupName(of: pod).flatMap { numbers[$0] } }

    func isHeldBack(_ group: NamespacedName) -> Bool { heldBack.contains(PodGroupLedger.note(of: group)) }

    /// The note that says that a group failed.
    static func note(of group: NamespacedName) -> String { "PodGroup \(group) failed" }

    static func groupName(of pod: Pod) -> NamespacedName? {
        guard let name = pod.metadata.labels[PodGroupSpec.label], !name.isEmpty else { return nil }
        return NamespacedName(namespace: pod.metadata.namespace, name: name)
    }

    private mutating func register(_ name: NamespacedName) -> Int {
        if let known = numbers[name] { return known }
        groups.append(Group(name: name))
        numbers[name] = groups.count - 1
        return groups.count - 1
    }

    // MARK: Changes

    mutating func appendNode() {}
    mutating func setNode(_ node: Node?, at slot: NodeSlot) {}

    mutating func count(_ pod: PodInfo, on slot: NodeSlot, sign: Int) {
        guard let name = PodGroupLedger.groupName(of: pod.pod.value) else { return }
        let number = register(name)
        if sign > 0 {
            groups[number].placed.append(pod)
        } else if let index = groups[number].placed.firstIndex(where: { $0.pod.value.metadata.uid == pod.pod.value.metadata.uid }) {
            groups[number].placed.remove(at: index)
        }
    }

    mutating func observe(_ object: APIObject, isGone: Bool) {
        switch object {
        case .pod(let pod): observe(pod.value, isGone: isGone)
        case .unstructured(let object):
            guard let spec = object.value.podGroup else { return }
            let number = register(object.value.metadata.key)
            groups[number].spec = isGone ? nil : spec
            groups[number].created = object.value.metadata.creationTimestamp
        default: break
        }
    }

    private mutating func observe(_ pod: Pod, isGone: Bool) {
        let (uid, key) = (pod.metadata.uid, pod.metadata.key)
        let number = isGone ? nil : PodGroupLedger.groupName(of: pod).map { register($0) }
        let before = membership[uid]
        if number == before { return }
        membership[uid] = number
        if let before { groups[before].members.removeAll { $0 == key } }
        if let number { groups[number].members.append(key) }
    }

    mutating func setNote(_ text: String, _ stands: Bool) {
        if stands { heldBack.insert(text) } else { heldBack.remove(text) }
    }
}
