// Reading label maps and resource lists.

extension Labels: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Labels? {
        guard node.tape.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        var labels = Labels()
        labels.reserveCapacity(node.count)
        for (key, value) in node.entries {
            if value.tape.kind == .quoted || (value.tape.kind == .plain && value.scalarType == .string) {
                labels.append(key, value.text)
            } else if value.isNull {
                // Go's map decoding keeps the key with the zero value.
                labels.append(key, "")
            } else {
                context.expect("string", value, inMap: true)
            }
        }
        return labels
    }
}

extension ResourceList: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ResourceList? {
        guard node.tape.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        var list = ResourceList()
        for (key, value) in node.entries {
            if value.isNull {
                list[ResourceName(key)] = .zero
            } else if let quantity = Quantity.decode(value, &context, inMap: true) {
                list[ResourceName(key)] = quantity
            }
        }
        return list
    }
}
