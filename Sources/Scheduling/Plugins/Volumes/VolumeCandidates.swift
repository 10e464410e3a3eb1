// The volumes that will do for a claim, found once a cycle and then looked up node by node.

import KubernetesAPI

/// Volumes for an unbound claim, smallest first and of equal ones the first by name, with a way to those a node can reach.
///
/// Most volumes can be reached from the nodes with one value of one label, a host's name or a zone's: those are found by that value,
/// so that a thousand local disks cost a node no more than one.
struct VolumeCandidates: Sendable {
    /// The volume kept for the claim: the only one it can have.
    private var kept: Shared<PersistentVolume>?
    private var volumes: [Shared<PersistentVolume>] = []

    /// Positions of volumes by the value that nodes must have for a label.
    private struct LabelIndex: Sendable {
        let key: String
        var positionsOfValue: [String: [Int]] = [:]
    }
    private var indices: [LabelIndex] = []
    /// Positions of volumes with another affinity, or none.
    private var others: [Int] = []

    init(for claim: PersistentVolumeClaim, _ objects: ListedObjects) {
        var found: [(volume: Shared<PersistentVolume>, size: Quantity)] = []
        for listed in objects.volumesByClass[claim.className] {
            let volume = objects.latest(listed)
            switch volume.value.use(for: claim) {
            case .kept: kept = kept ?? volume
            case .free(let size): found.append((volume, size))
            case nil: continue
            }
        }
        // Listed by name already, and sorting keeps that order among equals.
        let order = found.indices.sorted { left, right in
            found[left].size == found[right].size ? left < right : found[left].size < found[right].size
        }
        for index in order { append(found[index].volume) }
    }

    private mutating func append(_ volume: Shared<PersistentVolume>) {
        let position = volumes.count
        volumes.append(volume)
        guard let (key, values) = volume.value.spec.nodeAffinity?.soleLabel else { return others.append(position) }
        let index = indices.firstIndex { $0.key == key } ?? indices.count
        if index == indices.count { indices.append(LabelIndex(key: key)) }
        for (number, value) in values.enumerated() where !values[..<number].contains(value) {
            indices[index].positionsOfValue[value, default: []].append(position)
        }
    }

    /// The volume for the claim on a node, if none of `excluded` is taken.
    func first(on node: Node, without excluded: [String]) -> Shared<PersistentVolume>? {
        func isFree(_ volume: Shared<PersistentVolume>) -> Bool { !excluded.contains(volume.value.metadata.name) }
        if let kept, isFree(kept) { return kept.value.isReachable(from: node) ? kept : nil }
        var best = others.first { isFree(volumes[$0]) && volumes[$0].value.isReachable(from: node) }
        for index in indices {
            guard let value = node.metadata.labels[index.key], let positions = index.positionsOfValue[value] else { continue }
            if let position = positions.first(where: { isFree(volumes[$0]) }), best.map({ position < $0 }) ?? true { best = position }
        }
        return best.map { volumes[$0] }
    }
}

extension NodeSelector {
    /// The label and its values, if the selector asks for nothing but one of them.
    fileprivate var soleLabel: (key: String, values: [String])? {
        guard terms.count == 1, terms[0].matchFields.isEmpty, terms[0].matchExpressions.count == 1 else { return nil }
        let expression = terms[0].matchExpressions[0]
        return expression.operator == .in && !expression.values.isEmpty ? (expression.key, expression.values) : nil
    }
}
