// The whole cluster as one value: copying it forks the universe.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling

/// A simulated Kubernetes cluster and everything that happens to it.
///
/// The cluster is a value: `var whatIf = cluster` is a fork, and both go on independently and deterministically.
///
///     var cluster = try Cluster(configuration)
///     cluster.run(until: .zero + .minutes(30))
///     let record = cluster.finish()
public struct Cluster: Sendable {
    let configuration: Shared<ClusterConfiguration>
    public private(set) var now = SimulatedTime.zero

    var queue = EventQueue<ClusterEvent>()
    package internal(set) var api: APIServer
    var gateway: ClientGateway
    package internal(set) var scheduler: Scheduler
    package internal(set) var controllerManager: ControllerManager
    package internal(set) var nodeAgent: NodeAgent
    var faults: FaultInjector
    var apiServer: APIServerHealth
    var recorder: Recorder
    /// Every run of `kubectl drain`, ended ones included.
    var drains: [Drain] = []
    /// Every run of maintenance, ended ones included, and which node of which the drains are about.
    var maintenances: [Maintenance] = []
    var drainsOfMaintenance: [Int: (maintenance: Int, node: String)] = [:]
    /// Nodes that are made schedulable again after their maintenance, by the number of the operation.
    var uncordons: [Int: String] = [:]
    /// Nodes whose machines are taken back by their provider, and what is needed to replace them.
    var reclaimed: [Int: Int] = [:]
    var orphanedNodes: Set<Int> = []
    var templates: [Int: Shared<Node>] = [:]
    var metrics: MetricsPipeline
    /// Set if the scheduler goes by what nodes use.
    var loadWatcher: LoadWatcher?
    /// The requests through the cluster's Services, if the scenario has any.
    var traffic: Traffic?
    /// Set if the run is watched for broken invariants.
    var invariants: InvariantMonitor?
    private let isWatched: Bool
    /// Set by tests only.
    private var saboteur: (any Saboteur)?
    private let isSabotaged: Bool
    /// Readings of metrics on their way to the autoscaler, by the number of the request.
    private var readings: [UInt32: (autoscaler: NamespacedName, reading: MetricsReading)] = [:]
    private var handledEvents = 0

    // Buffers, emptied after each event.
    var schedulerEffects = Effects<SchedulerTimer>()
    var controllerEffects = Effects<ControllerTimer>()
    var kubeletEffects = Effects<KubeletTimer>()
    /// The time up to which a delivery is scheduled, per watcher.
    private var deliveries: [SimulatedTime] = Array(repeating: SimulatedTime(nanoseconds: .min), count: Watcher.allCases.count)
    /// The time of the last one.
    private var delivered: [SimulatedTime] = Array(repeating: SimulatedTime(nanoseconds: .min), count: Watcher.allCases.count)

    /// Sets the cluster up at time zero: nodes and snapshot in place, the first events scheduled.
    public init(_ configuration: ClusterConfiguration) throws(ClusterError) {
        var configuration = configuration
        configuration.trace = configuration.plannedTrace()
        self.configuration = Shared(configuration)
        api = APIServer(
            seed: configuration.seed, serviceNetwork: configuration.serviceNetwork, eventTimeToLive: configuration.timing.eventTimeToLive)
        gateway = ClientGateway(configuration.timing)
        do {
            scheduler = try Scheduler(
                configuration.scheduler, registry: configuration.plugins, path: configuration.schedulerPath,
                timing: configuration.timing, seed: configuration.seed)
        } catch {
            throw .invalidScheduler("\(error)")
        }
        var manager = configuration.controllerManager
        manager.clusterCIDR = manager.clusterRange(forNodes: configuration.nodeCount)
        manager.attachDetach.seed = configuration.seed
        controllerManager = ControllerManager(
            manager, watchLatency: configuration.timing.controllerManagerWatchLatency)
        var kubelets = configuration.nodeAgent
        kubelets.volumes.areAttachedByController = manager.attachDetach.isOn
        nodeAgent = NodeAgent(
            kubelets, behaviours: configuration.behaviours, defaultBehaviour: configuration.defaultBehaviour,
            customMetrics: configuration.customMetrics, seed: configuration.seed)
        faults = FaultInjector(configuration.faults, seed: configuration.seed)
        apiServer = APIServerHealth(configuration.apiServerFaults, seed: configuration.seed)
        recorder = Recorder(configuration.recording)
        metrics = MetricsPipeline(configuration)
        isWatched = configuration.checksInvariants
        if isWatched {
            let waits = configuration.nodeAgent.volumes.isOn && configuration.controllerManager.attachDetach.isOn
            invariants = InvariantMonitor(attachesVolumes: waits)
        }
        saboteur = configuration.saboteur
        isSabotaged = saboteur != nil
        try populate()
    }

    /// How many distinct specs the pods had that the scheduler has seen: each is kept once.
    public var podSpecCount: Int { scheduler.podSpecCount }

    /// The record so far. Call ``finish()`` for the closing figures.
    public var record: RunRecord { recorder.record }

    /// Handles all events up to and including `time`.
    public mutating func run(until time: SimulatedTime) {
        guard violation == nil else { return }
        while let (at, event) = queue.popFirst(through: time) {
            now = at
            handle(event)
            if isWatched, !checkInvariants() { return }
        }
        now = max(now, time)
        traffic?.advance(to: now)
    }

    /// How many events of the simulator were handled so far.
    var eventCount: Int { handledEvents }

    /// The time of the next event, nil when nothing will happen any more.
    public var nextEventTime: SimulatedTime? { queue.nextTime }

    /// Closes the books at the current time and returns the record.
    public mutating func finish() -> RunRecord {
        let requests = traffic?.finish(at: now)
        bookLostRequests()
        recorder.finish(at: now, handledEvents: handledEvents, violation: violation)
        var record = recorder.record
        record.traffic = requests
        return record
    }

    // MARK: Events

    private mutating func handle(_ event: ClusterEvent) {
        handledEvents += 1
        switch event {
        case .readAnswered(let number): follow(gateway.proceed(number, at: now), of: number)
        case .requestArrives(let number): execute(number)
        case .answerArrives(let number): deliverAnswer(number)
        case .watchDelivery(let watcher): deliver(to: watcher)
        case .controllerTimer(let timer):
            controllerManager.handle(timer: timer, at: now, effects: &controllerEffects)
        case .schedulerTimer(let timer): scheduler.handle(timer: timer, at: now, effects: &schedulerEffects)
        case .kubeletTimer(let timer): nodeAgent.handle(timer: timer, at: now, effects: &kubeletEffects)
        case .faultStrikes(let index): strike(fault: Int(index))
        case .nodeFails(let node, let fault): strike(fault: Int(fault), node: Int(node))
        case .shockStrikes(let group, let fault): strike(fault: Int(fault), group: Int(group))
        case .kubeletReports(let node): kubeletReports(Int(node))
        case .kubeletRelists(let node): kubeletRelists(Int(node))
        case .machineShutsDown(let node): nodeAgent.shutDown(Int(node), at: now, effects: &kubeletEffects)
        case .machineEnds(let node, let fault): endMachine(Int(node), fault: Int(fault))
        case .nodeObjectEnds(let node): endNodeObject(Int(node))
        case .replacementJoins(let node): joinReplacement(of: Int(node))
        case .apiServerFails(let index): beginAPIServerFault(Int(index))
        case .apiServerRecovers(let index): endAPIServerFault(Int(index))
        case .rebootWaits(let node, let maintenance): reboot(Int(node), maintenance: Int(maintenance))
        case .nodeRebooted(let node, let maintenance): nodeRebooted(Int(node), maintenance: Int(maintenance))
        case .maintenanceUncordons(let operation): uncordon(operation: Int(operation))
        case .nodeReturns(let node, let failure, let fault): comeBack(node: Int(node), failure: Int(failure), fault: Int(fault))
        case .registryFails:
            _ = recorder.operated("FAULT registry: no image can be pulled", at: now)
            nodeAgent.registryFails(at: now, effects: &kubeletEffects)
        case .registryReturns:
            _ = recorder.operated("registry: images can be pulled again", at: now)
            nodeAgent.registryReturns()
        case .operatorActs(let index): operate(configuration.value.timeline[Int(index)].action)
        case .drainContinues(let drain, let pod): wakeDrain(Int(drain), pod: Int(pod))
        case .traceArrival(let index): arrive(trace: Int(index))
        case .traceDeparture(let index):
            let entry = configuration.value.trace[Int(index)]
            send(APICall(.clusterOperator, .delete(entry.object.key, DeleteOptions(propagation: .background))))
        case .traceGivesUp(let index): giveUp(trace: Int(index))
        case .servingChanges(let place): refreshServing(ofPlace: place)
        case .requestsMeasured: measureRequests()
        case .loadBalancerDecides: loadBalancerDecides()
        case .loadsWatched: watchLoads()
        case .sample:
            recorder.sample(at: now)
            sampleNodeUsage()
            traffic?.sample(at: now)
            bookLostRequests()
            if let interval = configuration.value.recording.interval { queue.schedule(.sample, at: now + interval) }
        }
        flush()
        if traffic?.hasManyFailures ?? false { bookLostRequests() }
    }

    private mutating func execute(_ number: UInt32) {
        var unanswered: (error: APIError, after: SimulatedDuration)?
        if apiServer.isDisturbed {
            let time = now
            invariants?.evictions.noteDisturbance(at: time)
            let admission = admitRequest(number)
            guard admission.isServed else { return }
            unanswered = admission.answer
        }
        let request = gateway.arrive(number)
        if case .readMetrics(let query) = request { readings[number] = (query.value.autoscaler, read(query.value)) }
        noteAuthor(of: number, request)
        let eviction = invariants.flatMap { EvictionCheck(request, in: api.objects, $0.evictions, at: now) }
        let result: APIResult
        if isSabotaged, let answer = saboteur?.execute(request, in: &api, at: now) {
            result = answer
        } else if request.takesSeveralWrites {
            let progress = api.advance(request, at: now)
            if let eviction, !progress.isRefusal { noteGranted(eviction) }
            if case .goesOn(let rest) = progress {
                observeCommits()
                gateway.resume(number, with: rest)
                queue.schedule(.requestArrives(number), at: now + configuration.value.timing.evictionStepLatency)
                return
            }
            guard case .answered(let answer) = progress else { return }
            result = answer
        } else {
            result = api.execute(request, at: now)
        }
        if let eviction, case .success = result { noteGranted(eviction) }
        observeCommits()
        if let unanswered {
            giveNoAnswer(number, request, unanswered.error, after: unanswered.after)
        } else if let arrives = gateway.answer(number, result, at: now) {
            queue.schedule(.answerArrives(number), at: arrives)
        }
    }

    /// What the metrics APIs say now.
    private mutating func read(_ query: MetricsQuery) -> MetricsReading {
        traffic?.advance(to: now)
        return metrics.answer(
            query, from: nodeAgent, and: traffic,
            isReachable: { node in nodeAgent.number(of: node).map { nodeAgent.isRunning($0) } ?? false }, at: now)
    }

    /// Shows the recorder what was just committed and schedules the deliveries to the watchers it concerns.
    mutating func observeCommits() {
        var (concernsControllers, concernsScheduler, concernsKubelets) = (false, false, false)
        while let event = api.watchLog.next(for: .recorder, committedBy: now) {
            recorder.observe(event)
            invariants?.observe(event)
            switch event.object {
            case .pod(let pod):
                concernsControllers = true
                concernsScheduler = true
                if pod.value.nodeName != nil { concernsKubelets = true }
                nodeAgent.observeLoads(pod, event, at: now, effects: &kubeletEffects)
                if traffic != nil { observeTrafficPod(pod, event) }
            case .event: break
            case .node(let node):
                concernsControllers = true
                concernsScheduler = true
                if !node.value.isReady || node.value.hasOtherVolumes(event) { concernsKubelets = true }
                if !reclaimed.isEmpty { noticeMissingMachine(node.value) }
                observeTrafficNode(node.value, event)
                if !maintenances.isEmpty { awaitReady(node.value.metadata.name) }
            // Not watched by the scheduler, or (ReplicaSets) looked at only for their pods, which come after them.
            case .endpointSlice:
                tellNetwork(event)
                concernsControllers = true
                if nodeAgent.looksUpServices { concernsKubelets = true }
            // Nobody waits for the certificates that every namespace gets.
            case .configMap(let map) where map.value.metadata.name == PublishedCertificate.name: concernsControllers = true
            case .configMap, .secret:
                concernsControllers = true
                concernsKubelets = true
            case .persistentVolume, .persistentVolumeClaim, .csiDriver, .volumeAttachment:
                concernsControllers = true
                concernsScheduler = true
                concernsKubelets = true
            case .replicaSet, .deployment, .job, .cronJob, .daemonSet, .controllerRevision, .horizontalPodAutoscaler,
                .resourceQuota, .limitRange, .serviceAccount, .endpoints:
                concernsControllers = true
            default:
                tellNetwork(event)
                concernsControllers = true
                concernsScheduler = true
            }
        }
        if concernsControllers { scheduleDelivery(to: .controllerManager) }
        if concernsScheduler { scheduleDelivery(to: .scheduler) }
        if concernsKubelets { scheduleDelivery(to: .kubelets) }
    }

    private mutating func tellNetwork(_ event: WatchEvent) {
        if isSabotaged, saboteur?.reachesNetwork(event) == false { return }
        observeTraffic(event)
    }

    private mutating func scheduleDelivery(to watcher: Watcher) {
        let time = now + configuration.value.timing.watchLatency(of: watcher)
        guard deliveries[Int(watcher.rawValue)] < time else { return }
        deliveries[Int(watcher.rawValue)] = time
        queue.schedule(.watchDelivery(watcher), at: time)
    }

    /// A watcher whose watch ended lists everything at this time, and goes on watching from there.
    mutating func scheduleList(by watcher: Watcher, at time: SimulatedTime) { queue.schedule(.watchDelivery(watcher), at: time) }

    /// Whether every watcher has seen all that concerns it, and no request is under way.
    var isIdle: Bool {
        gateway.isIdle
            && [Watcher.controllerManager, .scheduler, .kubelets].allSatisfy { watcher in
                deliveries[Int(watcher.rawValue)] <= delivered[Int(watcher.rawValue)] && !apiServer.isDeaf(watcher, at: now)
                    && !apiServer.lists(watcher, at: now)
            }
    }

    private mutating func deliver(to watcher: Watcher) {
        if apiServer.isDeaf(watcher, at: now) { return }
        delivered[Int(watcher.rawValue)] = now
        // A list shows all there is.
        let latency = configuration.value.timing.watchLatency(of: watcher)
        let horizon = apiServer.lists(watcher, at: now) ? now : now - latency
        while let event = api.watchLog.next(for: watcher, committedBy: horizon) {
            if case .event = event.object { continue }
            if isSabotaged, saboteur?.delivers(event, to: watcher) == false { continue }
            switch watcher {
            case .controllerManager: controllerManager.handle(event, at: now, effects: &controllerEffects)
            case .scheduler: scheduler.handle(event, at: now, effects: &schedulerEffects)
            case .kubelets: nodeAgent.handle(event, at: now, effects: &kubeletEffects)
            case .recorder: break
            }
        }
    }

    private mutating func deliverAnswer(_ number: UInt32) {
        let (client, token, result) = gateway.receive(number)
        switch client {
        case .controller:
            if !readings.isEmpty, let (autoscaler, reading) = readings.removeValue(forKey: number), case .success = result {
                controllerManager.handle(metrics: reading, for: autoscaler, token: token, at: now, effects: &controllerEffects)
                return
            }
            controllerManager.handle(answer: result, token: token, at: now, effects: &controllerEffects)
        case .scheduler: scheduler.handle(answer: result, token: token, at: now, effects: &schedulerEffects)
        case .kubelet: break
        case .clusterOperator:
            if answerDrain(token, result) || answerMaintenance(token, result) { return }
            if case .failure(let error) = result { recorder.refused(Int(token), error) }
        }
    }

    mutating func send(_ call: APICall) {
        let (number, passage) = gateway.send(call, at: now)
        follow(passage, of: number)
    }

    private mutating func follow(_ passage: ClientGateway.Passage, of number: UInt32) {
        switch passage {
        case .isRead(let time): queue.schedule(.readAnswered(number), at: time)
        case .arrives(let time): queue.schedule(.requestArrives(number), at: time)
        }
    }

    /// Carries out what the components asked for while the event was handled.
    mutating func flush() {
        if !controllerEffects.calls.isEmpty || !controllerEffects.timers.isEmpty {
            for call in controllerEffects.calls { send(call) }
            for (time, timer) in controllerEffects.timers { queue.schedule(.controllerTimer(timer), at: time) }
            controllerEffects.removeAll()
        }
        if !schedulerEffects.calls.isEmpty || !schedulerEffects.timers.isEmpty {
            for call in schedulerEffects.calls { send(call) }
            for (time, timer) in schedulerEffects.timers { queue.schedule(.schedulerTimer(timer), at: time) }
            schedulerEffects.removeAll()
        }
        if !kubeletEffects.calls.isEmpty || !kubeletEffects.timers.isEmpty {
            sendKubeletCalls()
            for (time, timer) in kubeletEffects.timers { queue.schedule(.kubeletTimer(timer), at: time) }
            kubeletEffects.removeAll()
        }
        if scheduler.hasNewAttempts { recorder.observe(scheduler.takeAttempts()) }
        if traffic != nil { followServing() }
    }
}

/// Why a cluster could not be set up.
public enum ClusterError: Error, Sendable, CustomStringConvertible {
    case duplicateNode(String)
    case duplicateObject(String)
    /// The scheduler configuration, in the words with which the real scheduler refuses to start.
    case invalidScheduler(String)

    public var description: String {
        switch self {
        case .duplicateNode(let name): "there are two nodes named \"\(name)\""
        case .duplicateObject(let name): "there are two objects \(name)"
        case .invalidScheduler(let why): "scheduler configuration: \(why)"
        }
    }
}
