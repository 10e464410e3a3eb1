// What an observer outside the cluster may ask of the kubelets: what really runs, whatever the API server says.

import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// The number of the node on which containers of a pod run; nil if none do.
    package func nodeRunning(_ pod: UID, at now: SimulatedTime) -> Int? {
        guard let place = place(of: pod), let worker = kubelets[place.kubelet].worker(in: place.slot), worker.hasRunningContainer,
            !worker.isStopped(at: now)
        else { return nil }
        switch kubelets[place.kubelet].power {
        case .running, .kubeletStopped, .starting(afterCrash: false): return place.kubelet
        case .crashed, .starting(afterCrash: true): return nil
        }
    }

    /// Whether all containers of a pod but its init containers run.
    package func runsAllContainers(of pod: UID, at now: SimulatedTime) -> Bool {
        guard nodeRunning(pod, at: now) != nil, let place = place(of: pod) else { return false }
        return kubelets[place.kubelet].withPod(place.slot) { $0.runsAllMainContainers } ?? false
    }

    /// The number of the node whose kubelet takes care of a pod; nil for none.
    package func nodeKnowing(_ pod: UID) -> Int? { place(of: pod)?.kubelet }

    /// Whether the kubelets know of an object what is stored of it (nil: nothing): of volumes, of what is attached to nodes, of ConfigMaps
    /// and Secrets. True of all other kinds.
    package func agrees(with stored: APIObject?, _ key: ObjectKey) -> Bool {
        directory.agrees(with: stored, key) && environment.configurations.agrees(with: stored, key)
    }

    /// Whether a pod comes to hold more of its node's disk than its own limits allow: whatever node it is on, its kubelet evicts it.
    package func outgrowsItsDisk(_ pod: Pod) -> Bool {
        let (spec, behaviour) = (pod.spec.value, behaviour(of: pod).value)
        var total = 0.0
        for usage in behaviour.emptyDirs {
            guard case .emptyDir(let isInMemory, let limit)? = spec.volumes.first(where: { $0.name == usage.volume })?.source, !isInMemory
            else { continue }
            if let limit, usage.size.profile.peak > Double(limit.value) { return true }
            total += usage.size.profile.peak
        }
        for container in spec.containers {
            guard let peak = behaviour.usage.entry(of: container.name, in: spec)?.disk?.profile.peak else { continue }
            if let limit = container.resources.limits[.ephemeralStorage], peak > Double(limit.value) { return true }
            total += peak
        }
        return spec.effectiveLimits[.ephemeralStorage].map { total > Double($0.value) } ?? false
    }

    /// Whether a kubelet has its node's pods from the API server and hears of their changes.
    package func isWatching(_ number: Int) -> Bool {
        kubelets[number].power == .running && !kubelets[number].link.isDeaf
    }
}
