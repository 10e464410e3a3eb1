// How a volume is attached and detached: the checks before, the requests, the wait for the driver, and what is said about it.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension AttachDetachController {
    // MARK: Detaching

    /// Detaches the volume where nobody wants it: when the node's kubelet has let go of it, at once from a node that is out of
    /// service, and after six minutes from one that is not ready.
    mutating func detach(_ number: Int, _ view: SharedInformers, at now: SimulatedTime, _ work: inout [Work]) {
        for index in records[number].places.indices {
            let place = records[number].places[index]
            guard place.isOccupied, !place.isWanted, !records[number].isBusy(index) else { continue }
            let backoff = records[number].backoffOver(.detach, index)
            if backoff >= now {
                look(number, at: backoff + AttachDetachController.period)
                continue
            }
            let requested = place.detachRequested ?? now
            records[number].places[index].detachRequested = requested
            let expires = requested + settings.maxWaitForUnmount
            let node = view.node(place.node)?.value
            let isForced = now > expires && !(node?.isReady ?? false) && !settings.disableForceDetachOnTimeout
            if place.isInUse, !isForced, !(node?.isOutOfService ?? false) {
                if now <= expires { look(number, at: expires + AttachDetachController.period) }
                continue
            }
            records[number].places[index].isReported = false
            let name = VolumeAttachment.name(of: records[number].volume, node: place.node)
            records[number].places[index].operation = VolumeRecord.Operation(kind: .detach, attachment: name)
            setAwaited(name, for: number)
            work.append(.detach(volume: records[number].volume.uniqueName, node: place.node))
        }
    }

    // MARK: Attaching

    /// Attaches the volume where it is wanted, unless another node has it that must let go of it first.
    mutating func attach(_ number: Int, at now: SimulatedTime, _ work: inout [Work]) {
        for index in records[number].places.indices {
            let place = records[number].places[index]
            guard place.isWanted, !records[number].isBusy(index) else { continue }
            if place.attachment == .attached {
                records[number].places[index].detachRequested = nil
                continue
            }
            if !records[number].volume.allowsSeveralNodes, records[number].places.contains(where: \.isOccupied),
                !(place.attachment == .uncertain && records[number].places.count(where: \.isOccupied) == 1)
            {
                if !place.hasToldOfOther { tellOfOther(number, index) }
                records[number].places[index].hasToldOfOther = true
                continue
            }
            let backoff = records[number].backoffOver(.attach, index)
            if backoff >= now {
                look(number, at: backoff + AttachDetachController.period)
                continue
            }
            let name = VolumeAttachment.name(of: records[number].volume, node: place.node)
            records[number].places[index].operation = VolumeRecord.Operation(kind: .attach, attachment: name)
            setAwaited(name, for: number)
            work.append(.attach(volume: records[number].volume.uniqueName, node: place.node))
        }
    }

    /// Tells the pods of a place who has the volume: pods, as far as they may know each other, or a node that should not.
    private mutating func tellOfOther(_ number: Int, _ index: Int) {
        let record = records[number]
        let others = record.places.enumerated().filter { $0.offset != index && $0.element.isOccupied }.flatMap(\.element.pods)
        for pod in record.places[index].pods {
            let neighbours = others.filter { $0.name.namespace == pod.name.namespace }.map(\.name.name)
            let strangers = others.count - neighbours.count
            var message = "Volume is already exclusively attached to one node and can't be attached to another"
            if !neighbours.isEmpty {
                message = "Volume is already used by pod(s) " + neighbours.joined(separator: ", ")
                if strangers > 0 { message += " and \(strangers) pod(s) in different namespaces" }
            } else if strangers > 0 {
                message = "Volume is already used by \(strangers) pod(s) in different namespaces"
            }
            report(pod, "FailedAttachVolume", "Multi-Attach error for volume \"\(record.volume.volume)\" " + message, .warning)
        }
    }

    private mutating func report(
        _ pod: PodReference, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) {
        events.append(
            KubernetesEvent(
                about: "Pod", pod.name, uid: pod.uid, reason: reason, message: message, severity: severity,
                source: ControllerName.attachDetach.eventSource))
    }

    // MARK: Requests

    mutating func reconcile(_ key: Work, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch key {
        case .report(let node):
            var call = PlannedCall(.patchNode(node, .volumesAttached(reported(on: node))))
            call.forgives = .notFound
            return Plan(steps: [[call]])
        case .attach(let volume, let node):
            guard let (number, _) = find(volume, node) else { return Plan() }
            let known = records[number].volume
            let name = VolumeAttachment.name(of: known, node: node)
            var attachment = VolumeAttachment(
                metadata: ObjectMeta(name: name), attacher: known.driver, nodeName: node, persistentVolumeName: known.volume)
            // The external attacher's own, which it puts there as soon as it sees the object.
            attachment.metadata.finalizers = [ExternalAttacher.finalizer(of: known.driver)]
            var call = PlannedCall(.create(APIObject(attachment)))
            call.forgives = .alreadyExists
            return Plan(steps: [[call]])
        case .detach(let volume, let node):
            guard let (number, _) = find(volume, node) else { return Plan() }
            // First the node is told, so that no pod begins with the volume.
            var patch = PlannedCall(.patchNode(node, .volumesAttached(reported(on: node))))
            patch.forgives = .notFound
            let name = VolumeAttachment.name(of: records[number].volume, node: node)
            var delete = PlannedCall(.delete(ObjectKey(.volumeAttachment, name), DeleteOptions()))
            delete.forgives = .notFound
            delete.reads = 1
            return Plan(steps: [[patch], [delete]])
        }
    }

    mutating func conclude(
        _ key: Work, _ conclusion: Never?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Never>? {
        switch key {
        case .report(let node): if outcome.error != nil { needsReport(node) }
        case .attach(let volume, let node), .detach(let volume, let node):
            guard let (number, index) = find(volume, node), let operation = records[number].places[index].operation else { return nil }
            if let error = outcome.error {
                fail(
                    number, index, error.description, at: now,
                    isTold: !outcome.notDone.contains { if case .patchNode = $0 { true } else { false } })
                return nil
            }
            records[number].places[index].operation?.waitsSince = now
            look(number, at: now + AttachmentPolls.timeout)
            let seen = view.get(VolumeAttachment.self, NamespacedName(namespace: "", name: operation.attachment))?.value
            switch operation.kind {
            case .attach:
                if let seen, seen.isAttached || !seen.attachError.isEmpty { settle(number, index, at: now) }
            case .detach: if seen == nil { settle(number, index, at: now) }
            }
            if operation.settled != nil { settle(number, index, at: now) }
        }
        return nil
    }

    // MARK: The end of an operation

    /// The attachment is as wished: the controller finds it so when it looks next.
    mutating func settle(_ number: Int, _ index: Int, at now: SimulatedTime) {
        guard let operation = records[number].places[index].operation else { return }
        records[number].places[index].operation?.settled = operation.settled ?? now
        guard operation.ends == nil, let since = operation.waitsSince else { return }
        let ends = AttachmentPolls.first(since: since, atOrAfter: now)
        records[number].places[index].operation?.ends = ends
        look(number, at: ends)
    }

    /// Ends what is over by now.
    mutating func endOperations(of number: Int, _ view: SharedInformers, at now: SimulatedTime) {
        var nodes: [String] = []
        for index in records[number].places.indices {
            guard let operation = records[number].places[index].operation, let since = operation.waitsSince else { continue }
            guard let ends = operation.ends, ends <= now else {
                if since + AttachmentPolls.timeout <= now {
                    let verb = operation.kind == .attach ? "attach" : "detach"
                    let volume = records[number].volume
                    fail(
                        number, index,
                        "timed out waiting for external-attacher of \(volume.driver) CSI driver to \(verb) volume \(volume.handle)",
                        at: now)
                }
                continue
            }
            let seen = view.get(VolumeAttachment.self, NamespacedName(namespace: "", name: operation.attachment))?.value
            switch operation.kind {
            case .attach:
                if seen?.metadata.isTerminating ?? false {
                    fail(number, index, "volume attachment is being deleted", at: now)
                } else if let error = seen?.attachError, !error.isEmpty {
                    fail(number, index, error, at: now)
                } else {
                    succeed(number, index)
                }
            case .detach:
                setAwaited(operation.attachment, for: nil)
                records[number].places[index].operation = nil
                records[number].places[index].backoff = AttachmentBackoff()
                records[number].places[index].attachment = .detached
                records[number].places[index].detachRequested = nil
                nodes.append(records[number].places[index].node)
            }
        }
        for node in nodes { dropIfUnused(number, node) }
    }

    private mutating func succeed(_ number: Int, _ index: Int) {
        let place = records[number].places[index]
        if let name = place.operation?.attachment { setAwaited(name, for: nil) }
        records[number].places[index].operation = nil
        records[number].places[index].backoff = AttachmentBackoff()
        records[number].places[index].attachment = .attached
        records[number].places[index].isReported = true
        needsReport(place.node)
        // Kubernetes' own message ends with a blank.
        for pod in place.pods {
            report(pod, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"\(records[number].volume.volume)\" ")
        }
    }

    /// - Parameter isTold: whether the operation itself failed, which is tried again after a wait; otherwise it was not begun.
    private mutating func fail(_ number: Int, _ index: Int, _ why: String, at now: SimulatedTime, isTold: Bool = true) {
        guard let operation = records[number].places[index].operation else { return }
        let place = records[number].places[index]
        setAwaited(operation.attachment, for: nil)
        records[number].places[index].operation = nil
        if isTold { records[number].places[index].backoff.fail(operation.kind, at: now) }
        switch operation.kind {
        case .attach:
            records[number].places[index].attachment = .uncertain
            for pod in place.pods {
                report(
                    pod, "FailedAttachVolume", "AttachVolume.Attach failed for volume \"\(records[number].volume.volume)\" : " + why,
                    .warning)
            }
        case .detach:
            records[number].places[index].isReported = place.attachment == .attached
            needsReport(place.node)
            // It may have been carried out all the same.
            verifyLater(number, at: now)
        }
        markDirty(number)
    }
}
