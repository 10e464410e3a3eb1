// Checks of those fields of pod specs, and of volumes, that have no effect in the simulator; see ContainerChecks.swift.

extension DecodingContext {
    /// `isTemplate`: the spec is that of pods to be made.
    mutating func checkUnmodelled(podSpec node: YAMLNode, isTemplate: Bool) {
        for container in DecodingContext.elements(node["initContainers"]) {
            guard let lifecycle = container["lifecycle"], !lifecycle.isNull, container["restartPolicy"]?.scalarText != "Always" else {
                continue
            }
            error(lifecycle, FieldError.forbidden("", "may not be set for init containers without restartPolicy=Always").body)
        }
        if let debuggers = node["ephemeralContainers"], debuggers.count > 0 {
            let problem = isTemplate ? "ephemeral containers not allowed in pod template" : "cannot be set on create"
            error(debuggers, FieldError.forbidden("", problem).body)
        }
        checkNameResolution(node)
        if let place = node["shareProcessNamespace"], place.scalarText == "true", node["hostPID"]?.scalarText == "true" {
            error(
                place,
                FieldError.invalid("", "true", quoted: false, "ShareProcessNamespace and HostPID cannot both be enabled").body)
        }
        if let security = node["securityContext"], !security.isNull { checkSecurityContext(ofPod: security) }
        for alias in DecodingContext.elements(node["hostAliases"]) {
            checkAddress("ip", of: alias)
            for name in DecodingContext.elements(alias["hostnames"]) {
                refuse(name, NameValidation.dns1123Subdomain(name.scalarText ?? ""))
            }
        }
        if let system = node["os"], !system.isNull {
            let name = system["name"]?.scalarText ?? ""
            if name.isEmpty {
                error(missing: "name", in: system, FieldError.required("", "cannot be empty").body)
            } else if name != "linux", name != "windows" {
                error(missing: "name", in: system, FieldError.notSupported("", name, supported: ["linux", "windows"]).body)
            }
        }
    }

    private static let mostNameservers = 3
    private static let mostSearchDomains = 32

    private mutating func checkNameResolution(_ node: YAMLNode) {
        let config = node["dnsConfig"].flatMap { $0.isNull ? nil : $0 }
        let servers = config?["nameservers"]
        if node["dnsPolicy"]?.scalarText == "None" {
            guard let config else {
                return error(
                    missing: "dnsConfig", in: node,
                    FieldError.required("", "must provide `dnsConfig` when `dnsPolicy` is None").body)
            }
            if (servers?.count ?? 0) == 0 {
                return error(
                    missing: "nameservers", in: config,
                    FieldError.required("", "must provide at least one DNS nameserver when `dnsPolicy` is None").body)
            }
        }
        for (list, limit, name) in [
            (servers, DecodingContext.mostNameservers, "nameservers"),
            (config?["searches"], DecodingContext.mostSearchDomains, "search paths"),
        ] {
            guard let list, list.count > limit else { continue }
            let texts = list.elements.map { $0.scalarText ?? "" }
            error(list, FieldError.invalid("", texts, "must not have more than \(limit) \(name)").body)
        }
        for server in DecodingContext.elements(servers) where !IPAddressText.isValid(server.scalarText ?? "") {
            refuse(server, [IPAddressText.form])
        }
        for option in DecodingContext.elements(config?["options"]) where (option["name"]?.scalarText ?? "").isEmpty {
            error(option, FieldError.required("", "must not be empty").body)
        }
    }

    private mutating func checkAddress(_ field: String, of node: YAMLNode) {
        let address = node[field]?.scalarText ?? ""
        if !IPAddressText.isValid(address) { refuse(missing: field, in: node, address, [IPAddressText.form]) }
    }

    private mutating func checkSecurityContext(ofPod node: YAMLNode) {
        checkIdentities(node, ["fsGroup", "runAsUser", "runAsGroup"])
        for group in DecodingContext.elements(node["supplementalGroups"]) {
            guard let number = group.scalarText.flatMap({ Int64($0) }), !(0...Int64(Int32.max)).contains(number) else { continue }
            error(group, FieldError.invalid("", number, "must be between 0 and 2147483647, inclusive").body)
        }
        let policies = ["Always", "OnRootMismatch"]
        if let policy = node["fsGroupChangePolicy"], let text = policy.scalarText, !policy.isNull, !policies.contains(text) {
            error(policy, FieldError.notSupported("", text, supported: policies).body)
        }
        checkSeccompProfile(node["seccompProfile"])
        checkAppArmorProfile(node["appArmorProfile"])
    }

    // MARK: Volumes

    /// The kinds of volumes in the order in which the API server looks at them.
    private static let volumeSources = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi", "glusterfs", "flocker",
        "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc", "flexVolume", "configMap", "azureFile",
        "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral",
        "image",
    ]

    mutating func checkVolume(_ node: YAMLNode) {
        let given = DecodingContext.volumeSources.filter { DecodingContext.isGiven(node[$0]) }
        for other in given.dropFirst() { error(missing: other, in: node, "Forbidden: may not specify more than 1 volume type") }
        guard let kind = given.first, let source = node[kind] else { return }
        switch kind {
        case "emptyDir":
            if let limit = source["sizeLimit"], limit.scalarText?.hasPrefix("-") ?? false {
                error(limit, FieldError.forbidden("", "SizeLimit field must be a valid resource quantity").body)
            }
        case "hostPath": checkHostPath(source)
        case "secret": checkFiles(of: source, named: "secretName")
        case "configMap": checkFiles(of: source, named: "name")
        case "nfs":
            let path = source["path"]?.scalarText ?? ""
            require("server", of: source)
            require("path", of: source)
            if !path.hasPrefix("/") { refuse(missing: "path", in: source, path, ["must be an absolute path"]) }
        case "csi": require("driver", of: source)
        default: break
        }
    }

    private mutating func checkHostPath(_ source: YAMLNode) {
        let path = source["path"]?.scalarText ?? ""
        if path.isEmpty { return error(missing: "path", in: source) }
        refuse(missing: "path", in: source, path, PathValidation.withoutBacksteps(path))
        let types = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"]
        if let type = source["type"], let text = type.scalarText, !type.isNull, !types.contains(text) {
            error(type, FieldError.notSupported("", text, supported: types).body)
        }
    }

    /// Volumes whose files come from another object.
    private mutating func checkFiles(of source: YAMLNode, named field: String) {
        require(field, of: source)
        checkMode("defaultMode", of: source)
        for item in DecodingContext.elements(source["items"]) {
            require("key", of: item)
            require("path", of: item)
            checkMode("mode", of: item)
        }
    }

    private mutating func checkMode(_ field: String, of node: YAMLNode) {
        guard let place = node[field], let mode = place.scalarText.flatMap({ Int32($0) }), !(0...0o777).contains(mode) else { return }
        error(place, FieldError.invalid("", mode, "must be a number between 0 and 0777 (octal), both inclusive").body)
    }

    private mutating func require(_ field: String, of node: YAMLNode) {
        if (node[field]?.scalarText ?? "").isEmpty { error(missing: field, in: node) }
    }
}
