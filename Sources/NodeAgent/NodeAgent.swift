// All kubelets of the cluster: which node an event is for, and what its kubelet then asks of the API server.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The kubelets as one component. Each acts only on its own pods; what they share is configuration.
package struct NodeAgent: Sendable {
    package let configuration: Shared<NodeAgentConfiguration>
    var environment: PodEnvironment
    private let rules: [BehaviourRule]
    /// One box per rule and, last, the default: pods of a workload share theirs.
    private let behaviours: [Shared<WorkloadBehaviour>]
    /// The services that workloads wait for.
    let awaitedServices: Set<NamespacedName>
    var registry: Registry
    /// Nodes whose pulls, or whose image file system, must be looked at before the event is over.
    var restless: [Int] = []
    /// Nodes whose volumes in use must be looked at before the event is over.
    var talkative: [Int] = []
    var directory = VolumeDirectory()
    var kubelets: [Kubelet] = []
    private var numbers: [String: Int32] = [:]
    /// Pods whose behaviour is known one by one.
    private var ownBehaviours: [UID: Shared<WorkloadBehaviour>] = [:]
    /// Which kubelet takes care of a pod, and in which of its slots.
    private var places = UIDMap<PodPlace>()
    /// All kubelets share one memory of events; it is large enough that they hardly notice each other.
    var events = EventCorrelator(capacity: 65536)
    /// What pods of one spec take, by identity of the spec, which is kept alive here: pods of a template share it.
    private var charges: [ObjectIdentifier: (spec: Shared<PodSpec>, charge: Shared<ResourceCharge>)] = [:]
    /// Emptied after each use.
    var incidents: [PodIncident] = []
    /// Whether somebody sends requests to pods and wants to hear which of them changed.
    package var followsServing = false
    var touchedPods: [UID] = []
    var changedMachines = false
    /// What pods use.
    package internal(set) var loads: PodLoads
    /// Nodes that have, or had, pods whose requests use processors.
    var nodesWithRequests: [Int32] = []
    /// Nodes whose usage changed in the present event.
    var unsettled: [Int32] = []
    /// When the shares of loads changed last.
    var sharesChanged = SimulatedTime.distantPast

    package init(
        _ configuration: NodeAgentConfiguration, behaviours: [BehaviourRule], defaultBehaviour: WorkloadBehaviour,
        customMetrics: [CustomMetric] = [], seed: UInt64
    ) {
        self.configuration = Shared(configuration)
        rules = behaviours
        self.behaviours = behaviours.map { Shared($0.behaviour) } + [Shared(defaultBehaviour)]
        loads = PodLoads(behaviours, fallback: defaultBehaviour, custom: customMetrics)
        environment = PodEnvironment(configuration: self.configuration, seed: seed)
        registry = Registry(
            bandwidth: configuration.registryBytesPerSecond, nodeBandwidth: configuration.pullBytesPerSecond)
        awaitedServices = Set(self.behaviours.compactMap(\.value.waitsFor))
    }

    package var count: Int { kubelets.count }
    package func number(of node: String) -> Int? { numbers[node].map(Int.init) }
    package func name(of number: Int) -> String { kubelets[number].name }
    /// The node as its kubelet registers it.
    package func registration(of number: Int) -> Node { kubelets[number].registration.value }
    package func isRunning(_ number: Int) -> Bool {
        switch kubelets[number].power {
        case .running, .starting: true
        case .crashed, .kubeletStopped: false
        }
    }
    /// When the node's kubelet renewed its lease last, at or before `time`.
    package func lastRenewal(_ number: Int, at time: SimulatedTime) -> SimulatedTime { kubelets[number].lease.last(at: time) }

    // MARK: Nodes

    /// A node whose kubelet has been running since before the start. `original`: the node whose settings it has, if not its own.
    /// Returns its number.
    @discardableResult
    package mutating func adopt(_ node: Node, inPlaceOf original: String? = nil) -> Int {
        let name = node.metadata.name
        let number = Int32(kubelets.count)
        var phase = RandomStream(seed: environment.seed, purpose: .leasePhase, owner: name)
        var stretch = RandomStream(seed: environment.seed, purpose: .leasePeriod, owner: name)
        let period = configuration.leaseRenewal * (1 + configuration.leaseJitter * stretch.uniform())
        let lease = LeaseRenewals(period: period, phase: period * phase.uniform())
        let settings = configuration.value
        kubelets.append(
            Kubelet(
                number: number, node: node, lease: lease, eviction: settings.evictionByNode[original ?? name] ?? settings.eviction,
                imageDisk: settings.imageCollection.isOn ? settings.imageCollection.capacity : nil))
        _ = directory.setAttached(node.status.volumesAttached, to: name)
        numbers[name] = number
        changedMachines = true
        return Int(number)
    }

    /// A machine that comes up for the first time: its kubelet registers the node and reports Ready a little later.
    package mutating func register(
        _ node: Node, inPlaceOf original: String? = nil, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> Int {
        let number = adopt(node, inPlaceOf: original)
        kubelets[number].lease.restart(at: now)
        kubelets[number].startedAt = now
        register(number, at: now, effects: &effects)
        return number
    }

    /// The kubelet creates its node's object, as on each of its starts that finds none.
    private mutating func register(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].link.hasReported = false
        var node = kubelets[number].registration.value
        node.status.conditions = NodeAgent.conditions(ready: false, at: now)
        effects.call(.kubelet(Int32(number)), .create(.node(Shared(node))))
        effects.wake(
            at: now + configuration.registrationDelay, KubeletTimer(node: Int32(number), pod: 0, kind: .registered, generation: 0))
    }

    /// The conditions a healthy kubelet reports.
    package static func conditions(ready: Bool, at now: SimulatedTime) -> [Condition] {
        let time = now.truncatedToSeconds
        return [ConditionType.memoryPressure, .diskPressure, .pidPressure].map { pressure($0, false, at: now) } + [
            ready
                ? Condition(
                    .ready, .true, reason: "KubeletReady", message: "kubelet is posting ready status", lastTransitionTime: time)
                : Condition(
                    .ready, .false, reason: "KubeletNotReady", message: "container runtime status check may not have completed yet",
                    lastTransitionTime: time)
        ]
    }

    /// A kubelet renewed its lease at `time`, and goes on from there in its own rhythm.
    package mutating func renewed(_ number: Int, at time: SimulatedTime) { kubelets[number].lease.shift(to: time) }

    /// A machine is gone for good: a new one of its name may come.
    package mutating func forget(_ number: Int) {
        kubelets[number].power = .crashed
        changedMachines = true
        if numbers[kubelets[number].name] == Int32(number) { numbers[kubelets[number].name] = nil }
    }

    /// The machine or its kubelet stops. Returns the last time its lease was renewed.
    package mutating func fail(
        _ number: Int, kubeletOnly: Bool, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> SimulatedTime {
        kubelets[number].lease.stop(at: now)
        changedMachines = true
        // Containers that a crash took and nobody has started again are gone still.
        let areGone = kubelets[number].power == .starting(afterCrash: true)
        kubelets[number].power = kubeletOnly && !areGone ? .kubeletStopped : .crashed
        kubelets[number].listed = []
        kubelets[number].shutsDownBy = nil
        interruptPulls(on: number, at: now, effects: &effects)
        kubelets[number].images.collectionIsDue = false
        return kubelets[number].lease.last(at: now)
    }

    /// The machine or its kubelet is back. `pods`: the pods bound to the node by now, as the kubelet lists them on its start.
    /// Pods that were deleted meanwhile are forgotten, terminating ones finished, new ones admitted. `isRegistered`: its node
    /// object is still there; otherwise it registers anew.
    package mutating func comeBack(
        _ number: Int, pods: [Shared<Pod>], isRegistered: Bool = true, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        let crashed = kubelets[number].power == .crashed
        changedMachines = true
        kubelets[number].link = KubeletLink()
        kubelets[number].lease.restart(at: now)
        kubelets[number].usage.restart(at: now)
        kubelets[number].starts &+= 1
        kubelets[number].startedAt = now
        kubelets[number].volumes.restart(afterCrash: crashed)
        if !kubelets[number].volumes.isEmpty { talkative.append(number) }
        // Garbage collection begins with a pass at once.
        if configuration.value.imageCollection.isOn { collectImages(on: number, at: now, effects: &effects) }
        kubelets[number].images.report.restart()
        planImageReport(on: number, at: now, effects: &effects)
        if isRegistered {
            effects.call(
                kubelets[number].client,
                .patchNode(kubelets[number].name, .conditions(NodeAgent.conditions(ready: true, at: now))))
        } else {
            register(number, at: now, effects: &effects)
        }
        guard configuration.value.podSyncDelay > .zero else {
            takeUp(pods, on: number, afterCrash: crashed, at: now, effects: &effects)
            arrangePulls(at: now, effects: &effects)
            settleUsage(at: now, effects: &effects)
            return
        }
        kubelets[number].power = .starting(afterCrash: crashed)
        kubelets[number].listed = pods
        effects.wake(
            at: now + configuration.value.podSyncDelay,
            KubeletTimer(node: Int32(number), pod: 0, kind: .listed, generation: kubelets[number].starts))
    }

    /// A kubelet that is starting hears of a pod.
    static func list(_ pod: Shared<Pod>, _ change: WatchEvent.Change, among listed: inout [Shared<Pod>]) {
        let index = listed.firstIndex { $0.value.metadata.uid == pod.value.metadata.uid }
        switch (change, index) {
        case (.deleted, let index?): listed.remove(at: index)
        case (.deleted, nil): break
        case (_, let index?): listed[index] = pod
        case (_, nil): listed.append(pod)
        }
    }

    /// The first look of a kubelet that came back at its node's pods.
    mutating func takeUp(
        _ pods: [Shared<Pod>], on number: Int, afterCrash crashed: Bool, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        kubelets[number].power = .running
        var terminating: [UID: Bool] = [:]
        for pod in pods { terminating[pod.value.metadata.uid] = pod.value.metadata.isTerminating }
        buryMissing(on: number, at: now) { terminating[$0] != nil }
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            guard let isTerminating = terminating[worker.uid] else {
                forget(worker, PodPlace(number, slot), at: now)
                continue
            }
            // Timers that rang while nobody was there are lost, and perhaps what was said last.
            worker.timer = .distantFuture
            worker.unconfirmed = nil
            if crashed {
                worker.volumes = worker.volumes?.with { $0.unmount(at: now) }
                worker.reboot(at: now, restarting: !isTerminating)
                worker.startProbes(kubelets[number].start, environment, at: now)
            } else if !isTerminating {
                worker.resume(after: kubelets[number].start, at: now, images: &kubelets[number].images, environment, incidents: &incidents)
                report(&worker, on: number, at: now, effects: &effects)
            }
            kubelets[number].put(worker, into: slot)
        }
        for pod in pods { observe(pod, on: number, known: place(of: pod), returning: true, at: now, effects: &effects) }
        unsettle(number)
    }

    // MARK: Places

    /// nil for a pod that its node's kubelet does not know.
    func place(of pod: Shared<Pod>) -> PodPlace? {
        places[pod.value.metadata.uid].flatMap { kubelets[$0.kubelet].name == pod.value.nodeName ? $0 : nil }
    }

    /// Where a pod is, by its UID alone.
    func place(of pod: UID) -> PodPlace? { places[pod] }

    /// A slot for a pod that is new to a kubelet; its state must be put into it. Also the generation of its timers.
    mutating func reserve(_ uid: UID, on number: Int) -> (slot: Int, generation: UInt32) {
        let (slot, generation) = kubelets[number].reserve()
        places[uid] = PodPlace(number, slot)
        return (slot, generation)
    }

    /// Forgets a pod whose state was taken out of its slot. `isGone`: its object was deleted, or it was evicted; otherwise it is done.
    mutating func forget(_ worker: PodWorker, _ place: PodPlace, isGone: Bool = true, at now: SimulatedTime) {
        if worker.volumes != nil {
            var worker = worker
            releaseVolumes(of: &worker, on: place.kubelet)
        }
        leaveContainers(of: worker, on: place.kubelet, isGone: isGone, at: now)
        if places[worker.uid] == place { places[worker.uid] = nil }
        if followsServing { touchedPods.append(worker.uid) }
        if usesResources(worker) { unsettle(place.kubelet) }
        kubelets[place.kubelet].drop(worker, from: place.slot)
    }

    // MARK: Look-ups

    func number(bound pod: Shared<Pod>) -> Int? { pod.value.nodeName.flatMap { numbers[$0] }.map(Int.init) }

    /// Sets the behaviour of one pod, before its kubelet sees it.
    package mutating func setBehaviour(_ behaviour: WorkloadBehaviour, of pod: UID) { ownBehaviours[pod] = Shared(behaviour) }

    package func behaviour(of pod: Pod) -> Shared<WorkloadBehaviour> {
        if !ownBehaviours.isEmpty, let own = ownBehaviours[pod.metadata.uid] { return own }
        let usual = behaviours[rules.firstIndex { $0.matches(pod) } ?? rules.count]
        return annotations?.behaviour(of: pod, over: usual.value).map { Shared($0) } ?? usual
    }

    /// What the annotations of pods mean, if they mean anything.
    var annotations: BehaviourAnnotations? { configuration.value.behaviourAnnotations.map(BehaviourAnnotations.init) }

    mutating func charge(of spec: Shared<PodSpec>) -> Shared<ResourceCharge> {
        let identity = ObjectIdentifier(spec)
        if let known = charges[identity] { return known.charge }
        let charge = Shared(ResourceCharge(spec.value))
        // Bounded: a trace may bring a spec of its own with every pod.
        if charges.count >= 4096 { charges.removeAll(keepingCapacity: true) }
        charges[identity] = (spec, charge)
        return charge
    }
}

/// Where a kubelet keeps the state of a pod.
struct PodPlace: Equatable, Sendable {
    private let number: Int32
    private let position: Int32

    init(_ kubelet: Int, _ slot: Int) {
        number = Int32(kubelet)
        position = Int32(slot)
    }

    var kubelet: Int { Int(number) }
    var slot: Int { Int(position) }
}
