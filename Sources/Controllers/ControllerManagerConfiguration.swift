// The controller manager's flags, with the real defaults.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What can be set about the controllers. Names follow kube-controller-manager's flags.
/// <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/>
public struct ControllerManagerConfiguration: Hashable, Sendable {
    /// `--concurrent-deployment-syncs`.
    public var deploymentWorkers = 5
    /// `--concurrent-replicaset-syncs`.
    public var replicaSetWorkers = 5
    /// `--concurrent-gc-syncs`.
    public var garbageCollectorWorkers = 20
    /// `--concurrent-namespace-syncs`.
    public var namespaceWorkers = 10
    /// `--concurrent-statefulset-syncs`.
    public var statefulSetWorkers = 5
    /// `--concurrent-daemonset-syncs`.
    public var daemonSetWorkers = 2
    /// `--concurrent-rc-syncs`.
    public var replicationControllerWorkers = 5
    /// `--concurrent-job-syncs`.
    public var jobWorkers = 5
    /// `--concurrent-cron-job-syncs`.
    public var cronJobWorkers = 5
    /// `--concurrent-ttl-after-finished-syncs`.
    public var finishedJobWorkers = 5
    /// `--concurrent-horizontal-pod-autoscaler-syncs`.
    public var autoscalerWorkers = 5
    /// `--horizontal-pod-autoscaler-*`.
    public var autoscaler = AutoscalerConfiguration()
    /// Workers of the Disruption controller (fixed).
    public var disruptionWorkers = 1
    /// `--concurrent-service-endpoint-syncs`.
    public var endpointSliceWorkers = 5
    /// `--max-endpoints-per-slice`.
    public var maximumEndpointsPerSlice = 100
    /// `--mirroring-concurrent-service-endpoint-syncs`.
    public var sliceMirroringWorkers = 5
    /// `--mirroring-max-endpoints-per-subset`.
    public var maximumMirroredAddresses = 1000
    /// Failed syncs after which a Service waits for its next event, and so do Endpoints that are mirrored (fixed).
    public var endpointSliceRetries = 15
    /// Workers of the NodeIPAM controller (fixed).
    public var nodeAddressWorkers = 30
    /// `--concurrent-serviceaccount-token-syncs` is for tokens; the controller that makes accounts has one worker (fixed).
    public var serviceAccountWorkers = 1
    /// Workers of the publisher of the root certificate (fixed).
    public var rootCertificateWorkers = 1
    /// `--concurrent-resource-quota-syncs`.
    public var resourceQuotaWorkers = 5
    /// From the request to delete a namespace to the deletion of its content (fixed).
    public var namespaceDeletionDelay = SimulatedDuration.seconds(5)
    /// Nodes the node monitor and the taint controllers work on at a time (fixed in the real controllers).
    public var nodeUpdateWorkers = 8
    /// Pods a ReplicaSet creates or deletes in one sync at most (fixed).
    public var replicaSetBurst = 500
    /// Failed syncs after which a Deployment waits for its next event (fixed).
    public var deploymentRetries = 15

    /// `--pvclaimbinder-sync-period`: how often claims without a volume are looked at again.
    public var claimBinderSyncPeriod = SimulatedDuration.seconds(15)
    /// What a CSI driver takes to make or remove a volume. Not Kubernetes': set your own driver's.
    public var volumeProvisioningTime = SimulatedDuration.seconds(2)
    /// Attaching and detaching volumes.
    public var attachDetach = AttachDetachSettings()

    /// `--node-monitor-period`.
    public var nodeMonitorPeriod = SimulatedDuration.seconds(5)
    /// When its passes come: at this time and every period before and after. It follows from the controller manager's start.
    public var nodeMonitorPhase = SimulatedDuration.zero
    /// `--node-monitor-grace-period`.
    public var nodeMonitorGracePeriod = SimulatedDuration.seconds(50)
    /// `--node-startup-grace-period`: for nodes that never reported.
    public var nodeStartupGracePeriod = SimulatedDuration.seconds(60)
    /// How often the queues of nodes to taint are looked at (fixed).
    public var nodeTaintPeriod = SimulatedDuration.milliseconds(100)
    /// `--node-eviction-rate`: nodes per second.
    public var nodeEvictionRate = 0.1
    /// `--secondary-node-eviction-rate`.
    public var secondaryNodeEvictionRate = 0.01
    /// `--large-cluster-size-threshold`: zones of more nodes are large.
    public var largeClusterSizeThreshold = 50
    /// `--unhealthy-zone-threshold`.
    public var unhealthyZoneThreshold: Float = 0.55

    /// The period of pod garbage collection (fixed).
    public var podGarbageCollectionPeriod = SimulatedDuration.seconds(20)
    /// When its passes come, as `nodeMonitorPhase`.
    public var podGarbageCollectionPhase = SimulatedDuration.zero
    /// How long a node must be gone before its pods are deleted (fixed).
    public var deletedNodeQuarantine = SimulatedDuration.seconds(40)
    /// `--terminated-pod-gc-threshold`; 0 switches it off.
    public var terminatedPodThreshold = 12500

    /// `--resource-quota-sync-period`: how often all quotas are counted anew.
    public var resourceQuotaSyncPeriod = SimulatedDuration.minutes(5)

    /// `--allocate-node-cidrs`, as kubeadm sets it: every node gets a range of addresses for its pods.
    public var allocateNodeCIDRs = true
    /// `--cluster-cidr`: what these ranges are cut from. nil: kubeadm's 10.244.0.0/16, or so much more around it as the scenario's
    /// nodes need.
    public var clusterCIDR: AddressRange?
    /// `--node-cidr-mask-size-ipv4`.
    public var nodeCIDRMaskSize = 24

    /// Back-off of a key that failed: its first wait, doubled each time (fixed in the real controllers) ...
    public var workQueueBaseDelay = SimulatedDuration.milliseconds(5)
    /// ... up to this.
    public var workQueueMaximumDelay = SimulatedDuration.seconds(1000)
    /// What all retries of a controller together may take.
    public var workQueueLimit = ClientLimit(queriesPerSecond: 10, burst: 100)

    /// When simulated time zero is, in whole seconds since 1970: what CronJobs go by.
    public var originOnWall: Int64 = 0
    /// The time zones that CronJobs name. Whoever reads the input reads them too; nothing here asks the machine.
    package var timeZones = TimeZoneDatabase()

    public init() {}
}

extension ControllerManagerConfiguration {
    /// What node ranges are cut from in a cluster of this many nodes.
    package func clusterRange(forNodes count: Int) -> AddressRange {
        if let clusterCIDR { return clusterCIDR }
        var range = AddressRange(10 << 24 | 244 << 16, prefix: min(16, nodeCIDRMaskSize))
        while range.prefix > 0, 1 << (nodeCIDRMaskSize - range.prefix) < count {
            range = AddressRange(range.first, prefix: range.prefix - 1)
        }
        return range
    }

    var evictionRates: EvictionRates {
        var rates = EvictionRates()
        rates.normal = nodeEvictionRate
        rates.secondary = secondaryNodeEvictionRate
        rates.largeZoneThreshold = largeClusterSizeThreshold
        rates.unhealthyZoneThreshold = unhealthyZoneThreshold
        return rates
    }
}
