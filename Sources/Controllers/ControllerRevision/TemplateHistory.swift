// The versions of a StatefulSet's or DaemonSet's template, kept as ControllerRevisions: each is numbered, pods are labelled with the
// one they were made from, and `kubectl rollout undo` returns to one.
// <https://kubernetes.io/docs/tasks/manage-daemon/rollback-daemon-set/>

import APIServer
import KubernetesAPI

/// What is to be done so that the present template has a revision, and that one the highest number.
enum RevisionNeed {
    /// It has.
    case met(Shared<ControllerRevision>)
    /// An older revision has this very template: it gets a new number.
    case renumbering(Shared<ControllerRevision>)
    /// There is none.
    case creation(number: Int64)
}

/// The revisions of one StatefulSet or DaemonSet.
struct TemplateHistory {
    /// From the lowest number to the highest.
    private(set) var revisions: [Shared<ControllerRevision>]
    /// The requests that adopt revisions without an owner.
    private(set) var adoptions: [PlannedCall] = []
    /// Whether there are revisions without an owner that an owner on its way out may not adopt: it can do nothing then.
    private(set) var isHeldUp = false

    /// - Parameter selector: orphans it matches are adopted.
    init(of owner: ObjectMeta, _ kind: Kind, selector: LabelSelector, _ view: SharedInformers) {
        revisions = view.objects(controlledBy: owner.uid)
        let orphans: [Shared<ControllerRevision>] = view.orphans(inNamespace: owner.namespace)
        for orphan in orphans where selector.matches(orphan.value.metadata.labels) && !orphan.value.metadata.isTerminating {
            if owner.isTerminating {
                isHeldUp = true
                continue
            }
            let metadata = orphan.value.metadata
            let references = metadata.ownerReferences + [OwnerReference(controller: owner, kind)]
            adoptions.append(
                PlannedCall(
                    .patchMetadata(ObjectKey(.controllerRevision, metadata.key), uid: metadata.uid, .ownerReferences(references))))
            revisions.append(orphan)
        }
        revisions.sort { TemplateHistory.isBefore($0.value, $1.value) }
    }

    private static func isBefore(_ left: ControllerRevision, _ right: ControllerRevision) -> Bool {
        if left.revision != right.revision { return left.revision < right.revision }
        if left.metadata.creationTimestamp != right.metadata.creationTimestamp {
            return left.metadata.creationTimestamp < right.metadata.creationTimestamp
        }
        return left.metadata.name < right.metadata.name
    }

    /// - Parameter presumed: the name of the revision that has this template if it cannot be told (revisions of a dump may not be
    ///   understood).
    func need(for template: PodTemplate, presumed: String?) -> RevisionNeed {
        let equal = revisions.last { revision in
            revision.value.template.map { $0 == template } ?? (revision.value.metadata.name == presumed)
        }
        guard let equal else { return .creation(number: nextNumber) }
        return equal === revisions.last ? .met(equal) : .renumbering(equal)
    }

    var nextNumber: Int64 { (revisions.last?.value.revision ?? 0) &+ 1 }

    func named(_ name: String) -> Shared<ControllerRevision>? { revisions.first { $0.value.metadata.name == name } }

    /// The request that gives an older revision the next number.
    func renumbering(_ revision: Shared<ControllerRevision>) -> PlannedCall {
        let number = nextNumber
        var call = PlannedCall(.update(.controllerRevision(revision.with { $0.revision = number })))
        call.overwritesOnConflict = true
        return call
    }

    /// A revision of a template.
    ///
    /// - Parameter hashLabel: the label that carries the hash on revisions of this kind of owner.
    static func revision(
        _ number: Int64, of owner: ObjectMeta, _ kind: Kind, _ template: PodTemplate, hash: String, hashLabel: String
    ) -> ControllerRevision {
        var labels = template.labels
        labels[hashLabel] = hash
        let name = String(owner.name.prefix(longestPrefix)) + "-" + hash
        var metadata = ObjectMeta(name: name, namespace: owner.namespace, labels: labels, annotations: owner.annotations)
        metadata.ownerReferences = [OwnerReference(controller: owner, kind)]
        return ControllerRevision(metadata: metadata, revision: number, template: template)
    }

    private static let longestPrefix = 223

    static func deletion(of revision: Shared<ControllerRevision>) -> PlannedCall {
        var call = PlannedCall(.delete(ObjectKey(.controllerRevision, revision.value.metadata.key), DeleteOptions()))
        call.forgives = .notFound
        return call
    }
}

/// Labels that tie pods and revisions together.
enum RevisionLabels {
    /// On pods: the revision they were made from (a StatefulSet's: its name; a DaemonSet's: its hash). On a DaemonSet's revisions: the
    /// hash.
    static let pod = "controller-revision-hash"
    /// On a StatefulSet's revisions: the hash.
    static let revision = "controller.kubernetes.io/hash"
}
