// Reading pod specs: the part that thousands of objects share.

import DiscreteEvents

extension DecodingContext {
    /// Reads, completes and checks a pod spec, or finds the one read before from the same text.
    ///
    /// - Parameters:
    ///   - path: where the spec stands in its object.
    ///   - object: the object, where paths start.
    mutating func podSpec(_ node: YAMLNode, at path: String, in object: YAMLNode) -> (spec: Shared<PodSpec>, nodeName: String?)? {
        guard node.kind == .mapping else {
            expect("object", node)
            return nil
        }
        var nodeName: String?
        if let value = node["nodeName"] {
            read(value, into: &nodeName)
            if nodeName?.isEmpty ?? false { nodeName = nil }
        }
        let text = objects.specs.text(of: node)
        if let known = objects.specs.spec(text: text) { return (known, nodeName) }

        let errorsBefore = errorCount
        let findingsBefore = diagnostics.count + suppressedCount
        // Of a StatefulSet the API server does not check its pods' spec, which mounts claims that are no volumes yet: it checks the pods.
        let validates = objects.validates
        if object["kind"]?.scalarText == Kind.statefulSet.description { objects.validates = false }
        defer { objects.validates = validates }
        guard var spec = PodSpec.decode(node, &self) else { return nil }
        if objects.validates { checkUnmodelled(podSpec: node, isTemplate: path != "spec") }
        if objects.appliesDefaults { spec.applyDefaults() }
        if objects.validates, errorCount == errorsBefore {
            for finding in spec.validate(at: path) { report(finding, in: object) }
        }
        let shared = objects.specs.intern(spec)
        if objects.validates == validates, diagnostics.count + suppressedCount == findingsBefore {
            objects.specs.remember(shared, text: text)
        }
        return (shared, nodeName)
    }
}

extension PodSpec: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PodSpec? {
        var spec = PodSpec()
        // A stored object says which scheduler it wants; without defaults, nothing said is nothing.
        if !context.objects.appliesDefaults { spec.schedulerName = "" }
        context.objects.volumeMountNames.removeAll(keepingCapacity: true)
        let isMapping = context.fields(node) { field, value, context in spec.decode(field, value, &context) }
        guard isMapping else { return nil }
        if context.objects.validates { spec.checkMounts(&context) }
        spec.volumes.removeAll { GeneratedVolume.isName($0.name) }
        return spec
    }

    private mutating func decode(_ field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "containers": context.read(value, into: &containers)
        case "nodeName", "serviceAccount": break
        case "restartPolicy":
            if value.scalarText != "" { context.choose(value, into: &restartPolicy, of: ["Always", "OnFailure", "Never"]) }
        case "schedulerName": context.read(value, into: &schedulerName)
        case "initContainers": context.read(value, into: &initContainers)
        case "volumes": context.read(value, into: &volumes)
        case "nodeSelector": context.read(value, into: &nodeSelector)
        case "affinity": context.read(value, into: &affinity)
        case "tolerations": context.read(value, into: &tolerations)
        case "topologySpreadConstraints": context.read(value, into: &topologySpreadConstraints)
        case "schedulingGates": context.readNames(value, into: &schedulingGates, key: "name")
        case "priority": context.read(value, into: &priority)
        case "priorityClassName": context.read(value, into: &priorityClassName)
        case "preemptionPolicy": context.choose(value, into: &preemptionPolicy, of: PreemptionPolicy.names)
        case "overhead": context.read(value, into: &overhead)
        case "resources":
            guard !value.isNull else { break }
            var read = ResourceRequirements()
            context.readResources(value, into: &read, unmodelled: &unmodelled)
            if !read.requests.isEmpty || !read.limits.isEmpty { resources = read }
        case "terminationGracePeriodSeconds": context.read(value, into: &terminationGracePeriodSeconds)
        case "activeDeadlineSeconds": context.read(value, into: &activeDeadlineSeconds)
        case "hostNetwork": context.read(value, into: &hostNetwork)
        case "hostUsers": context.read(value, into: &hostUsers)
        case "hostname": context.read(value, into: &hostname)
        case "subdomain": context.read(value, into: &subdomain)
        case "serviceAccountName": context.read(value, into: &serviceAccountName)
        case "runtimeClassName": context.read(value, into: &runtimeClassName)
        case "readinessGates": context.readNames(value, into: &readinessGates, key: "conditionType")
        case "resourceClaims": context.readResourceClaims(value, into: &resourceClaims, unmodelled: &unmodelled)
        default: return context.unmodelled(field, value, of: "PodSpec", into: &unmodelled)
        }
        return true
    }

    /// Every mount must name a volume of the pod.
    private func checkMounts(_ context: inout DecodingContext) {
        for mount in context.objects.volumeMountNames {
            guard let name = mount.scalarText, !volumes.contains(where: { $0.name == name }) else { continue }
            context.error(mount, FieldError(.notFound, field: "", value: GoText.quoted(name), detail: "").body)
        }
    }
}

extension DecodingContext {
    /// Reads a list of mappings of which one text counts.
    mutating func readNames(_ node: YAMLNode, into names: inout [String], key: String) {
        elements(node) { element, context in
            var name = ""
            context.fields(element) { field, value, context in
                guard field == key else { return false }
                context.read(value, into: &name)
                return true
            }
            names.append(name)
        }
    }

    fileprivate mutating func readResourceClaims(_ node: YAMLNode, into names: inout [String], unmodelled digest: inout UInt64) {
        elements(node) { element, context in
            var name = ""
            context.fields(element) { field, value, context in
                guard field == "name" else { return context.unmodelled(field, value, of: "PodResourceClaim", into: &digest) }
                context.read(value, into: &name)
                return true
            }
            names.append(name)
        }
    }

    fileprivate mutating func readResources(
        _ node: YAMLNode, into resources: inout ResourceRequirements, unmodelled digest: inout UInt64
    ) {
        fields(node) { field, value, context in
            switch field {
            case "requests": context.read(value, into: &resources.requests)
            case "limits": context.read(value, into: &resources.limits)
            case "claims":
                context.elements(value) { claim, context in
                    digest = digest &+ ContentDigest.entry("claims", context.digest(claim, of: "ResourceClaim"))
                }
            default: return false
            }
            return true
        }
    }
}

extension Container: YAMLFields {
    package init() { self.init(name: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "image": context.read(value, into: &image)
        case "resources": context.readResources(value, into: &resources, unmodelled: &unmodelled)
        case "imagePullPolicy":
            if value.scalarText != "" { context.choose(value, into: &imagePullPolicy, of: ["Always", "IfNotPresent", "Never"]) }
        case "ports": context.read(value, into: &ports)
        case "restartPolicy": context.choose(value, into: &restartPolicy, of: ["Always", "Never", "OnFailure"])
        case "restartPolicyRules": context.readRestartRules(value, into: &restartRules, unmodelled: &unmodelled)
        case "livenessProbe": context.read(value, into: &livenessProbe)
        case "readinessProbe":
            context.read(value, into: &readinessProbe)
            if context.objects.validates { context.checkReadinessProbe(value) }
        case "startupProbe": context.read(value, into: &startupProbe)
        case "volumeMounts":
            context.elements(value) { mount, context in
                if let name = mount["name"] {
                    if GeneratedVolume.isName(name.scalarText ?? "") { return }
                    context.objects.volumeMountNames.append(name)
                }
                let digest = context.digest(mount, of: "VolumeMount")
                unmodelled = unmodelled &+ ContentDigest.entry(field, digest)
            }
            if context.objects.validates { context.checkMounts(value) }
        default:
            switch field {
            case "lifecycle": context.read(value, into: &lifecycle)
            case "env": configuration += ConfigurationReference.of(variables: value)
            case "envFrom": configuration = ConfigurationReference.of(sources: value) + configuration
            default: break
            }
            guard context.unmodelled(field, value, of: "Container", into: &unmodelled) else { return false }
            if context.objects.validates { context.checkUnmodelled(containerField: field, value) }
        }
        return true
    }
}

extension ContainerPort: YAMLFields {
    package init() { self.init(containerPort: 0) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "containerPort": context.read(value, into: &containerPort)
        case "name": context.read(value, into: &name)
        case "protocol":
            if value.scalarText != "" { context.choose(value, into: &transport, of: ["SCTP", "TCP", "UDP"]) }
        case "hostPort": context.read(value, into: &hostPort)
        case "hostIP": context.read(value, into: &hostIP)
        default: return false
        }
        return true
    }
}

extension Volume: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Volume? {
        var volume = Volume(name: "", source: .other)
        var hasSource = false
        let isMapping = context.fields(node) { field, value, context in
            if field == "name" {
                context.read(value, into: &volume.name)
                return true
            }
            guard context.unmodelled(field, value, of: "Volume", into: &volume.unmodelled) else { return false }
            if value.isNull { return true }
            if !hasSource { volume.source = Volume.source(field, value) }
            hasSource = true
            return true
        }
        guard isMapping else { return nil }
        if context.objects.validates { context.checkVolume(node) }
        return volume
    }

    /// The part of a volume source that scheduling looks at; its types have been checked.
    private static func source(_ kind: String, _ node: YAMLNode) -> Source {
        func text(_ field: String) -> String { node[field]?.scalarText ?? "" }
        let readOnly = node["readOnly"].flatMap { $0.scalarText.flatMap(YAMLScalarType.bool) } ?? false
        switch kind {
        case "persistentVolumeClaim": return .persistentVolumeClaim(name: text("claimName"), readOnly: readOnly)
        case "ephemeral": return .ephemeral
        case "emptyDir":
            let limit = node["sizeLimit"]?.scalarText.flatMap { try? Quantity(text: $0) }
            return .emptyDir(isInMemory: text("medium") == "Memory", sizeLimit: limit.flatMap { $0.sign > 0 ? $0 : nil })
        case "image": return .image(reference: text("reference"))
        case "gcePersistentDisk": return .gcePersistentDisk(name: text("pdName"), readOnly: readOnly)
        case "awsElasticBlockStore": return .awsElasticBlockStore(id: text("volumeID"))
        case "iscsi": return .iscsi(iqn: text("iqn"), readOnly: readOnly)
        case "rbd":
            var monitors: [String] = []
            if let list = node["monitors"] { for monitor in list.elements { monitors.append(monitor.scalarText ?? "") } }
            return .rbd(
                monitors: monitors, pool: node["pool"]?.scalarText ?? "rbd", image: text("image"), readOnly: readOnly)
        case "csi": return .csi(driver: text("driver"))
        case "azureDisk": return .migrated(.azureDisk, id: text("diskURI"))
        case "azureFile": return .migrated(.azureFile, id: text("shareName"))
        case "cinder": return .migrated(.cinder, id: text("volumeID"))
        case "vsphereVolume": return .migrated(.vsphereVolume, id: text("volumePath"))
        case "portworxVolume": return .migrated(.portworxVolume, id: text("volumeID"))
        default: return ConfigurationReference.of(volume: kind, node).map { .configuration($0) } ?? .other
        }
    }
}
