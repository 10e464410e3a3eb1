// Objects and short-hands for the API server's tests.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

func seconds(_ value: Double) -> SimulatedTime { SimulatedTime(seconds: value) }

func pod(_ name: String, namespace: String = "default", grace: Int64 = 30, node: String? = nil, finalizers: [String] = []) -> Pod {
    var spec = PodSpec(containers: [Container(name: "c", image: "app:1")])
    spec.terminationGracePeriodSeconds = grace
    var pod = Pod(metadata: ObjectMeta(name: name, namespace: namespace), spec: Shared(spec), nodeName: node)
    pod.metadata.finalizers = finalizers
    return pod
}

func deployment(_ name: String, image: String = "app:1", labels: Labels = [:], annotations: Labels = [:]) -> Deployment {
    let template = PodTemplate(labels: ["app": name], spec: Shared(PodSpec(containers: [Container(name: "c", image: image)])))
    return Deployment(
        metadata: ObjectMeta(name: name, namespace: "default", labels: labels, annotations: annotations),
        spec: DeploymentSpec(replicas: 3, selector: LabelSelector(matchLabels: ["app": name]), template: template))
}

func podKey(_ name: String) -> ObjectKey { ObjectKey(.pod, namespace: "default", name) }
func deploymentKey(_ name: String) -> ObjectKey { ObjectKey(.deployment, namespace: "default", name) }

extension APIServer {
    /// Carries out a request that must succeed.
    @discardableResult
    mutating func done(_ request: APIRequest, at now: SimulatedTime = .zero) throws -> APIObject? {
        try execute(request, at: now).get()
    }

    func storedPod(_ name: String) throws -> Pod {
        try #require(objects.get(Pod.self, NamespacedName(namespace: "default", name: name))).value
    }

    func storedDeployment(_ name: String) throws -> Deployment {
        try #require(objects.get(Deployment.self, NamespacedName(namespace: "default", name: name))).value
    }

    /// What the recorder has not read yet, as "ADDED pod".
    mutating func changes() -> [String] {
        var result: [String] = []
        while let event = watchLog.next(for: .recorder, committedBy: .distantFuture) {
            result.append("\(event.change.rawValue) \(event.object.metadata.name)")
        }
        return result
    }
}
