// The controllers at work: who has something to do, and doing it.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension ControllerManager {
    mutating func wakeToWork(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        guard !isWorkComing,
            deployments.canWork || replicaSets.canWork || collector.canWork || monitor.canWork || tainter.canWork
                || noExecuteTainter.canWork || evictor.canWork
                || podCollector.canWork || namespaces.canWork || statefulSets.canWork || daemonSets.canWork
                || replicationControllers.canWork || jobs.canWork || untrackedPods.canWork || cronJobs.canWork || finishedJobs.canWork
                || autoscalers.canWork
                || budgets.canWork || endpointSlices.canWork || nodeAddresses.canWork || serviceAccounts.canWork || quotas.canWork
                || volumes.canWork || storageProtection.canWork || provisioner.canWork || attachments.canWork || attacher.canWork
                || certificates.canWork || sliceMirrors.canWork
        else { return }
        isWorkComing = true
        effects.wake(at: now, .work)
    }

    mutating func work(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        deployments.run(informers, &recorders[.deployment], at: now, &effects)
        replicaSets.run(informers, &recorders[.replicaSet], at: now, &effects)
        collector.run(informers, &recorders[.garbageCollector], at: now, &effects)
        if monitor.canWork {
            let wasOver = monitor.decider.isPassOver
            monitor.run(informers, &recorders[.nodeLifecycle], at: now, &effects)
            monitor.decider.wakeForPoll(at: now, &effects)
            if !wasOver, monitor.decider.isPassOver { endMonitorPass(at: now, &effects) }
        }
        tainter.run(informers, &recorders[.nodeLifecycle], at: now, &effects)
        noExecuteTainter.run(informers, &recorders[.nodeLifecycle], at: now, &effects)
        evictor.run(informers, &recorders[.taintEviction], at: now, &effects)
        podCollector.run(informers, &recorders[.podGarbageCollector], at: now, &effects)
        namespaces.run(informers, &recorders[.namespace], at: now, &effects)
        statefulSets.run(informers, &recorders[.statefulSet], at: now, &effects)
        daemonSets.run(informers, &recorders[.daemonSet], at: now, &effects)
        replicationControllers.run(informers, &recorders[.replicationController], at: now, &effects)
        jobs.run(informers, &recorders[.job], at: now, &effects)
        untrackedPods.run(informers, &recorders[.job], at: now, &effects)
        cronJobs.run(informers, &recorders[.cronJob], at: now, &effects)
        finishedJobs.run(informers, &recorders[.ttlAfterFinished], at: now, &effects)
        autoscalers.run(informers, &recorders[.horizontalPodAutoscaler], at: now, &effects)
        budgets.run(informers, &recorders[.disruption], at: now, &effects)
        endpointSlices.run(informers, &recorders[.endpointSlice], at: now, &effects)
        nodeAddresses.run(informers, &recorders[.nodeIPAM], at: now, &effects)
        serviceAccounts.run(informers, &recorders[.serviceAccount], at: now, &effects)
        quotas.run(informers, &recorders[.resourceQuota], at: now, &effects)
        volumes.run(informers, &recorders[.persistentVolume], at: now, &effects)
        storageProtection.run(informers, &recorders[.storageProtection], at: now, &effects)
        provisioner.run(informers, &recorders[.volumeProvisioner], at: now, &effects)
        attachments.run(informers, &recorders[.attachDetach], at: now, &effects)
        attacher.run(informers, &recorders[.volumeAttacher], at: now, &effects)
        certificates.run(informers, &recorders[.rootCertificate], at: now, &effects)
        sliceMirrors.run(informers, &recorders[.endpointSliceMirroring], at: now, &effects)
    }

    mutating func endMonitorPass(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        for node in monitor.decider.endPass(informers, at: now, &effects) { noExecuteTainter.queue.add(.welcomeBack(node)) }
        monitor.decider.wakeForPoll(at: now, &effects)
    }

    mutating func pollTaintQueues(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        for node in monitor.decider.poll(at: now) { noExecuteTainter.queue.add(.driveOff(node)) }
        monitor.decider.wakeForPoll(at: now, &effects)
    }

    mutating func settleAttachments(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        for event in attachments.decider.takeEvents() { recorders[.attachDetach].record(event, at: now, &effects) }
        attachments.decider.arm(at: now, &effects)
    }

    mutating func settleEvictions(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        // Deadlines that lie in the present (no toleration at all) need no timer.
        evictor.decider.fire(at: now)
        let (events, victims) = evictor.decider.takeDecisions()
        for event in events { recorders[.taintEviction].record(event, at: now, &effects) }
        for victim in victims { evictor.queue.add(victim) }
        evictor.decider.arm(at: now, &effects)
    }
}

extension [EventRecorder] {
    subscript(controller: ControllerName) -> EventRecorder {
        get { self[Int(controller.rawValue)] }
        _modify { yield &self[Int(controller.rawValue)] }
    }
}
