// The image registry in a scenario file, and what a workload waits for or fails at when it starts and stops.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension ScenarioFormat {
    static let waitsFor = ScenarioType(
        name: "WaitsFor", description: "What a container needs before it is ready.",
        fields: [ScenarioField("service", .objectName, required: true, "A Service that must have had a ready endpoint since it runs.")])

    static let registry = ScenarioType(
        name: "Registry", description: "What all nodes pull images from. That it fails is a fault.",
        fields: [
            ScenarioField(
                "bandwidth", .quantity,
                "Bytes per second, in equal parts for all nodes that pull at the same time; default: as much as they can take."),
            ScenarioField("images", .list(.object("Image")), "What it has."),
        ])

    static let image = ScenarioType(
        name: "Image", description: "An image, by its name as pods have it.",
        fields: [
            ScenarioField("name", .string, required: true, "The name, with its tag or digest."),
            ScenarioField(
                "size", .quantity,
                "Bytes to pull; default: what the workload or controlPlane.kubelet says. Images with a size stand in the status of the nodes "
                    + "that have them, by their names in full (docker.io/library/web:1), where ImageLocality looks for what pods say."),
            ScenarioField("missing", .boolean, "true: there is no such image, every pull of it fails."),
        ])
}

extension ScenarioDecoder {
    mutating func registry(_ node: YAMLNode, into configuration: inout NodeAgentConfiguration) {
        guard let fields = open(node, ScenarioFormat.registry) else { return }
        if let node = field(fields, "bandwidth"), let value = quantity(fields, "bandwidth") {
            if value.sign <= 0 { context.error(node, "must be greater than 0") }
            configuration.registryBytesPerSecond = value.approximateDouble
        }
        for element in list(fields, "images") {
            guard let image = open(element, ScenarioFormat.image) else { continue }
            let name = string(image, "name")
            let size = quantity(image, "size")?.value
            let isMissing = boolean(image, "missing") ?? false
            guard let name else { continue }
            if configuration.images.updateValue(ImageRecord(bytes: size, isMissing: isMissing), forKey: name) != nil {
                context.error(element, "there is an image \(name) above")
            }
        }
    }

    /// The image registry fails, if the fault is about it.
    mutating func registryOutage(_ node: YAMLNode) -> RegistryOutage? {
        guard let fields = open(node, ScenarioFormat.fault) else { return nil }
        if boolean(fields, "registry") == false, let node = fields["registry"] { context.error(node, "is true or left out") }
        for name in fields.type.fields.map(\.name) where !["at", "down", "registry"].contains(name) {
            if let other = fields[name] { context.error(other, "goes with nodes, not with \"registry\"") }
        }
        guard let at = time(fields, "at") else {
            context.error(node, "\"at\" is needed: when the registry fails")
            return nil
        }
        return RegistryOutage(at: at, down: downtime(fields))
    }

    mutating func waitsFor(_ fields: Fields, _ name: String) -> NamespacedName? {
        guard let node = field(fields, name), let fields = open(node, ScenarioFormat.waitsFor) else { return nil }
        return objectName(fields, "service")
    }

    mutating func failingHooks(_ fields: Fields, _ name: String, _ behaviour: inout WorkloadBehaviour) {
        for element in list(fields, name) {
            switch String.decode(element, &context) {
            case "postStart": behaviour.postStartFails = true
            case "preStop": behaviour.preStopFails = true
            default: context.error(element, "expected postStart or preStop")
            }
        }
    }
}
