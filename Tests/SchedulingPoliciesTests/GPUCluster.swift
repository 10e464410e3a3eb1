// Nodes with GPUs, pods that ask for them, and profiles of one policy.

import KubernetesAPI
import Scheduling
import SchedulingPolicies

enum GPUCluster {
    static func node(_ name: String, cores: Int64 = 128, memoryMiB: Int64 = 786_432, gpus: Int64 = 8) -> Node {
        node(name, cpuMilli: cores * 1000, memoryMiB: memoryMiB, gpus: gpus)
    }

    static func node(_ name: String, cpuMilli: Int64, memoryMiB: Int64, gpus: Int64) -> Node {
        var node = Node(metadata: ObjectMeta(name: name))
        node.status.allocatable[.cpu] = Quantity(milli: cpuMilli)
        node.status.allocatable[.memory] = Quantity(bytes: memoryMiB << 20)
        node.status.allocatable[.pods] = Quantity(110)
        if gpus > 0 { node.status.allocatable[GPUResource.name] = Quantity(gpus * 1000) }
        return node
    }

    static func spec(cpuMilli: Int64, memoryMiB: Int64 = 0, gpuMilli: Int64) -> Shared<PodSpec> {
        var container = Container(name: "main", image: "work")
        container.resources.requests[.cpu] = Quantity(milli: cpuMilli)
        container.resources.requests[.memory] = Quantity(bytes: memoryMiB << 20)
        if gpuMilli > 0 { container.resources.requests[GPUResource.name] = Quantity(gpuMilli) }
        var spec = PodSpec()
        spec.containers = [container]
        return Shared(spec)
    }

    static func pod(_ name: String, _ spec: Shared<PodSpec>) -> Pod {
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: spec)
        pod.metadata.uid = UID(name)
        return pod
    }

    static func pod(_ name: String, cpuMilli: Int64 = 1000, gpuMilli: Int64) -> Pod {
        pod(name, spec(cpuMilli: cpuMilli, gpuMilli: gpuMilli))
    }

    /// A pod that runs on a node, on some of its GPUs.
    static func running(_ name: String, on node: String, cpuMilli: Int64 = 1000, gpuMilli: Int64, gpus: String?) -> Pod {
        var pod = pod(name, cpuMilli: cpuMilli, gpuMilli: gpuMilli)
        pod.nodeName = node
        if let gpus { pod.metadata.annotations[GPUResource.indexAnnotation] = gpus }
        return pod
    }

    /// A profile of nothing but what fits and one policy, in which all nodes are looked at.
    static func configuration(_ policy: String, arguments: String = "", gpuShare: String = "") throws -> SchedulerConfiguration {
        let text = """
            apiVersion: kubescheduler.config.k8s.io/v1
            kind: KubeSchedulerConfiguration
            percentageOfNodesToScore: 100
            profiles:
              - schedulerName: default-scheduler
                plugins:
                  multiPoint:
                    disabled: [{name: "*"}]
                    enabled: [{name: PrioritySort}, {name: NodeResourcesFit}, {name: GPUShare}, {name: \(policy)}, {name: DefaultBinder}]
                  score:
                    disabled: [{name: NodeResourcesFit}]
                pluginConfig:
                  - {name: GPUShare, args: {\(gpuShare)}}
                  - {name: \(policy), args: {\(arguments)}}
            """
        return try read(text)
    }

    static func read(_ text: String) throws -> SchedulerConfiguration {
        let document = try YAMLFile.parse(text, name: "scheduler.yaml").documents[0]
        var context = DecodingContext(unknownFields: .refuse)
        let configuration = context.object(document) { SchedulerConfiguration.decode($0, registry: .withPolicies, &$1) }
        guard let configuration, !context.hasErrors else { throw Refused(messages: context.diagnostics.map(\.description)) }
        return configuration
    }

    struct Refused: Error {
        var messages: [String]
    }
}
