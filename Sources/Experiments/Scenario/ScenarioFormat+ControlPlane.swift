// The tunables of the control plane and the kubelets: name in a scenario, place in the configuration, meaning. Read, described
// and written into run.json from this one table.

import APIServer
import ClusterSimulation
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// One setting of the model of time.
struct Tunable: Sendable {
    /// Where the value stands in the configuration, with the type that says how it is written.
    enum Place: Sendable {
        case duration(WritableKeyPath<ClusterConfiguration, SimulatedDuration> & Sendable)
        case number(WritableKeyPath<ClusterConfiguration, Double> & Sendable, ClosedRange<Double>)
        case integer(WritableKeyPath<ClusterConfiguration, Int> & Sendable, ClosedRange<Int>)
        case bytes(WritableKeyPath<ClusterConfiguration, Int64> & Sendable)
        /// A duration between things that happen again and again, and the least it may be.
        case period(WritableKeyPath<ClusterConfiguration, SimulatedDuration> & Sendable, atLeast: SimulatedDuration)
        /// From 0 to 1.
        case share(WritableKeyPath<ClusterConfiguration, Float> & Sendable)
        /// Bytes per second, written as a quantity.
        case bandwidth(WritableKeyPath<ClusterConfiguration, Double> & Sendable)
        case flag(WritableKeyPath<ClusterConfiguration, Bool> & Sendable)
        /// IPv4 addresses, written as 10.244.0.0/16.
        case addresses(WritableKeyPath<ClusterConfiguration, AddressRange?> & Sendable)
    }
    var name: String
    var place: Place
    var description: String

    init(_ name: String, _ place: Place, _ description: String) {
        self.name = name
        self.place = place
        self.description = description
    }

    var field: ScenarioField {
        switch place {
        case .duration, .period: ScenarioField(name, .duration, description)
        case .share: ScenarioField(name, .number(0...1), description)
        case .number(_, let range): ScenarioField(name, .number(range), description)
        case .integer(_, let range): ScenarioField(name, .integer(range), description)
        case .bytes, .bandwidth: ScenarioField(name, .quantity, description)
        case .flag: ScenarioField(name, .boolean, description)
        case .addresses: ScenarioField(name, .string, description)
        }
    }

    /// The value in effect, for run.json: durations and other quantities as numbers in base units.
    func value(in configuration: ClusterConfiguration) -> JSONValue {
        switch place {
        case .duration(let path), .period(let path, _): .number(configuration[keyPath: path].secondsText)
        case .share(let path): .number(configuration[keyPath: path].description)
        case .number(let path, _): .number(configuration[keyPath: path].description)
        case .integer(let path, _): .integer(configuration[keyPath: path])
        case .bytes(let path): .integer(Int(configuration[keyPath: path]))
        case .bandwidth(let path): .number(configuration[keyPath: path].description)
        case .flag(let path): .boolean(configuration[keyPath: path])
        case .addresses(let path): configuration[keyPath: path].map { .string($0.description) } ?? .null
        }
    }

    /// The name in run.json: with the unit, as everywhere in results.
    var resultName: String {
        switch place {
        case .duration, .period: name + "_s"
        case .bytes: name + "_bytes"
        case .bandwidth: name + "_bytes_per_s"
        default: name
        }
    }
}

/// The sections of `controlPlane`. Names are those of the flags; what a real component has as a constant is marked "fixed".
enum Tunables {
    static let rate: ClosedRange<Double> = 0.001...1e9
    /// The shortest period that gets anywhere.
    static let tick = SimulatedDuration.milliseconds(100)
    static let workers: ClosedRange<Int> = 1...1_000_000
    static let burst: ClosedRange<Int> = 1...1_000_000_000

    static let apiServer = [
        Tunable("requestLatency", .duration(\.timing.requestLatency), "From sending a request to its commit in the store."),
        Tunable("responseLatency", .duration(\.timing.responseLatency), "From the commit to the answer's arrival at the client."),
        Tunable(
            "evictionStepLatency", .duration(\.timing.evictionStepLatency),
            "Between the writes of one eviction: the budget, the pod's condition, its deletion; default 3ms."),
        Tunable(
            "watchReconnection", .duration(\.timing.watchReconnection),
            "The longest back-off of a client whose watch broke, in an outage or a partition, before it lists again; default 30s, as client-go has it."
        ),
        Tunable(
            "eventTTL", .duration(\.timing.eventTimeToLive),
            "--event-ttl: how long an Event that is not repeated is kept. A later repetition makes it anew, with its count going on."),
        Tunable(
            "serviceClusterIPRange", .addresses(\.serviceNetwork.clusterRange),
            "--service-cluster-ip-range: the addresses services get; default 10.96.0.0/12, as kubeadm sets it."),
    ]

    static let scheduler = [
        Tunable("watchLatency", .duration(\.timing.schedulerWatchLatency), "From a commit to the scheduler's cache."),
        Tunable("qps", .number(\.timing.schedulerLimit.queriesPerSecond, rate), "Requests per second (clientConnection.qps)."),
        Tunable("burst", .integer(\.timing.schedulerLimit.burst, burst), "Requests at once (clientConnection.burst)."),
        Tunable(
            "cyclePerPod", .duration(\.timing.schedulingCyclePerPod),
            """
            What a scheduling cycle takes for the pod itself; default 100us. With the default of cyclePerNode this is the CPU time measured \
            on kube-scheduler 1.36.2 with plain pods, adaptive sampling, on two shared cores: 970 us a pod with 1,000 nodes and 1,338 us \
            with 5,000, where the model has 1,108 us (420 nodes looked at) and 1,300 us (500). Set your own measured values where the \
            scheduler's speed matters: pods with spreading rules or anti-affinity took it 1.6 to 3.6 times as long.
            """),
        Tunable(
            "cyclePerNode", .duration(\.timing.schedulingCyclePerNode),
            """
            What it takes for each node looked at (nodes_evaluated in scheduling.csv); default 2.4us. With all of 5,000 nodes looked at \
            (percentageOfNodesToScore: 100) the model has 12.1 ms a pod, measured were 12.5 ms.
            """),
    ]

    static let kubelet = [
        Tunable("watchLatency", .duration(\.timing.kubeletWatchLatency), "From a commit to the kubelet."),
        Tunable("qps", .number(\.timing.kubeletLimit.queriesPerSecond, rate), "Requests per second (kubeAPIQPS)."),
        Tunable("burst", .integer(\.timing.kubeletLimit.burst, burst), "Requests at once (kubeAPIBurst)."),
        Tunable("leaseRenewal", .period(\.nodeAgent.leaseRenewal, atLeast: tick), "How often a kubelet renews its lease."),
        Tunable("leaseJitter", .number(\.nodeAgent.leaseJitter, 0...1), "Each kubelet's period is longer by up to this share."),
        Tunable(
            "imagePullBandwidth", .bandwidth(\.nodeAgent.pullBytesPerSecond), "Bytes per second a node pulls images with."),
        Tunable(
            "serializeImagePulls", .flag(\.nodeAgent.serializeImagePulls), "Whether a kubelet pulls one image at a time; default true."),
        Tunable(
            "maxParallelImagePulls", .integer(\.nodeAgent.maxParallelImagePulls, 0...1_000_000),
            "How many images it pulls at a time otherwise; default 0, any number."),
        Tunable(
            "imagePullBackoffInitial", .period(\.nodeAgent.pullBackoffInitial, atLeast: .seconds(1)),
            "Wait after the first failed pull of an image; doubled with each (fixed)."),
        Tunable(
            "imagePullBackoffMaximum", .period(\.nodeAgent.pullBackoffMaximum, atLeast: .seconds(1)), "The longest such wait (fixed)."),
        Tunable(
            "imageFileSystemSize", .bytes(\.nodeAgent.imageCollection.capacity),
            "What a node's file system for images and writable layers holds; default 0: they are on the disk and take nothing of it, and no image is ever removed."
        ),
        Tunable(
            "imageGCHighThresholdPercent", .integer(\.nodeAgent.imageCollection.highThreshold, 1...100),
            "The use of that file system from which on unused images are removed; default 85."),
        Tunable(
            "imageGCLowThresholdPercent", .integer(\.nodeAgent.imageCollection.lowThreshold, 0...99), "... and down to which; default 80."),
        Tunable("imageMinimumGCAge", .duration(\.nodeAgent.imageCollection.minimumAge), "Younger images stay; default 2m."),
        Tunable(
            "imageGCPeriod", .period(\.nodeAgent.imageCollection.period, atLeast: tick),
            "How often a kubelet looks at them (fixed); default 5m."),
        Tunable("defaultImageSize", .bytes(\.nodeAgent.defaultImageBytes), "The size of images nobody gave a size for."),
        Tunable(
            "crashBackoffInitial", .period(\.nodeAgent.crashBackoffInitial, atLeast: .seconds(1)),
            "Wait before the second restart of a crashing container."),
        Tunable(
            "crashBackoffMaximum", .period(\.nodeAgent.crashBackoffMaximum, atLeast: .seconds(1)),
            "The longest wait (crashLoopBackOff.maxContainerRestartPeriod), 1s to 5m; default 5m. A shorter one shortens the first wait too."
        ),
        Tunable(
            "crashBackoffReset", .period(\.nodeAgent.crashBackoffReset, atLeast: .seconds(1)), "A run of this length ends the back-off."),
        Tunable("registrationDelay", .duration(\.nodeAgent.registrationDelay), "From a node's registration to Ready=True."),
        Tunable(
            "podSyncDelay", .duration(\.nodeAgent.podSyncDelay), "From a kubelet's start to its first look at its node's pods; default 1s."),
        Tunable(
            "removalDelay", .duration(\.nodeAgent.removalDelay), "From a stopped pod's last status to its removal; default 500ms."),
        Tunable(
            "syncFrequency", .period(\.nodeAgent.syncFrequency, atLeast: .seconds(1)),
            "How often a kubelet passes over a pod of which nothing has changed; default 1m. Each wait is longer by up to half of it."),
        Tunable(
            "syncErrorDelay", .period(\.nodeAgent.syncErrorDelay, atLeast: tick),
            "How long after a failed pass over a pod the kubelet looks at it again (fixed); default 10s. Each wait is longer by up to half of it."
        ),
        Tunable(
            "waitForVolumes", .flag(\.nodeAgent.volumes.isOn),
            "Whether pods wait for their volumes to be attached and mounted, and for missing ConfigMaps and Secrets; default true."),
        Tunable(
            "volumeMountTime", .duration(\.nodeAgent.volumes.mountTime),
            "What mounting an attached volume takes; default 500ms. Drivers differ: set your own driver's."),
        Tunable(
            "volumeMountTimeout", .period(\.nodeAgent.volumes.timeout, atLeast: tick),
            "How long one pass over a pod waits for its volumes (fixed); default 2m3s."),
        Tunable(
            "relistPeriod", .period(\.nodeAgent.relistPeriod, atLeast: tick),
            "How often a kubelet asks its runtime for its containers (fixed); default 1s."),
        Tunable("probes", .flag(\.nodeAgent.probesContainers), "Whether kubelets probe containers; default true."),
        Tunable("lifecycleHooks", .flag(\.nodeAgent.runsHooks), "Whether kubelets run the containers' lifecycle hooks; default true."),
        Tunable(
            "shutdownGracePeriod", .duration(\.nodeAgent.shutdownGracePeriod),
            "How long a machine that is told to shut down waits for its pods; default 0s: it does not."),
        Tunable(
            "shutdownGracePeriodCriticalPods", .duration(\.nodeAgent.shutdownGracePeriodCriticalPods),
            "The last part of that time, which is for critical pods; default 0s."),
        Tunable("minimumGrace", .duration(\.nodeAgent.minimumGrace), "The least time between SIGTERM and SIGKILL."),
        Tunable("recordsEvents", .flag(\.nodeAgent.recordsEvents), "Whether kubelets record Events."),
    ]

    /// Of the kubelets, or of those of one pool.
    static let eviction = [
        Tunable(
            "evictionMaxPodGracePeriod", .integer(\.nodeAgent.eviction.maximumPodGracePeriod, 0...86_400),
            "What pods get to stop at most when a soft threshold takes them, in seconds; default 0."),
        Tunable(
            "evictionPressureTransitionPeriod", .duration(\.nodeAgent.eviction.pressureTransitionPeriod),
            "How long a condition of pressure outlives the pressure; default 5m."),
        Tunable(
            "nodefsInodes", .integer(\.nodeAgent.eviction.inodes, 0...1_000_000_000_000),
            "How many inodes a node's disk has, for `usage.inodes`; default 0: enough for everybody."),
        Tunable(
            "evictionMonitoringPeriod", .period(\.nodeAgent.eviction.monitoringInterval, atLeast: tick),
            "How often a kubelet looks for pressure; default 10s (fixed in the real one)."),
    ]

    static let metricsServer = [
        Tunable(
            "metricResolution", .duration(\.metrics.resolution),
            "How often metrics-server asks all kubelets (--metric-resolution); default 15s. 0s: the API tells what ready pods use at the moment."
        ),
        Tunable(
            "housekeepingInterval", .period(\.metrics.housekeepingInterval, atLeast: tick),
            "How often a kubelet takes a container's figures; default 10s."),
        Tunable(
            "scrapeLatency", .duration(\.metrics.scrapeLatency), "From a round of questions to the figures' being served; default 200ms."),
        Tunable(
            "freshContainerAge", .duration(\.metrics.freshContainerAge),
            "The age from which a container's first figures count; default 10s."),
    ]

    /// All with the section they stand in; the empty section is `controlPlane` itself.
    static let sections: [(name: String, tunables: [Tunable])] = [
        ("", apiServer), ("controllerManager", controllerManager), ("scheduler", scheduler), ("kubelet", kubelet + eviction),
        ("metricsServer", metricsServer),
    ]
}

extension ScenarioFormat {
    static let controlPlane = ScenarioType(
        name: "ControlPlane", description: "The model of time: latencies, rate limits and periods. Defaults are those of Kubernetes 1.36.",
        fields: Tunables.apiServer.map(\.field) + [
            ScenarioField("controllerManager", .object("ControllerManager"), "kube-controller-manager."),
            ScenarioField("scheduler", .object("Scheduler"), "kube-scheduler's client and speed; its policy is spec.scheduler."),
            ScenarioField("kubelet", .object("Kubelet"), "The kubelets."),
            ScenarioField("metricsServer", .object("MetricsServer"), "The kubelets' statistics and metrics-server."),
        ])

    static let controllerManager = ScenarioType(
        name: "ControllerManager", description: "Settings of kube-controller-manager, named after its flags.",
        fields: Tunables.controllerManager.map(\.field))

    static let scheduler = ScenarioType(
        name: "Scheduler", description: "Settings of kube-scheduler beside its policy.", fields: Tunables.scheduler.map(\.field))

    static let kubelet = ScenarioType(
        name: "Kubelet", description: "Settings of the kubelets.",
        fields: (Tunables.kubelet + Tunables.eviction).map(\.field) + evictionFields)
}
