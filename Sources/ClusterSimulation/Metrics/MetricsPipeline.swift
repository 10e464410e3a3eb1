// Kubelet statistics, metrics-server and the metrics APIs: what an autoscaler is told, and how old that is.
// <https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/>

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// Answers questions to the metrics APIs. Samples are not events of the simulation: when metrics-server asked last, and what the kubelet
/// had then, is worked out when somebody asks.
///
/// A kubelet takes each container's figures every ten seconds of the container's life; metrics-server asks all kubelets every fifteen
/// seconds. A pod's cpu is the mean between the last two figures metrics-server has seen, so it is told late, and not at all before the
/// second one (or the first, if the container was ten seconds old by then).
struct MetricsPipeline: Sendable {
    private let configuration: MetricsConfiguration
    private let custom: [CustomMetric]
    /// Whether anything serves the resource metrics API.
    private let servesResources: Bool
    /// When metrics-server's first round begins.
    private let phase: SimulatedDuration

    init(_ settings: ClusterConfiguration) {
        configuration = settings.metrics
        custom = settings.customMetrics
        servesResources = settings.metrics.servesResourceMetrics ?? !settings.snapshot.contains(where: MetricsPipeline.missesResources)
        var stream = RandomStream(seed: settings.seed, purpose: .scrapePhase, owner: 0)
        phase = SimulatedDuration(seconds: stream.uniform() * settings.metrics.resolution.seconds)
    }

    private static let noResources = "the server could not find the requested resource (get pods.metrics.k8s.io)"

    /// Whether an autoscaler says that there is no resource metrics API.
    private static func missesResources(_ object: APIObject) -> Bool {
        guard case .horizontalPodAutoscaler(let autoscaler) = object,
            let condition = autoscaler.value.status.conditions[.scalingActive]
        else { return false }
        return condition.status == .false && condition.message.hasSuffix(noResources)
    }

    // MARK: The metrics APIs

    /// - Parameters:
    ///   - kubelets: whose statistics are read.
    ///   - traffic: the requests, up to now: what they use belongs to their pods' first containers.
    ///   - isReachable: whether the kubelet of a node answers.
    func answer(
        _ query: MetricsQuery, from kubelets: NodeAgent, and traffic: Traffic? = nil, isReachable: (String) -> Bool, at now: SimulatedTime
    ) -> MetricsReading {
        var reading = MetricsReading()
        let figures = KubeletFigures(kubelets: kubelets, traffic: traffic)
        for source in query.sources {
            switch source {
            case .resource where !servesResources, .containerResource where !servesResources:
                reading.add(.refused(MetricsPipeline.noResources), to: source)
            case .resource(let name):
                reading.add(.pods(resource(name, of: query.pods, figures, isReachable, at: now)), to: source)
            case .containerResource(let name, let container):
                reading.add(self.container(container, name, of: query.pods, figures, isReachable, at: now), to: source)
            case .pods(let metric): reading.add(pods(metric, query.pods, kubelets.loads, at: now), to: source)
            case .object(let metric, let object):
                reading.add(self.object(metric, object, in: query.autoscaler.namespace, kubelets.loads, at: now), to: source)
            case .external(let metric): reading.add(external(metric, kubelets.loads, at: now), to: source)
            }
        }
        return reading
    }

    private func resource(
        _ name: ResourceName, of pods: [Shared<Pod>], _ figures: KubeletFigures, _ isReachable: (String) -> Bool, at now: SimulatedTime
    ) -> PodMetrics {
        var metrics = PodMetrics()
        for pod in pods {
            guard let node = pod.value.nodeName, isReachable(node) else { continue }
            metrics[pod.value.metadata.name] = sample(name, of: pod, figures, at: now)
        }
        return metrics
    }

    private func container(
        _ container: String, _ name: ResourceName, of pods: [Shared<Pod>], _ figures: KubeletFigures, _ isReachable: (String) -> Bool,
        at now: SimulatedTime
    ) -> MetricsReading.Answer {
        var metrics = PodMetrics()
        for pod in pods {
            guard let node = pod.value.nodeName, isReachable(node),
                let sample = sample(name, of: pod, container: container, figures, at: now)
            else { continue }
            guard pod.value.spec.value.containers.contains(where: { $0.name == container }) else {
                let key = pod.value.metadata.key
                return .failed("failed to get container metrics: container \(container) not present in metrics for pod \(key)")
            }
            metrics[pod.value.metadata.name] = sample
        }
        return .pods(metrics)
    }

    private func pods(
        _ metric: MetricIdentifier, _ pods: [Shared<Pod>], _ loads: PodLoads, at now: SimulatedTime
    ) -> MetricsReading.Answer {
        var metrics = PodMetrics()
        var isKnown = false
        for (index, candidate) in custom.enumerated() where candidate.name == metric.name {
            guard case .pods = candidate.subject else { continue }
            isKnown = true
            for pod in pods where candidate.concerns(pod.value) && pod.value.status.phase == .running {
                metrics[pod.value.metadata.name] = PodMetricSample(
                    milliValue: MetricsPipeline.milli(loads.value(ofCustom: index, pod, at: now)), timestamp: now.truncatedToSeconds,
                    window: .seconds(60))
            }
        }
        return isKnown ? .pods(metrics) : .refused("the server could not find the metric \(metric.name) for pods")
    }

    private func object(
        _ metric: MetricIdentifier, _ object: CrossVersionObjectReference, in namespace: String, _ loads: PodLoads, at now: SimulatedTime
    ) -> MetricsReading.Answer {
        let name = NamespacedName(namespace: namespace, name: object.name)
        for (index, candidate) in custom.enumerated() where candidate.name == metric.name {
            guard case .object(object.kind, name) = candidate.subject else { continue }
            return .values([MetricsPipeline.milli(loads.value(ofCustom: index, nil, at: now))])
        }
        return .refused("the server could not find the metric \(metric.name) for \(object.kind) \(object.name)")
    }

    private func external(_ metric: MetricIdentifier, _ loads: PodLoads, at now: SimulatedTime) -> MetricsReading.Answer {
        var values: [Int64] = []
        var isKnown = false
        for (index, candidate) in custom.enumerated() where candidate.name == metric.name {
            guard case .external(let labels) = candidate.subject else { continue }
            isKnown = true
            if let selector = metric.selector, !selector.matches(labels) { continue }
            values.append(MetricsPipeline.milli(loads.value(ofCustom: index, nil, at: now)))
        }
        return isKnown
            ? .values(values) : .refused("the server could not find the requested resource (get \(metric.name).external.metrics.k8s.io)")
    }

    /// Adapters tell thousandths, as quantities do.
    private static func milli(_ value: Double) -> Int64 { Int64(saturating: (value * 1000).rounded()) }

    // MARK: metrics-server

    /// What the kubelets know of their containers.
    private struct KubeletFigures {
        let kubelets: NodeAgent
        let traffic: Traffic?

        /// Core seconds of a pod or one of its containers; nil if that is not known.
        func cpuTime(of pod: Shared<Pod>, _ container: String?, from begin: SimulatedTime, to end: SimulatedTime) -> Double? {
            kubelets.cpuTime(of: pod, container: container, from: begin, to: end)
                .map { $0 + requestTime(of: pod, container, from: begin, to: end) }
        }

        /// The part of it that requests used.
        func requestTime(of pod: Shared<Pod>, _ container: String?, from begin: SimulatedTime, to end: SimulatedTime) -> Double {
            guard let traffic, container == nil || container == pod.value.spec.value.containers.first?.name else { return 0 }
            return traffic.cpuTime(of: pod.value.metadata.uid, from: begin, to: end)
        }
    }

    /// What metrics-server tells of a pod; nil if it has not seen enough of it.
    private func sample(
        _ resource: ResourceName, of pod: Shared<Pod>, container: String? = nil, _ figures: KubeletFigures, at now: SimulatedTime
    ) -> PodMetricSample? {
        guard configuration.resolution > .zero else { return immediateSample(resource, of: pod, container, figures, at: now) }
        guard let start = MetricsPipeline.start(of: pod.value), let (begin, end) = window(of: start, at: now) else { return nil }
        let milliValue: Int64
        if resource == .memory {
            guard let bytes = figures.kubelets.usage(resource, of: pod, container: container, at: end) else { return nil }
            milliValue = Int64(saturating: bytes.rounded(.towardZero) * 1000)
        } else {
            guard let used = figures.cpuTime(of: pod, container, from: begin, to: end) else { return nil }
            // Counters are in nanoseconds of cpu time; the API rounds thousandths of a core up.
            let nanocores = Int64(saturating: min((used / (end - begin).seconds * 1e9).rounded(), 9e18))
            milliValue = (nanocores + 999_999) / 1_000_000
        }
        return PodMetricSample(milliValue: milliValue, timestamp: end.truncatedToSeconds, window: end - begin)
    }

    private func immediateSample(
        _ resource: ResourceName, of pod: Shared<Pod>, _ container: String?, _ figures: KubeletFigures, at now: SimulatedTime
    ) -> PodMetricSample? {
        guard PodLoads.serves(pod), var value = figures.kubelets.usage(resource, of: pod, container: container, at: now) else { return nil }
        if resource == .cpu {
            // Of single requests there is no rate at a moment.
            let window = configuration.immediateWindow
            value += figures.requestTime(of: pod, container, from: now - window, to: now) / window.seconds
        }
        // Whole thousandths; a share of them is cut off.
        let milliValue = Int64(saturating: (value * 1000 + 1e-6).rounded(.down))
        return PodMetricSample(milliValue: milliValue, timestamp: now.truncatedToSeconds, window: configuration.immediateWindow)
    }

    /// The times of the two figures of a container that metrics-server goes by.
    private func window(of start: SimulatedTime, at now: SimulatedTime) -> (begin: SimulatedTime, end: SimulatedTime)? {
        let last = round(atOrBefore: now - configuration.scrapeLatency)
        guard last >= start else { return nil }
        let end = figures(of: start, atOrBefore: last)
        // The round before the one that saw these figures first has seen the ones to compare with.
        let before = round(atOrBefore: end - .nanoseconds(1))
        if before >= start {
            let begin = figures(of: start, atOrBefore: before)
            return begin < end ? (begin, end) : nil
        }
        let age = end - start
        return age >= configuration.freshContainerAge && age < configuration.resolution ? (start, end) : nil
    }

    /// When metrics-server's last round at or before a time began.
    private func round(atOrBefore time: SimulatedTime) -> SimulatedTime {
        MetricsPipeline.tick(.zero + phase, every: configuration.resolution, atOrBefore: time)
    }

    /// When a kubelet took the figures of a container last, at or before a time.
    private func figures(of start: SimulatedTime, atOrBefore time: SimulatedTime) -> SimulatedTime {
        MetricsPipeline.tick(start, every: max(configuration.housekeepingInterval, .milliseconds(1)), atOrBefore: time)
    }

    private static func tick(
        _ origin: SimulatedTime, every period: SimulatedDuration, atOrBefore time: SimulatedTime
    ) -> SimulatedTime {
        let passed = (time - origin).nanoseconds
        var count = passed / period.nanoseconds
        if passed < 0, count * period.nanoseconds != passed { count -= 1 }
        return origin + .nanoseconds(count * period.nanoseconds)
    }

    /// Since when all running containers of a pod have been running.
    private static func start(of pod: Pod) -> SimulatedTime? {
        guard !pod.isTerminal else { return nil }
        return pod.status.containerStatuses.lazy.compactMap { status in
            if case .running(let since) = status.state { since } else { nil }
        }.max()
    }
}

extension RandomPurpose {
    static let scrapePhase = RandomPurpose("metrics-server scrape phase")
}
