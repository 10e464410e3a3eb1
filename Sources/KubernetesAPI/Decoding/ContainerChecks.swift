// Checks of those fields of containers that have no effect in the simulator: they are read only to be refused where the API server
// refuses them, so that a manifest that runs here can be applied there.

extension DecodingContext {
    /// Whether a field says something.
    static func isGiven(_ node: YAMLNode?) -> Bool { !(node?.isNull ?? true) }

    /// The elements of a list that may not be there.
    static func elements(_ node: YAMLNode?) -> [YAMLNode] { node.map { Array($0.elements) } ?? [] }

    mutating func checkUnmodelled(containerField field: String, _ value: YAMLNode) {
        switch field {
        case "env": for variable in value.elements { checkVariable(variable) }
        case "envFrom": for source in value.elements { checkVariables(from: source, in: value) }
        case "lifecycle":
            for hook in ["postStart", "preStop"] {
                if let handler = value[hook], !handler.isNull { checkHandler(handler, of: ["exec", "httpGet", "tcpSocket", "sleep"]) }
            }
        case "resizePolicy": checkResizePolicies(value)
        case "securityContext": checkSecurityContext(value)
        default: break
        }
    }

    // MARK: Environment

    private static let variableSources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]

    private mutating func checkVariable(_ variable: YAMLNode) {
        if let name = variable["name"], let text = name.scalarText, !text.isEmpty { refuse(name, NameValidation.relaxedEnvVarName(text)) }
        guard let from = variable["valueFrom"], !from.isNull else { return }
        let given = DecodingContext.variableSources.filter { DecodingContext.isGiven(from[$0]) }
        for source in given { if let node = from[source] { checkVariable(source: source, node) } }
        var problem: String?
        if given.isEmpty {
            problem = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        } else if !(variable["value"]?.scalarText ?? "").isEmpty {
            problem = "may not be specified when `value` is not empty"
        } else if given.count > 1 {
            problem = "may not have more than one field specified at a time"
        }
        if let problem { error(from, FieldError.invalid("", "", problem).body) }
    }

    private mutating func checkVariable(source: String, _ node: YAMLNode) {
        switch source {
        case "fieldRef": checkPodField(node)
        case "resourceFieldRef":
            let resource = node["resource"]?.scalarText ?? ""
            if resource.isEmpty {
                error(missing: "resource", in: node)
            } else if !DownwardFields.resources.contains(resource), !resource.hasPrefix("limits.hugepages-"),
                !resource.hasPrefix("requests.hugepages-")
            {
                error(missing: "resource", in: node, FieldError.notSupported("", resource, supported: DownwardFields.resources).body)
            }
        case "configMapKeyRef", "secretKeyRef":
            let name = node["name"]?.scalarText ?? ""
            refuse(missing: "name", in: node, name, NameValidation.dns1123Subdomain(name))
            let key = node["key"]?.scalarText ?? ""
            if key.isEmpty {
                error(missing: "key", in: node)
            } else {
                refuse(missing: "key", in: node, key, NameValidation.configMapKey(key))
            }
        default: break
        }
    }

    private mutating func checkPodField(_ node: YAMLNode) {
        let path = node["fieldPath"]?.scalarText ?? ""
        if path.isEmpty { return error(missing: "fieldPath", in: node) }
        if path.hasSuffix("']"), let start = path.firstRange(of: "['") {
            let (map, key) = (path[..<start.lowerBound], path[start.upperBound...].dropLast(2))
            guard map == "metadata.labels" || map == "metadata.annotations" else {
                return refuse(
                    missing: "fieldPath", in: node, path,
                    ["error converting fieldPath: field label does not support subscript: \(path)"])
            }
            return refuse(node, NameValidation.qualifiedName(map == "metadata.labels" ? String(key) : key.lowercased()), value: String(key))
        }
        if DownwardFields.ofVariables.contains(path) || path == "spec.host" { return }
        guard DownwardFields.others.contains(path) else {
            return refuse(
                missing: "fieldPath", in: node, path, ["error converting fieldPath: field label not supported: \(path)"])
        }
        error(missing: "fieldPath", in: node, FieldError.notSupported("", path, supported: DownwardFields.ofVariables).body)
    }

    private mutating func checkVariables(from source: YAMLNode, in list: YAMLNode) {
        if let prefix = source["prefix"], let text = prefix.scalarText, !text.isEmpty {
            refuse(prefix, NameValidation.relaxedEnvVarName(text))
        }
        let given = ["configMapRef", "secretRef"].filter { DecodingContext.isGiven(source[$0]) }
        for field in given {
            guard let node = source[field] else { continue }
            let name = node["name"]?.scalarText ?? ""
            if name.isEmpty {
                error(missing: "name", in: node)
            } else {
                refuse(missing: "name", in: node, name, NameValidation.dns1123Subdomain(name))
            }
        }
        // The API server does not say which entry is wrong.
        if given.isEmpty { error(list, FieldError.invalid("", "", "must specify one of: `configMapRef` or `secretRef`").body) }
        if given.count > 1 { error(list, FieldError.invalid("", "", "may not have more than one field specified at a time").body) }
    }

    // MARK: Probes and hooks

    mutating func checkProbe(_ node: YAMLNode) {
        checkHandler(node, of: ["exec", "httpGet", "tcpSocket", "grpc"])
        if let period = node["terminationGracePeriodSeconds"], let seconds = period.scalarText.flatMap({ Int64($0) }), seconds <= 0 {
            error(period, FieldError.invalid("", seconds, "must be greater than 0").body)
        }
    }

    mutating func checkReadinessProbe(_ node: YAMLNode) {
        guard let period = node["terminationGracePeriodSeconds"], !period.isNull else { return }
        error(
            period,
            FieldError.invalid("", period.scalarText ?? "", quoted: false, "must not be set for readinessProbes").body)
    }

    /// One handler must be given; `kinds` are those there are, in the order in which the API server looks at them.
    private mutating func checkHandler(_ node: YAMLNode, of kinds: [String]) {
        let given = kinds.filter { DecodingContext.isGiven(node[$0]) }
        guard let first = given.first, let handler = node[first] else {
            return error(node, FieldError.required("", "must specify a handler type").body)
        }
        for other in given.dropFirst() { error(missing: other, in: node, "Forbidden: may not specify more than 1 handler type") }
        switch first {
        case "exec": if (handler["command"]?.count ?? 0) == 0 { error(missing: "command", in: handler) }
        case "httpGet", "tcpSocket", "grpc": checkPort(of: handler)
        default: break
        }
    }

    /// A number or the name of a port; nothing counts as zero.
    private mutating func checkPort(of handler: YAMLNode) {
        guard let port = handler["port"], let text = port.scalarText, !port.isNull else {
            return error(missing: "port", in: handler, NumberValidation.port(0, at: "")[0].body)
        }
        if port.scalarType == .string {
            refuse(port, NameValidation.portName(text))
        } else if let number = Int32(text) {
            for finding in NumberValidation.port(number, at: "") { error(port, finding.body) }
        }
    }

    // MARK: Mounts, resizing, security

    /// Places where volumes are mounted. About paths in volumes the API server does not say which mount it means.
    mutating func checkMounts(_ mounts: YAMLNode) {
        var paths: Set<String> = []
        for mount in mounts.elements {
            if let place = mount["mountPath"], let path = place.scalarText, !paths.insert(path).inserted {
                error(place, FieldError.invalid("", path, "must be unique").body)
            }
            for field in ["subPath", "subPathExpr"] {
                let path = mount[field]?.scalarText ?? ""
                if !path.isEmpty { refuse(missing: field, in: mounts, path, PathValidation.localDescending(path)) }
            }
            let supported = ["Bidirectional", "HostToContainer", "None"]
            if let propagation = mount["mountPropagation"]?.scalarText, !propagation.isEmpty, !supported.contains(propagation) {
                error(missing: "mountPropagation", in: mounts, FieldError.notSupported("", propagation, supported: supported).body)
            }
        }
    }

    private mutating func checkResizePolicies(_ policies: YAMLNode) {
        var seen: Set<String> = []
        for policy in policies.elements {
            for (field, supported) in [
                ("resourceName", ["cpu", "memory"]), ("restartPolicy", ["NotRequired", "RestartContainer"]),
            ] {
                let text = policy[field]?.scalarText ?? ""
                if field == "resourceName", !seen.insert(text).inserted { error(policy, FieldError.duplicate("", text).body) }
                if text.isEmpty {
                    error(policies, FieldError.required("").body)
                } else if !supported.contains(text) {
                    error(policies, FieldError.notSupported("", text, supported: supported).body)
                }
            }
        }
    }

    private mutating func checkSecurityContext(_ node: YAMLNode) {
        checkIdentities(node, ["runAsUser", "runAsGroup"])
        checkSeccompProfile(node["seccompProfile"])
        checkAppArmorProfile(node["appArmorProfile"])
        let procMounts = ["Default", "Unmasked"]
        if let procMount = node["procMount"], let text = procMount.scalarText, !text.isEmpty, !procMounts.contains(text) {
            error(procMount, FieldError.notSupported("", text, supported: procMounts).body)
        }
    }

    /// Users and groups have 31-bit numbers.
    mutating func checkIdentities(_ node: YAMLNode, _ fields: [String]) {
        for field in fields {
            guard let place = node[field], let number = place.scalarText.flatMap({ Int64($0) }) else { continue }
            if !(0...Int64(Int32.max)).contains(number) {
                error(place, FieldError.invalid("", number, "must be between 0 and 2147483647, inclusive").body)
            }
        }
    }

    mutating func checkSeccompProfile(_ node: YAMLNode?) {
        guard let node, !node.isNull else { return }
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        let type = node["type"]?.scalarText ?? ""
        if type.isEmpty {
            error(missing: "type", in: node, FieldError.required("", "type is required when seccompProfile is set").body)
        } else if !types.contains(type) {
            error(missing: "type", in: node, FieldError.notSupported("", type, supported: types).body)
        }
        let profile = node["localhostProfile"].flatMap { $0.isNull ? nil : $0.scalarText }
        if type == "Localhost" {
            if let profile {
                refuse(missing: "localhostProfile", in: node, profile, PathValidation.localDescending(profile))
            } else {
                error(missing: "localhostProfile", in: node, FieldError.required("", "must be set when seccomp type is Localhost").body)
            }
        } else if let profile {
            // The API server shows the whole profile.
            let shown = "{\"Type\":\(JSONText.quoted(type)),\"LocalhostProfile\":\(JSONText.quoted(profile))}"
            error(
                missing: "localhostProfile", in: node,
                FieldError.invalid("", shown, quoted: false, "can only be set when seccomp type is Localhost").body)
        }
    }

    mutating func checkAppArmorProfile(_ node: YAMLNode?) {
        guard let node, !node.isNull else { return }
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        let type = node["type"]?.scalarText ?? ""
        let profile = node["localhostProfile"].flatMap { $0.isNull ? nil : $0.scalarText }
        if type.isEmpty {
            error(missing: "type", in: node, FieldError.required("", "type is required when appArmorProfile is set").body)
        } else if !types.contains(type) {
            error(missing: "type", in: node, FieldError.notSupported("", type, supported: types).body)
        } else if type == "Localhost", (profile ?? "").isEmpty {
            error(missing: "localhostProfile", in: node, FieldError.required("", "must be set when AppArmor type is Localhost").body)
        } else if type != "Localhost", let profile {
            refuse(missing: "localhostProfile", in: node, profile, ["can only be set when AppArmor type is Localhost"])
        }
    }

    // MARK: Reporting

    /// Reports what is wrong with the text at a node.
    mutating func refuse(_ node: YAMLNode, _ messages: [String], value: String? = nil) {
        for message in messages { error(node, FieldError.invalid("", value ?? node.scalarText ?? "", message).body) }
    }

    /// Reports what is wrong with the text of a field, which may be missing.
    mutating func refuse(missing field: String, in node: YAMLNode, _ value: String, _ messages: [String]) {
        for message in messages { error(missing: field, in: node, FieldError.invalid("", value, message).body) }
    }
}

/// What a container may be told of its pod.
private enum DownwardFields {
    static let ofVariables = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    /// Known, but not for variables.
    static let others = ["metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"]
    static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory",
    ]
}

/// The form of paths in manifests.
enum PathValidation {
    /// A path inside a volume.
    static func localDescending(_ path: String) -> [String] {
        (path.hasPrefix("/") ? ["must be a relative path"] : []) + withoutBacksteps(path)
    }

    static func withoutBacksteps(_ path: String) -> [String] {
        path.split(separator: "/").contains("..") ? ["must not contain '..'"] : []
    }
}
