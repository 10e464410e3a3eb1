// The tunables of the controller manager, controller by controller; the others are beside the table that holds them all.

import APIServer
import ClusterSimulation
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Tunables {
    static let controllerManager = [
        Tunable("watchLatency", .duration(\.timing.controllerManagerWatchLatency), "From a commit to the controllers' caches."),
        Tunable(
            "qps", .number(\.timing.controllerLimit.queriesPerSecond, rate), "Requests per second of each controller (--kube-api-qps)."),
        Tunable("burst", .integer(\.timing.controllerLimit.burst, burst), "Requests at once of each controller (--kube-api-burst)."),
        Tunable("concurrentDeploymentSyncs", .integer(\.controllerManager.deploymentWorkers, workers), "--concurrent-deployment-syncs."),
        Tunable("concurrentReplicaSetSyncs", .integer(\.controllerManager.replicaSetWorkers, workers), "--concurrent-replicaset-syncs."),
        Tunable("concurrentGCSyncs", .integer(\.controllerManager.garbageCollectorWorkers, workers), "--concurrent-gc-syncs."),
        Tunable("concurrentNamespaceSyncs", .integer(\.controllerManager.namespaceWorkers, workers), "--concurrent-namespace-syncs."),
        Tunable("concurrentStatefulSetSyncs", .integer(\.controllerManager.statefulSetWorkers, workers), "--concurrent-statefulset-syncs."),
        Tunable("concurrentDaemonSetSyncs", .integer(\.controllerManager.daemonSetWorkers, workers), "--concurrent-daemonset-syncs."),
        Tunable("concurrentRCSyncs", .integer(\.controllerManager.replicationControllerWorkers, workers), "--concurrent-rc-syncs."),
        Tunable("concurrentJobSyncs", .integer(\.controllerManager.jobWorkers, workers), "--concurrent-job-syncs."),
        Tunable("concurrentCronJobSyncs", .integer(\.controllerManager.cronJobWorkers, workers), "--concurrent-cron-job-syncs."),
        Tunable("concurrentTTLSyncs", .integer(\.controllerManager.finishedJobWorkers, workers), "--concurrent-ttl-after-finished-syncs."),
        Tunable(
            "concurrentHorizontalPodAutoscalerSyncs", .integer(\.controllerManager.autoscalerWorkers, workers),
            "--concurrent-horizontal-pod-autoscaler-syncs."),
        Tunable(
            "concurrentDisruptionSyncs", .integer(\.controllerManager.disruptionWorkers, workers), "Budgets worked on at a time (fixed)."),
        Tunable(
            "concurrentServiceEndpointSyncs", .integer(\.controllerManager.endpointSliceWorkers, workers),
            "--concurrent-service-endpoint-syncs."),
        Tunable(
            "mirroringConcurrentServiceEndpointSyncs", .integer(\.controllerManager.sliceMirroringWorkers, workers),
            "--mirroring-concurrent-service-endpoint-syncs: Endpoints copied to EndpointSlices at a time."),
        Tunable(
            "concurrentNodeIPAMSyncs", .integer(\.controllerManager.nodeAddressWorkers, workers),
            "Nodes given addresses at a time (fixed)."),
        Tunable(
            "concurrentServiceAccountSyncs", .integer(\.controllerManager.serviceAccountWorkers, workers),
            "Namespaces given their account at a time (fixed)."),
        Tunable(
            "concurrentRootCertificateSyncs", .integer(\.controllerManager.rootCertificateWorkers, workers),
            "Namespaces given the certificate of the API server at a time (fixed)."),
        Tunable(
            "concurrentResourceQuotaSyncs", .integer(\.controllerManager.resourceQuotaWorkers, workers),
            "--concurrent-resource-quota-syncs."),
        Tunable(
            "concurrentNodeSyncs", .integer(\.controllerManager.nodeUpdateWorkers, workers),
            "Nodes the node monitor and the controllers of taints work on at a time (fixed)."),
        Tunable(
            "workQueueBaseDelay", .period(\.controllerManager.workQueueBaseDelay, atLeast: .microseconds(1)),
            "How long an object waits after its first failed sync; doubled with each failure (fixed)."),
        Tunable(
            "workQueueMaximumDelay", .period(\.controllerManager.workQueueMaximumDelay, atLeast: .microseconds(1)),
            "The longest such wait (fixed)."),
        Tunable(
            "workQueueQPS", .number(\.controllerManager.workQueueLimit.queriesPerSecond, rate),
            "Retries per second of each work queue (fixed)."),
        Tunable("workQueueBurst", .integer(\.controllerManager.workQueueLimit.burst, burst), "Retries at once of each work queue (fixed)."),
        Tunable(
            "replicaSetBurst", .integer(\.controllerManager.replicaSetBurst, workers),
            "Pods a ReplicaSet creates or deletes in one sync at most (fixed)."),
        Tunable(
            "deploymentRetries", .integer(\.controllerManager.deploymentRetries, 0...1_000_000),
            "Failed syncs after which a Deployment waits for its next change (fixed)."),
        Tunable(
            "maxEndpointsPerSlice", .integer(\.controllerManager.maximumEndpointsPerSlice, 1...1000),
            "--max-endpoints-per-slice."),
        Tunable(
            "mirroringMaxEndpointsPerSubset", .integer(\.controllerManager.maximumMirroredAddresses, 1...1000),
            "--mirroring-max-endpoints-per-subset."),
        Tunable(
            "endpointSliceRetries", .integer(\.controllerManager.endpointSliceRetries, 0...1_000_000),
            "Failed syncs after which a Service, or Endpoints that are mirrored, wait for their next change (fixed)."),
        Tunable(
            "namespaceDeletionDelay", .duration(\.controllerManager.namespaceDeletionDelay),
            "From the deletion of a namespace to that of its content (fixed)."),
        Tunable(
            "resourceQuotaSyncPeriod", .period(\.controllerManager.resourceQuotaSyncPeriod, atLeast: tick),
            "--resource-quota-sync-period: how often all quotas are counted anew."),
        Tunable("allocateNodeCIDRs", .flag(\.controllerManager.allocateNodeCIDRs), "--allocate-node-cidrs: pod addresses for each node."),
        Tunable(
            "clusterCIDR", .addresses(\.controllerManager.clusterCIDR),
            """
            --cluster-cidr: the addresses (IPv4) that nodes' ranges are cut from; default 10.244.0.0/16 as kubeadm sets it, widened until \
            there is a range for every node of the scenario. With a range of your own, nodes that find none left get CIDRNotAvailable.
            """),
        Tunable("nodeCIDRMaskSize", .integer(\.controllerManager.nodeCIDRMaskSize, 8...30), "--node-cidr-mask-size-ipv4; default 24."),
        Tunable(
            "nodeTaintPeriod", .period(\.controllerManager.nodeTaintPeriod, atLeast: .milliseconds(1)),
            "How often the queues of nodes to taint NoExecute are looked at (fixed)."),
        Tunable(
            "podGCPeriod", .period(\.controllerManager.podGarbageCollectionPeriod, atLeast: tick),
            "The period of pod garbage collection (fixed)."),
        Tunable(
            "deletedNodeQuarantine", .duration(\.controllerManager.deletedNodeQuarantine),
            "How long a node must be gone before its pods are deleted (fixed)."),
        Tunable(
            "horizontalPodAutoscalerSyncPeriod", .period(\.controllerManager.autoscaler.syncPeriod, atLeast: tick),
            "--horizontal-pod-autoscaler-sync-period."),
        Tunable(
            "horizontalPodAutoscalerTolerance", .number(\.controllerManager.autoscaler.tolerance, 0...1e6),
            "--horizontal-pod-autoscaler-tolerance."),
        Tunable(
            "horizontalPodAutoscalerCPUInitializationPeriod", .duration(\.controllerManager.autoscaler.cpuInitializationPeriod),
            "--horizontal-pod-autoscaler-cpu-initialization-period."),
        Tunable(
            "horizontalPodAutoscalerInitialReadinessDelay", .duration(\.controllerManager.autoscaler.initialReadinessDelay),
            "--horizontal-pod-autoscaler-initial-readiness-delay."),
        Tunable(
            "horizontalPodAutoscalerDownscaleStabilization", .duration(\.controllerManager.autoscaler.downscaleStabilization),
            "--horizontal-pod-autoscaler-downscale-stabilization."),
        Tunable("nodeMonitorPeriod", .period(\.controllerManager.nodeMonitorPeriod, atLeast: tick), "--node-monitor-period."),
        Tunable(
            "nodeMonitorPhase", .duration(\.controllerManager.nodeMonitorPhase),
            "When the node monitor's passes come: at this time of the simulation, and every period before and after."),
        Tunable(
            "podGCPhase", .duration(\.controllerManager.podGarbageCollectionPhase),
            "When pod garbage collection comes, in the same manner."),
        Tunable("nodeMonitorGracePeriod", .duration(\.controllerManager.nodeMonitorGracePeriod), "--node-monitor-grace-period."),
        Tunable("nodeStartupGracePeriod", .duration(\.controllerManager.nodeStartupGracePeriod), "--node-startup-grace-period."),
        Tunable("nodeEvictionRate", .number(\.controllerManager.nodeEvictionRate, 0...1e6), "--node-eviction-rate: nodes per second."),
        Tunable(
            "secondaryNodeEvictionRate", .number(\.controllerManager.secondaryNodeEvictionRate, 0...1e6), "--secondary-node-eviction-rate."),
        Tunable(
            "largeClusterSizeThreshold", .integer(\.controllerManager.largeClusterSizeThreshold, 0...1_000_000),
            "--large-cluster-size-threshold: zones of more nodes are large."),
        Tunable("unhealthyZoneThreshold", .share(\.controllerManager.unhealthyZoneThreshold), "--unhealthy-zone-threshold."),
        Tunable(
            "terminatedPodGCThreshold", .integer(\.controllerManager.terminatedPodThreshold, 0...1_000_000_000),
            "--terminated-pod-gc-threshold; 0 switches it off."),
        Tunable(
            "claimBinderSyncPeriod", .period(\.controllerManager.claimBinderSyncPeriod, atLeast: .seconds(1)),
            "--pvclaimbinder-sync-period: how often claims without a volume are looked at again."),
        Tunable(
            "volumeProvisioningTime", .duration(\.controllerManager.volumeProvisioningTime),
            "What a CSI driver takes to make or remove a volume; default 2s. Drivers differ: set your own driver's."),
        Tunable(
            "attachDetachController", .flag(\.controllerManager.attachDetach.isOn),
            "Whether kube-controller-manager has volumes attached; without that kubelets mount them at once. Default true."),
        Tunable(
            "volumeAttachTime", .duration(\.controllerManager.attachDetach.attachTime),
            "What a CSI driver takes to attach a volume to a node; default 2s. Drivers differ: set your own driver's."),
        Tunable(
            "volumeDetachTime", .duration(\.controllerManager.attachDetach.detachTime),
            "What it takes to detach one; default 2s."),
        Tunable(
            "maxWaitForUnmountDuration", .duration(\.controllerManager.attachDetach.maxWaitForUnmount),
            "How long a volume that nobody wants stays attached to a node that is not ready and whose kubelet does not let go of it; default 6m (fixed)."
        ),
        Tunable(
            "disableForceDetachOnTimeout", .flag(\.controllerManager.attachDetach.disableForceDetachOnTimeout),
            "--disable-force-detach-on-timeout: such a volume stays attached; default false."),
    ]
}
