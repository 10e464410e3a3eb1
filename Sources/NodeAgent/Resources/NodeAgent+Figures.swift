// What the kubelets' statistics say of pods: what containers got, not what they wanted.

import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// What a pod (or one of its containers) uses at a time of the present or the last minutes, in base units; nil if that is not known.
    package func usage(_ resource: ResourceName, of pod: Shared<Pod>, container: String? = nil, at time: SimulatedTime) -> Double? {
        withWorker(of: pod) { worker in
            guard resource == .cpu, let worker, !worker.pace.isEmpty else {
                return loads.value(resource, of: pod, container: container, at: time) { worker?.runningSince($0) }
            }
            var sum = 0.0
            for index in worker.containers.indices where container == nil || container == worker.name(index) {
                guard let wanted = loads.value(resource, of: pod, container: worker.name(index), at: time, startedAt: worker.runningSince)
                else {
                    return nil
                }
                sum += wanted * (worker.pace[index].history.last { $0.since <= time }?.rate ?? 1)
            }
            return sum
        }
    }

    /// The cpu time a pod (or one of its containers) used, in seconds; nil if that is not known.
    package func cpuTime(
        of pod: Shared<Pod>, container: String? = nil, from begin: SimulatedTime, to end: SimulatedTime
    ) -> Double? {
        withWorker(of: pod) { worker in
            guard let worker, !worker.pace.isEmpty else {
                return loads.integral(.cpu, of: pod, container: container, from: begin, to: end) { worker?.runningSince($0) }
            }
            var sum = 0.0
            for index in worker.containers.indices where container == nil || container == worker.name(index) {
                var (time, rate) = (begin, 1.0)
                let history = worker.pace[index].history
                for next in history + [(since: end, rate: 1)] {
                    let until = min(max(next.since, begin), end)
                    if until > time {
                        guard
                            let wanted = loads.integral(
                                .cpu, of: pod, container: worker.name(index), from: time, to: until, startedAt: worker.runningSince)
                        else { return nil }
                        sum += wanted * rate
                        time = until
                    }
                    rate = next.rate
                }
            }
            return sum
        }
    }

    /// What a machine uses: its pods and what is outside of them, without what requests use.
    package struct MachineFigures: Sendable {
        /// Cores, on average.
        package var cpu: Double
        /// Bytes, at the end.
        package var memory: Double
        /// What the machine has.
        package let cores: Double
        package let bytes: Double
        /// The pods whose containers run.
        package var pods: [UID] = []
    }

    /// What a machine used between two times of the last minutes, or at one; nil if its kubelet does not answer. What containers used that ended
    /// meanwhile is left out.
    package func figures(ofMachine number: Int, from begin: SimulatedTime, to end: SimulatedTime) -> MachineFigures? {
        let kubelet = kubelets[number]
        guard kubelet.power == .running else { return nil }
        var figures = MachineFigures(
            cpu: kubelet.usage.outside.cpu, memory: Double(kubelet.usage.outside.memory), cores: kubelet.usage.cores,
            bytes: Double(kubelet.usage.memory))
        var seconds = 0.0
        kubelet.forEachPod { _, worker in
            var runs = false
            for index in worker.containers.indices {
                guard case .running(let since, _, _, _) = worker.containers[index].state else { continue }
                runs = true
                let name = worker.name(index)
                if begin < end {
                    seconds += cpuTime(of: worker.pod, container: name, from: max(begin, since), to: end) ?? 0
                } else {
                    figures.cpu += usage(.cpu, of: worker.pod, container: name, at: end) ?? 0
                }
                figures.memory += usage(.memory, of: worker.pod, container: name, at: end) ?? 0
            }
            if runs { figures.pods.append(worker.pod.value.metadata.uid) }
        }
        if begin < end { figures.cpu += seconds / (end - begin).seconds }
        return figures
    }

    /// The container that bears a pod's load is told apart by its name; a pod that its kubelet does not know runs nothing.
    private func withWorker<Answer>(of pod: Shared<Pod>, _ look: (PodWorker?) -> Answer) -> Answer {
        guard let place = place(of: pod) else { return look(nil) }
        return kubelets[place.kubelet].withPod(place.slot) { look($0) } ?? look(nil)
    }
}

extension PodWorker {
    /// Since when a container runs; nil: it does not.
    func runningSince(_ container: String) -> SimulatedTime? {
        for index in containers.indices where name(index) == container {
            if case .running(let since, _, _, _) = containers[index].state { return since }
        }
        return nil
    }
}
