// A stand-in for the CSI drivers' external attachers: does what VolumeAttachments ask for, after the time a driver takes.
// <https://kubernetes-csi.github.io/docs/external-attacher.html>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// One for all drivers. What attaching and detaching take is a setting: drivers differ, from a moment to a minute.
struct ExternalAttacher: Reconciler {
    typealias Conclusion = Never

    private let settings: AttachDetachSettings
    /// When the driver is done with what was asked of it last.
    private var due: [ObjectKey: SimulatedTime] = [:]

    init(_ configuration: ControllerManagerConfiguration) { settings = configuration.attachDetach }

    /// On a VolumeAttachment: the driver has not detached yet.
    static func finalizer(of driver: String) -> String {
        "external-attacher/" + String(driver.map { $0 == "/" ? "-" : $0 })
    }

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<ObjectKey>, at now: SimulatedTime
    ) {
        guard case .volumeAttachment(let attachment) = event.object else { return }
        let key = event.object.key
        if event.change == .deleted {
            due[key] = nil
            return
        }
        let isTerminating = attachment.value.metadata.isTerminating
        if case .volumeAttachment(let old)? = previous, old.value.metadata.isTerminating == isTerminating { return }
        if attachment.value.isAttached, !isTerminating { return }
        // One thing at a time: a driver that is attaching detaches afterwards.
        let begin = max(now, due[key] ?? now)
        let end = begin + (isTerminating ? settings.detachTime : settings.attachTime)
        due[key] = end
        queue.add(key, at: end)
    }

    mutating func reconcile(_ key: ObjectKey, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard case .volumeAttachment(let attachment)? = view[key] else { return Plan() }
        if let due = due[key], due > now {
            var plan = Plan<Never>()
            plan.again = due
            return plan
        }
        if attachment.value.metadata.isTerminating {
            let finalizer = ExternalAttacher.finalizer(of: attachment.value.attacher)
            guard attachment.value.metadata.finalizers.contains(finalizer) else { return Plan() }
            var call = PlannedCall(.patchMetadata(key, uid: attachment.value.metadata.uid, .removeFinalizer(finalizer)))
            call.forgives = .notFound
            return Plan(steps: [[call]])
        }
        if attachment.value.isAttached { return Plan() }
        var call = PlannedCall(.updateStatus(.volumeAttachment(attachment.with { $0.isAttached = true })))
        call.forgives = [.notFound, .conflict]
        return Plan(steps: [[call]])
    }
}
