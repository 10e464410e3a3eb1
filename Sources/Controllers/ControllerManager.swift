// The controller manager: one watch cache, several controllers, each with its work queue, workers and client.
// <https://kubernetes.io/docs/concepts/architecture/controller/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// kube-controller-manager as one component: watch events, timers and answers in; API requests and timers out.
///
/// Keys are worked on when the `.work` timer comes, which is asked for at the very time of the event: so all events of one
/// instant are taken in before anything is decided, as a real informer's burst is.
package struct ControllerManager: Sendable {
    package let configuration: ControllerManagerConfiguration
    package internal(set) var informers = SharedInformers()
    var recorders = ControllerName.allCases.map { EventRecorder($0) }

    var deployments: ControllerLoop<DeploymentReconciler>
    var replicaSets: ControllerLoop<ReplicaSetReconciler>
    var collector: ControllerLoop<GarbageCollector>
    var monitor: ControllerLoop<NodeMonitor>
    var tainter: ControllerLoop<NodeTainter>
    var noExecuteTainter: ControllerLoop<NodeTainter>
    var evictor: ControllerLoop<TaintEvictor>
    var podCollector: ControllerLoop<PodGarbageCollector>
    var namespaces: ControllerLoop<NamespaceController>
    var statefulSets: ControllerLoop<StatefulSetReconciler>
    var daemonSets: ControllerLoop<DaemonSetReconciler>
    var replicationControllers: ControllerLoop<ReplicationControllerReconciler>
    var jobs: ControllerLoop<JobReconciler>
    var untrackedPods: ControllerLoop<TrackingFinalizerCleaner>
    var cronJobs: ControllerLoop<CronJobReconciler>
    var finishedJobs: ControllerLoop<FinishedJobCollector>
    var autoscalers: ControllerLoop<AutoscalerReconciler>
    var budgets: ControllerLoop<DisruptionReconciler>
    var endpointSlices: ControllerLoop<EndpointSliceReconciler>
    var nodeAddresses: ControllerLoop<NodeAddressAllocator>
    var serviceAccounts: ControllerLoop<ServiceAccountReconciler>
    var quotas: ControllerLoop<ResourceQuotaReconciler>
    var volumes: ControllerLoop<VolumeBinder>
    var storageProtection: ControllerLoop<StorageProtection>
    var provisioner: ControllerLoop<VolumeProvisioner>
    var attachments: ControllerLoop<AttachDetachController>
    var attacher: ControllerLoop<ExternalAttacher>
    var certificates: ControllerLoop<RootCertificatePublisher>
    var sliceMirrors: ControllerLoop<EndpointSliceMirroringReconciler>
    /// Whether a `.work` timer is on its way.
    var isWorkComing = false

    /// - Parameter watchLatency: from a commit to this process' watch cache; watch events are delivered by the caller at their
    ///   own time, but lease renewals are not events, so the node monitor works out when it would have seen them.
    package init(
        _ configuration: ControllerManagerConfiguration = ControllerManagerConfiguration(),
        watchLatency: SimulatedDuration = .milliseconds(4)
    ) {
        self.configuration = configuration
        let limits = RetryLimits(configuration)
        deployments = ControllerLoop(
            .deployment, of: .deployment, DeploymentReconciler(), workers: configuration.deploymentWorkers,
            maximumRetries: configuration.deploymentRetries, limits: limits)
        replicaSets = ControllerLoop(
            .replicaSet, of: .replicaSet, ReplicaSetReconciler(burst: configuration.replicaSetBurst),
            workers: configuration.replicaSetWorkers, limits: limits)
        collector = ControllerLoop(
            .garbageCollector, of: .garbageCollector, GarbageCollector(), workers: configuration.garbageCollectorWorkers,
            limits: limits)
        // A node the monitor failed on is not retried before the next pass.
        monitor = ControllerLoop(
            .nodeMonitor, of: .nodeLifecycle, NodeMonitor(configuration, watchLatency: watchLatency),
            workers: configuration.nodeUpdateWorkers,
            maximumRetries: 0, limits: limits)
        tainter = ControllerLoop(
            .nodeTaints, of: .nodeLifecycle, NodeTainter(), workers: configuration.nodeUpdateWorkers, limits: limits)
        // The queues of nodes to taint are served by a loop of their own, one node after the other.
        noExecuteTainter = ControllerLoop(.noExecuteTaints, of: .nodeLifecycle, NodeTainter(), workers: 1, limits: limits)
        // Each eviction runs on its own in the real controller; it tries five times.
        evictor = ControllerLoop(
            .taintEviction, of: .taintEviction, TaintEvictor(), workers: .max, maximumRetries: 5, limits: limits)
        podCollector = ControllerLoop(
            .podGarbageCollector, of: .podGarbageCollector, PodGarbageCollector(configuration), workers: 1, maximumRetries: 0,
            limits: limits)
        namespaces = ControllerLoop(
            .namespace, of: .namespace, NamespaceController(), workers: configuration.namespaceWorkers,
            limits: ControllerManager.namespaceLimits)
        statefulSets = ControllerLoop(
            .statefulSet, of: .statefulSet, StatefulSetReconciler(), workers: configuration.statefulSetWorkers, limits: limits)
        daemonSets = ControllerLoop(
            .daemonSet, of: .daemonSet, DaemonSetReconciler(), workers: configuration.daemonSetWorkers, limits: limits)
        replicationControllers = ControllerLoop(
            .replicationController, of: .replicationController,
            ReplicationControllerReconciler(burst: configuration.replicaSetBurst), workers: configuration.replicationControllerWorkers,
            limits: limits)
        jobs = ControllerLoop(
            .job, of: .job, JobReconciler(), workers: configuration.jobWorkers, limits: .jobs)
        untrackedPods = ControllerLoop(
            .untrackedPods, of: .job, TrackingFinalizerCleaner(), workers: configuration.jobWorkers, limits: .jobs)
        cronJobs = ControllerLoop(
            .cronJob, of: .cronJob, CronJobReconciler(origin: configuration.originOnWall, zones: configuration.timeZones),
            workers: configuration.cronJobWorkers, limits: limits)
        finishedJobs = ControllerLoop(
            .ttlAfterFinished, of: .ttlAfterFinished, FinishedJobCollector(), workers: configuration.finishedJobWorkers, limits: limits)
        autoscalers = ControllerLoop(
            .horizontalPodAutoscaler, of: .horizontalPodAutoscaler, AutoscalerReconciler(configuration.autoscaler),
            workers: configuration.autoscalerWorkers,
            limits: limits)
        budgets = ControllerLoop(
            .disruption, of: .disruption, DisruptionReconciler(), workers: configuration.disruptionWorkers, limits: limits)
        endpointSlices = ControllerLoop(
            .endpointSlice, of: .endpointSlice, EndpointSliceReconciler(maximumEndpoints: configuration.maximumEndpointsPerSlice),
            workers: configuration.endpointSliceWorkers, maximumRetries: configuration.endpointSliceRetries,
            limits: ControllerManager.endpointSliceLimits)
        nodeAddresses = ControllerLoop(
            .nodeIPAM, of: .nodeIPAM, NodeAddressAllocator(configuration), workers: configuration.nodeAddressWorkers, limits: limits)
        serviceAccounts = ControllerLoop(
            .serviceAccount, of: .serviceAccount, ServiceAccountReconciler(), workers: configuration.serviceAccountWorkers, limits: limits)
        // What failed is tried again at the next resync.
        volumes = ControllerLoop(
            .persistentVolume, of: .persistentVolume, VolumeBinder(resyncPeriod: configuration.claimBinderSyncPeriod), workers: 2,
            maximumRetries: 0, limits: limits)
        storageProtection = ControllerLoop(
            .storageProtection, of: .storageProtection, StorageProtection(), workers: 2, limits: limits)
        provisioner = ControllerLoop(
            .volumeProvisioner, of: .volumeProvisioner, VolumeProvisioner(provisioningTime: configuration.volumeProvisioningTime),
            workers: 100, limits: limits)
        // Each operation runs on its own; the controller's passes try again, not its queue.
        attachments = ControllerLoop(
            .attachDetach, of: .attachDetach, AttachDetachController(configuration), workers: .max, maximumRetries: 0, limits: limits)
        attacher = ControllerLoop(.volumeAttacher, of: .volumeAttacher, ExternalAttacher(configuration), workers: 10, limits: limits)
        quotas = ControllerLoop(
            .resourceQuota, of: .resourceQuota, ResourceQuotaReconciler(period: configuration.resourceQuotaSyncPeriod),
            workers: configuration.resourceQuotaWorkers, limits: limits)
        certificates = ControllerLoop(
            .rootCertificate, of: .rootCertificate, RootCertificatePublisher(), workers: configuration.rootCertificateWorkers,
            limits: limits)
        sliceMirrors = ControllerLoop(
            .endpointSliceMirroring, of: .endpointSliceMirroring,
            EndpointSliceMirroringReconciler(maximumAddresses: configuration.maximumMirroredAddresses),
            workers: configuration.sliceMirroringWorkers, maximumRetries: configuration.endpointSliceRetries,
            limits: ControllerManager.sliceMirroringLimits)
    }

    /// Namespaces that fail are looked at again within a minute.
    private static let namespaceLimits: RetryLimits = {
        var limits = RetryLimits()
        limits.maximum = .seconds(60)
        return limits
    }()

    /// Services that fail wait a second at least.
    private static let endpointSliceLimits: RetryLimits = {
        var limits = RetryLimits()
        limits.base = .seconds(1)
        return limits
    }()

    /// Endpoints that fail as well, but never longer than 100 s.
    private static let sliceMirroringLimits: RetryLimits = {
        var limits = endpointSliceLimits
        limits.maximum = .seconds(100)
        return limits
    }()

    // MARK: Inputs

    /// A write reached the watch cache.
    package mutating func handle(_ event: WatchEvent, at now: SimulatedTime, effects: inout Effects<ControllerTimer>) {
        // Kubernetes Events are for people; no controller watches them.
        if case .event = event.object { return }
        let previous = informers.apply(event)
        replicaSets.observe(event, previous: previous, informers, at: now, &effects)
        let collection = collector.decider.observe(event, previous: previous, informers)
        for work in collection.work { collector.queue.add(work) }
        for report in collection.events { recorders[.garbageCollector].record(report, at: now, &effects) }
        switch event.object {
        case .pod(let pod): observe(event.change, pod, previous: previous.flatMap(Pod.cast), at: now, &effects)
        case .node(let node):
            // Nodes that are there from the start are not news: the simulated cluster did not begin with the simulation.
            let isNew = event.change == .added && event.time > .zero
            observe(event.change, node, previous: previous.flatMap(Node.cast), isNew: isNew, at: now, &effects)
        case .replicaSet(let set):
            for key in DeploymentWakeUps.keys(for: set, informers) { deployments.queue.add(key) }
            if let old = previous.flatMap(ReplicaSet.cast),
                old.value.metadata.controllerReference != set.value.metadata.controllerReference
            {
                for key in DeploymentWakeUps.keys(for: old, informers) { deployments.queue.add(key) }
            }
        case .deployment(let deployment): deployments.queue.add(deployment.value.metadata.key)
        case .namespace(let namespace):
            guard namespace.value.isTerminating, event.change != .deleted else { break }
            namespaces.queue.add(namespace.value.metadata.name, at: now + configuration.namespaceDeletionDelay)
            namespaces.arm(at: now, &effects)
        default: break
        }
        statefulSets.observe(event, previous: previous, informers, at: now, &effects)
        daemonSets.observe(event, previous: previous, informers, at: now, &effects)
        replicationControllers.observe(event, previous: previous, informers, at: now, &effects)
        jobs.observe(event, previous: previous, informers, at: now, &effects)
        untrackedPods.observe(event, previous: previous, informers, at: now, &effects)
        budgets.observe(event, previous: previous, informers, at: now, &effects)
        endpointSlices.observe(event, previous: previous, informers, at: now, &effects)
        quotas.observe(event, previous: previous, informers, at: now, &effects)
        storageProtection.observe(event, previous: previous, informers, at: now, &effects)
        if event.object.mayHaveVolumes {
            attachments.observe(event, previous: previous, informers, at: now, &effects)
            settleAttachments(at: now, &effects)
        }
        // Pods are most of what happens: those who do not look at them are not asked.
        if event.object.kind != .pod {
            cronJobs.observe(event, previous: previous, informers, at: now, &effects)
            finishedJobs.observe(event, previous: previous, informers, at: now, &effects)
            autoscalers.observe(event, previous: previous, informers, at: now, &effects)
            nodeAddresses.observe(event, previous: previous, informers, at: now, &effects)
            serviceAccounts.observe(event, previous: previous, informers, at: now, &effects)
            volumes.observe(event, previous: previous, informers, at: now, &effects)
            provisioner.observe(event, previous: previous, informers, at: now, &effects)
            attacher.observe(event, previous: previous, informers, at: now, &effects)
            certificates.observe(event, previous: previous, informers, at: now, &effects)
            sliceMirrors.observe(event, previous: previous, informers, at: now, &effects)
        }
        wakeToWork(at: now, &effects)
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        if change == .deleted, let key = DeploymentWakeUps.key(forDeleted: pod, informers) { deployments.queue.add(key) }
        evictor.decider.observe(change, pod, previous: previous, informers, at: now)
        settleEvictions(at: now, &effects)
        podCollector.decider.observe(change, pod, previous: previous, informers)
        podCollector.decider.arm(at: now, &effects)
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ node: Shared<Node>, previous: Shared<Node>?, isNew: Bool, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        monitor.decider.observe(change, node.value, previous: previous?.value, isNew: isNew, at: now, &effects)
        if change != .deleted { tainter.queue.add(.mirrorConditions(node.value.metadata.name)) }
        evictor.decider.observe(change, node.value, previous: previous?.value, informers, at: now)
        settleEvictions(at: now, &effects)
        podCollector.decider.observe(change, node.value, informers)
        podCollector.decider.arm(at: now, &effects)
    }

    /// A snapshot of a running cluster is taken over: what its controllers had reported by then is remembered.
    package mutating func recall(_ snapshot: [APIObject]) {
        for past in PastEvents(snapshot, syncPeriod: configuration.autoscaler.syncPeriod).entries {
            recorders[past.controller].recall(past.event, at: past.time)
        }
    }

    /// A timer asked for earlier.
    package mutating func handle(timer: ControllerTimer, at now: SimulatedTime, effects: inout Effects<ControllerTimer>) {
        switch timer {
        case .work: isWorkComing = false
        case .delayed: break
        case .nodeMonitor:
            if let nodes = monitor.decider.beginPass(informers, at: now) {
                for node in nodes { monitor.queue.add(node) }
                if nodes.isEmpty { endMonitorPass(at: now, &effects) }
            }
        case .taintPoll: pollTaintQueues(at: now, &effects)
        case .taintEviction:
            evictor.decider.fire(at: now)
            settleEvictions(at: now, &effects)
        case .podGarbageCollection:
            for victim in podCollector.decider.pass(informers, at: now) { podCollector.queue.add(victim) }
            podCollector.decider.arm(at: now, &effects)
        case .attachDetach:
            for work in attachments.decider.wake(informers, at: now) { attachments.queue.add(work) }
            settleAttachments(at: now, &effects)
        }
        work(at: now, &effects)
    }

    /// The API server's answer to a call with a token.
    package mutating func handle(
        answer: APIResult, token: UInt64, at now: SimulatedTime, effects: inout Effects<ControllerTimer>
    ) {
        guard let token = CallToken(rawValue: token) else { return }
        switch token.loop {
        case .recorder: recorders[token.slot].answered(at: now, &effects)
        case .deployment: deployments.handle(answer, token, informers, &recorders[.deployment], at: now, &effects)
        case .replicaSet: replicaSets.handle(answer, token, informers, &recorders[.replicaSet], at: now, &effects)
        case .garbageCollector: collector.handle(answer, token, informers, &recorders[.garbageCollector], at: now, &effects)
        case .nodeMonitor:
            let wasOver = monitor.decider.isPassOver
            monitor.handle(answer, token, informers, &recorders[.nodeLifecycle], at: now, &effects)
            monitor.decider.wakeForPoll(at: now, &effects)
            if !wasOver, monitor.decider.isPassOver { endMonitorPass(at: now, &effects) }
        case .nodeTaints: tainter.handle(answer, token, informers, &recorders[.nodeLifecycle], at: now, &effects)
        case .noExecuteTaints: noExecuteTainter.handle(answer, token, informers, &recorders[.nodeLifecycle], at: now, &effects)
        case .taintEviction: evictor.handle(answer, token, informers, &recorders[.taintEviction], at: now, &effects)
        case .podGarbageCollector:
            podCollector.handle(answer, token, informers, &recorders[.podGarbageCollector], at: now, &effects)
        case .namespace: namespaces.handle(answer, token, informers, &recorders[.namespace], at: now, &effects)
        case .statefulSet:
            statefulSets.handle(answer, token, informers, &recorders[.statefulSet], at: now, &effects)
        case .daemonSet:
            daemonSets.handle(answer, token, informers, &recorders[.daemonSet], at: now, &effects)
        case .replicationController:
            replicationControllers.handle(answer, token, informers, &recorders[.replicationController], at: now, &effects)
        case .job:
            jobs.handle(answer, token, informers, &recorders[.job], at: now, &effects)
        case .untrackedPods:
            untrackedPods.handle(answer, token, informers, &recorders[.job], at: now, &effects)
        case .cronJob:
            cronJobs.handle(answer, token, informers, &recorders[.cronJob], at: now, &effects)
        case .ttlAfterFinished:
            finishedJobs.handle(answer, token, informers, &recorders[.ttlAfterFinished], at: now, &effects)
        case .horizontalPodAutoscaler:
            autoscalers.handle(answer, token, informers, &recorders[.horizontalPodAutoscaler], at: now, &effects)
        case .disruption:
            budgets.handle(answer, token, informers, &recorders[.disruption], at: now, &effects)
        case .endpointSlice:
            endpointSlices.handle(answer, token, informers, &recorders[.endpointSlice], at: now, &effects)
        case .nodeIPAM:
            nodeAddresses.handle(answer, token, informers, &recorders[.nodeIPAM], at: now, &effects)
        case .serviceAccount:
            serviceAccounts.handle(answer, token, informers, &recorders[.serviceAccount], at: now, &effects)
        case .resourceQuota:
            quotas.handle(answer, token, informers, &recorders[.resourceQuota], at: now, &effects)
        case .persistentVolume:
            volumes.handle(answer, token, informers, &recorders[.persistentVolume], at: now, &effects)
        case .storageProtection:
            storageProtection.handle(answer, token, informers, &recorders[.storageProtection], at: now, &effects)
        case .volumeProvisioner:
            provisioner.handle(answer, token, informers, &recorders[.volumeProvisioner], at: now, &effects)
        case .attachDetach:
            attachments.handle(answer, token, informers, &recorders[.attachDetach], at: now, &effects)
            settleAttachments(at: now, &effects)
        case .volumeAttacher: attacher.handle(answer, token, informers, &recorders[.volumeAttacher], at: now, &effects)
        case .rootCertificate:
            certificates.handle(answer, token, informers, &recorders[.rootCertificate], at: now, &effects)
        case .endpointSliceMirroring:
            sliceMirrors.handle(answer, token, informers, &recorders[.endpointSliceMirroring], at: now, &effects)
        }
        wakeToWork(at: now, &effects)
    }

    /// The metrics APIs' answer to an autoscaler's ``APIRequest/readMetrics(_:)``.
    package mutating func handle(
        metrics: MetricsReading, for autoscaler: NamespacedName, token: UInt64, at now: SimulatedTime,
        effects: inout Effects<ControllerTimer>
    ) {
        autoscalers.decider.note(metrics, for: autoscaler)
        handle(answer: .success(nil), token: token, at: now, effects: &effects)
    }

    /// A kubelet sent its last lease renewal at `lastRenewal` and will send no more: its node, or the kubelet, is down.
    package mutating func heartbeatsStopped(
        node: String, lastRenewal: SimulatedTime, at now: SimulatedTime, effects: inout Effects<ControllerTimer>
    ) {
        monitor.decider.heartbeatsStopped(node, at: lastRenewal, &effects, now: now)
    }

    /// A kubelet renews its lease again.
    package mutating func heartbeatsResumed(node: String, at now: SimulatedTime, effects: inout Effects<ControllerTimer>) {
        monitor.decider.heartbeatsResumed(node)
    }
}

extension APIObject {
    /// False for a pod without volumes, which nearly all events are about.
    fileprivate var mayHaveVolumes: Bool { if case .pod(let pod) = self { !pod.value.spec.value.volumes.isEmpty } else { true } }
}
