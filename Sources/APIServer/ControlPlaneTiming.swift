// The model of time of the control plane: every latency and limit in one place.

import DiscreteEvents

/// Latencies and limits of a control plane. The defaults are those of the real components, or were measured on a real
/// Kubernetes 1.36 control plane under light load; a scenario may set its own.
public struct ControlPlaneTiming: Hashable, Sendable {
    /// From sending a request to its commit in the store.
    public var requestLatency = SimulatedDuration.milliseconds(2)
    /// From the commit to the answer's arrival at the client.
    public var responseLatency = SimulatedDuration.milliseconds(2)
    /// Between the writes of one eviction (the budget's status, the pod's condition, the deletion), which the API server carries out one
    /// after another. Measured: 1 to 4 ms.
    public var evictionStepLatency = SimulatedDuration.milliseconds(3)
    /// From a commit to the watchers' caches.
    public var controllerManagerWatchLatency = SimulatedDuration.milliseconds(4)
    public var schedulerWatchLatency = SimulatedDuration.milliseconds(4)
    public var kubeletWatchLatency = SimulatedDuration.milliseconds(10)

    /// The longest back-off of a client whose watch broke before it lists again (client-go's reflector: up to 30 s, jittered).
    public var watchReconnection = SimulatedDuration.seconds(30)

    /// Each controller of the controller manager (`--kube-api-qps`, `--kube-api-burst`).
    public var controllerLimit = ClientLimit(queriesPerSecond: 20, burst: 30)
    /// `clientConnection` of KubeSchedulerConfiguration.
    public var schedulerLimit = ClientLimit(queriesPerSecond: 50, burst: 100)
    /// `kubeAPIQPS` and `kubeAPIBurst` of KubeletConfiguration.
    public var kubeletLimit = ClientLimit(queriesPerSecond: 50, burst: 100)

    /// What one scheduling cycle takes: a part per pod and a part per node looked at. Measured from the real scheduler:
    /// 1,000 nodes adaptive (420 looked at) 970 us a pod, 5,000 nodes all looked at 12,469 us.
    public var schedulingCyclePerPod = SimulatedDuration.microseconds(100)
    public var schedulingCyclePerNode = SimulatedDuration.nanoseconds(2400)

    /// `--event-ttl` of kube-apiserver: how long an Event is kept after it was written last.
    public var eventTimeToLive = SimulatedDuration.hours(1)

    public init() {}

    public func watchLatency(of watcher: Watcher) -> SimulatedDuration {
        switch watcher {
        case .controllerManager: controllerManagerWatchLatency
        case .scheduler: schedulerWatchLatency
        case .kubelets: kubeletWatchLatency
        case .recorder: .zero
        }
    }
}
