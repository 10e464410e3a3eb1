// Reading StorageClasses, CSINodes, CSIDrivers, CSIStorageCapacities and VolumeAttachments.

extension StorageClass: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> StorageClass? {
        var result = StorageClass(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "provisioner": context.read(value, into: &result.provisioner)
            case "reclaimPolicy":
                if value.scalarText != "" { context.choose(value, into: &result.reclaimPolicy, of: ["Delete", "Retain"]) }
            case "volumeBindingMode":
                if value.scalarText != "" {
                    context.choose(value, into: &result.volumeBindingMode, of: ["Immediate", "WaitForFirstConsumer"])
                }
            case "allowVolumeExpansion": context.read(value, into: &result.allowVolumeExpansion)
            case "allowedTopologies": context.read(value, into: &result.allowedTopologies)
            default: return context.ignored(field, value, of: "StorageClass")
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension TopologySelectorTerm: YAMLFields {
    package init() { self.init(requirements: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        guard field == "matchLabelExpressions" else { return false }
        context.read(value, into: &requirements)
        return true
    }
}

extension TopologySelectorTerm.Requirement: YAMLFields {
    package init() { self.init(key: "", values: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "key": context.read(value, into: &key)
        case "values": context.read(value, into: &values)
        default: return false
        }
        return true
    }
}

extension CSINode: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> CSINode? {
        var result = CSINode(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            guard field == "spec" else { return false }
            context.fields(value) { field, value, context in
                guard field == "drivers" else { return false }
                if !value.isNull { context.read(value, into: &result.drivers) }
                return true
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension CSINode.Driver: YAMLFields {
    package init() { self.init(name: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "nodeID": context.read(value, into: &nodeID)
        case "topologyKeys": if !value.isNull { context.read(value, into: &topologyKeys) }
        case "allocatable":
            if value.isNull { break }
            context.fields(value) { field, value, context in
                guard field == "count" else { return false }
                context.read(value, into: &volumeLimit)
                return true
            }
        default: return false
        }
        return true
    }
}

extension CSIDriver: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> CSIDriver? {
        var result = CSIDriver(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            guard field == "spec" else { return false }
            context.fields(value) { field, value, context in
                switch field {
                case "attachRequired": context.read(value, into: &result.attachRequired)
                case "storageCapacity": context.read(value, into: &result.storageCapacity)
                default: return context.ignored(field, value, of: "CSIDriverSpec")
                }
                return true
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension CSIStorageCapacity: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> CSIStorageCapacity? {
        var result = CSIStorageCapacity(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "nodeTopology": context.read(value, into: &result.nodeTopology)
            case "storageClassName": context.read(value, into: &result.storageClassName)
            case "capacity": context.read(value, into: &result.capacity)
            case "maximumVolumeSize": context.read(value, into: &result.maximumVolumeSize)
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension VolumeAttachment: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> VolumeAttachment? {
        var result = VolumeAttachment(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.fields(value) { field, value, context in result.decode(spec: field, value, &context) }
            case "status":
                context.fields(value) { field, value, context in
                    guard field == "attached" else {
                        guard context.ignored(field, value, of: "VolumeAttachmentStatus") else { return false }
                        if field == "attachError" { result.attachError = value["message"]?.scalarText ?? "" }
                        return true
                    }
                    context.read(value, into: &result.isAttached)
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }

    private mutating func decode(spec field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "attacher": context.read(value, into: &attacher)
        case "nodeName": context.read(value, into: &nodeName)
        case "source":
            context.fields(value) { field, value, context in
                switch field {
                case "persistentVolumeName": context.read(value, into: &persistentVolumeName)
                case "inlineVolumeSpec": break
                default: return false
                }
                return true
            }
        default: return false
        }
        return true
    }
}
