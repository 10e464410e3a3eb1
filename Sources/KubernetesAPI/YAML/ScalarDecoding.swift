// How the simple types of the API are read, with the API server's strictness: a number is no string, a string no number.

extension String: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> String? {
        switch node.tape.kind {
        case .quoted: return node.text
        case .plain where node.scalarType == .string: return node.text
        default:
            context.expect("string", node)
            return nil
        }
    }
}

extension Bool: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Bool? {
        if node.tape.kind == .plain, node.scalarType == .bool { return YAMLScalarType.bool(node.text) }
        context.expect("boolean", node)
        return nil
    }
}

extension Int64: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Int64? { integer(node, &context) }
}

extension Int32: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Int32? { integer(node, &context) }
}

extension Int: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Int? { integer(node, &context) }
}

extension UInt64: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> UInt64? { integer(node, &context) }
}

/// A whole number that fits the type. A decimal that happens to be whole (`1e3`, `2.0`) counts, as JSON numbers do in Go's YAML.
private func integer<Value: FixedWidthInteger>(_ node: YAMLNode, _ context: inout DecodingContext) -> Value? {
    guard node.tape.kind == .plain else {
        context.expect("integer", node)
        return nil
    }
    switch node.scalarType {
    case .int:
        if let number = node.file.withBytes(of: Int(node.index), YAMLScalarType.integer), let value = Value(exactly: number) {
            return value
        }
    case .float:
        if let number = Double(node.text), let value = Value(exactly: number) { return value }
        context.error(node, "invalid type: got \"number\", expected \"integer\"")
        return nil
    default:
        context.expect("integer", node)
        return nil
    }
    context.error(node, "number \(node.text) is out of range: expected \(Value.min) to \(Value.max)")
    return nil
}

extension Double: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Double? {
        if node.tape.kind == .plain {
            switch node.scalarType {
            case .int: return node.file.withBytes(of: Int(node.index), YAMLScalarType.integer).map { Double($0) }
            case .float:
                if let value = Double(node.text), value.isFinite { return value }
                context.error(node, "number \(node.text) is not a finite number")
                return nil
            default: break
            }
        }
        context.expect("number", node)
        return nil
    }
}

extension IntOrString: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> IntOrString? {
        if node.tape.kind == .plain {
            switch node.scalarType {
            case .int, .float: return Int32.decode(node, &context).map { .int($0) }
            case .string: return .string(node.text)
            default: break
            }
        } else if node.tape.kind == .quoted {
            return .string(node.text)
        }
        context.expect("integer or string", node)
        return nil
    }
}

extension Quantity: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Quantity? {
        decode(node, &context, inMap: false)
    }

    /// Reads a quantity from a string or a number; `inMap` says how its path is written.
    static func decode(_ node: YAMLNode, _ context: inout DecodingContext, inMap: Bool) -> Quantity? {
        guard node.kind == .scalar else {
            context.expect("quantity", node, inMap: inMap)
            return nil
        }
        let type = node.scalarType
        if type == .null { return nil }
        if type == .bool {
            context.expect("quantity", node, inMap: inMap)
            return nil
        }
        do throws(QuantityError) {
            if type == .int || type == .float { return try Quantity(text: numberText(node, type)) }
            var result: Result<Quantity, QuantityError> = .failure(.wrongFormat)
            node.file.withBytes(of: Int(node.index)) { bytes in
                result = Result { () throws(QuantityError) in try Quantity(utf8: bytes) }
            }
            return try result.get()
        } catch {
            context.error(node, error.description, inMap: inMap)
            return nil
        }
    }

    /// A number as it reaches the API server in JSON: integers in decimal, fractions without trailing zeros.
    private static func numberText(_ node: YAMLNode, _ type: YAMLScalarType) -> String {
        if type == .int, let value = node.file.withBytes(of: Int(node.index), YAMLScalarType.integer) { return String(value) }
        guard let value = Double(node.text) else { return node.text }
        if value == value.rounded(), value.magnitude < 1e21 { return String(Int128(value)) }
        return value.description
    }
}
