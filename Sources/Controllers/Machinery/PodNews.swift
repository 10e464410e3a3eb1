// What an event of a pod means for the workloads of one kind: whose pod it is or was, and who might adopt it.

import APIServer
import KubernetesAPI

/// The workloads of one kind that an event of a pod concerns.
struct PodNews {
    /// The owner that the pod had before this event and has no more.
    private(set) var formerOwner: NamespacedName?
    private(set) var owner: NamespacedName?
    /// Those that might adopt the pod: it has no controller, and something about that is new.
    private(set) var candidates: [NamespacedName] = []
    /// Whether the pod was not known before.
    let isNew: Bool
    /// Whether the pod is gone or on its way out.
    let isLeaving: Bool

    /// nil: nothing that a workload looks at has changed. Most updates of pods are of that sort.
    init?<Workload: KubernetesObject>(
        for _: Workload.Type, _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers,
        selects: (Shared<Workload>, Shared<Pod>) -> Bool
    ) {
        isNew = previous == nil
        isLeaving = change == .deleted || pod.isTerminating
        let keepsOwners = previous.map { $0.value.metadata.ownerReferences == pod.value.metadata.ownerReferences } ?? false
        if keepsOwners, change != .deleted, pod.looksSame(as: previous) { return nil }
        let metadata = pod.value.metadata
        owner = PodNews.owner(Workload.self, of: metadata, view)
        if let previous, !keepsOwners {
            let former = PodNews.owner(Workload.self, of: previous.value.metadata, view)
            if former != owner { formerOwner = former }
        }
        guard owner == nil, !isLeaving, metadata.controllerReference == nil else { return }
        let isNews =
            previous.map { $0.value.metadata.labels != metadata.labels || $0.value.metadata.controllerReference != nil } ?? true
        guard isNews else { return }
        let workloads: [Shared<Workload>] = view.objects(inNamespace: metadata.namespace)
        for workload in workloads where selects(workload, pod) { candidates.append(workload.value.metadata.key) }
    }

    /// Everyone concerned.
    var keys: [NamespacedName] { [formerOwner, owner].compactMap { $0 } + candidates }

    private static func owner<Workload: KubernetesObject>(
        _: Workload.Type, of metadata: ObjectMeta, _ view: SharedInformers
    ) -> NamespacedName? {
        guard let owner = metadata.controllerReference, owner.kind == Workload.kind.description else { return nil }
        let key = NamespacedName(namespace: metadata.namespace, name: owner.name)
        return view.get(Workload.self, key)?.value.metadata.uid == owner.uid ? key : nil
    }
}
