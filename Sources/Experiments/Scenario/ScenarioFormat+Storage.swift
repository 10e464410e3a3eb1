// CSI drivers that fail or are slow, in a scenario file.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

extension ScenarioFormat {
    static let storage = ScenarioType(
        name: "Storage", description: "When CSI drivers fail, or are slow. What they usually take stands in controlPlane.",
        fields: [
            ScenarioField(
                "attach", .list(.object("DriverTrouble")),
                "Attaching to a node: the attach-detach controller tells the pods (FailedAttachVolume) and looks again after 500ms, doubled up to "
                    + "2m2s, the driver's external-attacher tries again after 1s, doubled up to 5m."),
            ScenarioField(
                "mount", .list(.object("DriverTrouble")),
                "Mounting what is attached: the kubelet tells the pod (FailedMount) and tries again after 500ms, doubled up to 2m2s."),
        ])

    static let driverTrouble = ScenarioType(
        name: "DriverTrouble", description: "A time in which a driver's work fails or takes longer.",
        fields: [
            ScenarioField("from", .duration, "From when on; default: the start."),
            ScenarioField("until", .duration, "Until when; default: the end."),
            ScenarioField("driver", .string, "The name of the CSI driver; default: all."),
            ScenarioField("probability", .number(0...1), "With which probability an attempt fails that ends in this time; default 0."),
            ScenarioField("delay", .duration, "What an attempt takes longer that begins in this time; default 0s."),
        ])
}

extension ScenarioDecoder {
    mutating func storage(_ node: YAMLNode, into configuration: inout ClusterConfiguration) {
        guard let fields = open(node, ScenarioFormat.storage) else { return }
        configuration.controllerManager.attachDetach.disturbances = list(fields, "attach").compactMap { driverTrouble($0) }
        configuration.nodeAgent.volumes.mountDisturbances = list(fields, "mount").compactMap { driverTrouble($0) }
    }

    private mutating func driverTrouble(_ node: YAMLNode) -> Disturbance? {
        guard let fields = open(node, ScenarioFormat.driverTrouble) else { return nil }
        var trouble = Disturbance()
        if let from = time(fields, "from") { trouble.from = from }
        if let until = time(fields, "until") { trouble.until = until }
        trouble.subject = string(fields, "driver")
        trouble.probability = field(fields, "probability").flatMap { number($0, in: 0...1) } ?? 0
        trouble.delay = duration(fields, "delay") ?? .zero
        if trouble.from >= trouble.until { context.error(fields["until"] ?? node, "must be later than \"from\"") }
        if fields["probability"] == nil, fields["delay"] == nil {
            context.error(node, "needs \"probability\" (how many attempts fail) or \"delay\" (how much longer they take)")
        }
        return trouble
    }
}
