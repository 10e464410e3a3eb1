// Reading PersistentVolumes and PersistentVolumeClaims.

extension DecodingContext {
    /// Reads a list of access modes; those that do not exist are reported.
    fileprivate mutating func readAccessModes(_ node: YAMLNode, into modes: inout [VolumeAccessMode]) {
        elements(node) { element, context in
            guard let text = String.decode(element, &context) else { return }
            if let mode = VolumeAccessMode(rawValue: text) { return modes.append(mode) }
            let supported = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
            // The API server does not say which mode is wrong.
            context.error(node, FieldError.notSupported("", text, supported: supported).body)
        }
    }

    /// Reads one text of a mapping whose other fields have no effect.
    fileprivate func text(_ node: YAMLNode, _ field: String) -> String { node[field]?.scalarText ?? "" }
}

extension PersistentVolume: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PersistentVolume? {
        var result = PersistentVolume(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.read(value, into: &result.spec)
            case "status":
                context.fields(value) { field, value, context in
                    guard field == "phase" else { return context.ignored(field, value, of: "PersistentVolumeStatus") }
                    if value.scalarText != "" {
                        context.choose(value, into: &result.phase, of: ["Available", "Bound", "Failed", "Pending", "Released"])
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension PersistentVolumeSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "capacity": context.read(value, into: &capacity)
        case "accessModes": context.readAccessModes(value, into: &accessModes)
        case "claimRef": context.read(value, into: &claimRef)
        case "storageClassName": context.read(value, into: &storageClassName)
        case "volumeMode": if value.scalarText != "" { context.choose(value, into: &volumeMode, of: ["Block", "Filesystem"]) }
        case "persistentVolumeReclaimPolicy":
            if value.scalarText != "" { context.choose(value, into: &reclaimPolicy, of: ["Delete", "Recycle", "Retain"]) }
        case "volumeAttributesClassName": context.read(value, into: &volumeAttributesClassName)
        case "nodeAffinity":
            context.fields(value) { field, value, context in
                guard field == "required" else { return false }
                context.read(value, into: &nodeAffinity)
                return true
            }
        case "mountOptions": return context.ignored(field, value, of: "PersistentVolumeSpec")
        default:
            guard context.ignored(field, value, of: "PersistentVolumeSpec") else { return false }
            if value.kind == .mapping { source = PersistentVolumeSource(field: field, value, context) }
        }
        return true
    }
}

extension PersistentVolumeSpec.ClaimReference: YAMLFields {
    package init() { self.init(NamespacedName(namespace: "", name: "")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "namespace": context.read(value, into: &name.namespace)
        case "name": context.read(value, into: &name.name)
        case "uid": if let text = String.decode(value, &context) { uid = UID(text) }
        case "kind": return true
        default: return context.ignored(field, value, of: "ObjectReference")
        }
        return true
    }
}

extension PersistentVolumeSource {
    /// The part of a volume source that scheduling looks at; its types have been checked.
    fileprivate init(field: String, _ node: YAMLNode, _ context: DecodingContext) {
        switch field {
        case "csi": self = .csi(driver: context.text(node, "driver"), handle: context.text(node, "volumeHandle"))
        case "awsElasticBlockStore": self = .migrated(.awsElasticBlockStore, id: context.text(node, "volumeID"))
        case "gcePersistentDisk": self = .migrated(.gcePersistentDisk, id: context.text(node, "pdName"))
        case "azureDisk": self = .migrated(.azureDisk, id: context.text(node, "diskURI"))
        case "azureFile": self = .migrated(.azureFile, id: context.text(node, "shareName"))
        case "cinder": self = .migrated(.cinder, id: context.text(node, "volumeID"))
        case "vsphereVolume": self = .migrated(.vsphereVolume, id: context.text(node, "volumePath"))
        case "portworxVolume": self = .migrated(.portworxVolume, id: context.text(node, "volumeID"))
        default: self = .other
        }
    }
}

extension PersistentVolumeClaim: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PersistentVolumeClaim? {
        var result = PersistentVolumeClaim(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.read(value, into: &result.spec)
            case "status":
                context.fields(value) { field, value, context in
                    guard field == "phase" else { return context.ignored(field, value, of: "PersistentVolumeClaimStatus") }
                    if value.scalarText != "" { context.choose(value, into: &result.phase, of: ["Bound", "Lost", "Pending"]) }
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension PersistentVolumeClaimSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "accessModes": context.readAccessModes(value, into: &accessModes)
        case "resources":
            context.fields(value) { field, value, context in
                guard field == "requests" else { return context.ignored(field, value, of: "VolumeResources") }
                context.read(value, into: &requests)
                return true
            }
        case "selector": context.read(value, into: &selector)
        case "storageClassName": context.read(value, into: &storageClassName)
        case "volumeName": context.read(value, into: &volumeName)
        case "volumeMode": if value.scalarText != "" { context.choose(value, into: &volumeMode, of: ["Block", "Filesystem"]) }
        case "volumeAttributesClassName": context.read(value, into: &volumeAttributesClassName)
        case "dataSource", "dataSourceRef":
            guard context.ignored(field, value, of: "PVCSpec") else { return false }
            if !value.isNull { hasDataSource = true }
        default: return false
        }
        return true
    }
}
