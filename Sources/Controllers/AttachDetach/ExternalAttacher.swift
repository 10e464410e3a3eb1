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
    /// How often it has tried to attach, and how long it waits after the next failure.
    private var attempts: [ObjectKey: UInt64] = [:]
    private var waits: [ObjectKey: SimulatedDuration] = [:]

    /// The wait after the first failure, doubled up to the longest (`--retry-interval-start`, `--retry-interval-max`).
    private static let firstWait = SimulatedDuration.seconds(1)
    private static let longestWait = SimulatedDuration.minutes(5)

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
            waits[key] = nil
            return
        }
        let isTerminating = attachment.value.metadata.isTerminating
        if case .volumeAttachment(let old)? = previous, old.value.metadata.isTerminating == isTerminating { return }
        if attachment.value.isAttached, !isTerminating { return }
        // One thing at a time: a driver that is attaching detaches afterwards.
        let begin = max(now, due[key] ?? now)
        let time = isTerminating ? settings.detachTime : attachTime(attachment.value.attacher, at: begin)
        let end = begin + time
        due[key] = end
        queue.add(key, at: end)
    }

    private func attachTime(_ driver: String, at begin: SimulatedTime) -> SimulatedDuration {
        settings.attachTime + settings.disturbances.delay(of: driver, at: begin)
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
        let error = fails(key, attachment.value.attacher, at: now) ? ExternalAttacher.message(about: attachment.value) : ""
        var call = PlannedCall(
            .updateStatus(
                .volumeAttachment(
                    attachment.with {
                        $0.isAttached = error.isEmpty
                        $0.attachError = error
                    })))
        call.forgives = [.notFound, .conflict]
        var plan = Plan<Never>(steps: [[call]])
        if error.isEmpty {
            waits[key] = nil
        } else {
            let wait = waits[key] ?? ExternalAttacher.firstWait
            waits[key] = min(wait * 2, ExternalAttacher.longestWait)
            let begin = now + wait
            due[key] = begin + attachTime(attachment.value.attacher, at: begin)
            plan.again = due[key]
        }
        return plan
    }

    private mutating func fails(_ key: ObjectKey, _ driver: String, at now: SimulatedTime) -> Bool {
        if settings.disturbances.isEmpty { return false }
        var stream = RandomStream(seed: settings.seed, purpose: .attachFails, owner: key.name.name)
        stream.index = attempts[key, default: 0]
        attempts[key, default: 0] += 1
        return settings.disturbances.fails(driver, at: now, stream)
    }

    /// A driver's words.
    private static func message(about attachment: VolumeAttachment) -> String {
        let volume = attachment.persistentVolumeName ?? ""
        return "rpc error: code = Internal desc = could not attach volume \"\(volume)\" to node \"\(attachment.nodeName)\""
    }
}

extension RandomPurpose {
    static let attachFails = RandomPurpose("attaching a volume fails")
}
