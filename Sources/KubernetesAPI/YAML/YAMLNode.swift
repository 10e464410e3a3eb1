// A handle to one node of a parsed file, and iteration over its contents.

/// A node of a parsed YAML or JSON file: a file and a place in it. Cheap to copy.
package struct YAMLNode: Sendable {
    package enum Kind: Sendable { case scalar, sequence, mapping }

    package let file: YAMLFile
    let index: Int32

    var tape: YAMLTapeNode { file.nodes[Int(index)] }

    package var kind: Kind {
        switch tape.kind {
        case .sequence: .sequence
        case .mapping: .mapping
        default: .scalar
        }
    }

    /// The line the node starts on, from 1.
    package var line: Int { Int(tape.line) }
    /// The column the node starts at, from 1.
    package var column: Int { file.column(of: Int(index)) }

    /// Whether this is a scalar that means "nothing": empty without quotes, `~` or `null`.
    package var isNull: Bool { tape.kind == .plain && scalarType == .null }

    /// Whether this is a scalar in quotes or a block, hence a string whatever it says.
    package var isQuoted: Bool { tape.kind == .quoted }

    /// The text of a scalar, whatever its type; nil for collections.
    package var scalarText: String? { kind == .scalar ? text : nil }

    /// The text of a scalar.
    var text: String {
        if tape.kind == .key || tape.kind == .mergeKey { return file.keys[Int(tape.first)] }
        return file.withBytes(of: Int(index)) { String(decoding: $0, as: UTF8.self) }
    }

    /// What the scalar is according to its text and style.
    package var scalarType: YAMLScalarType {
        tape.kind == .plain ? file.withBytes(of: Int(index), YAMLScalarType.init) : .string
    }

    /// The number of elements of a sequence or entries of a mapping; 0 for scalars.
    package var count: Int { tape.isCollection ? Int(tape.first) : 0 }

    /// The elements of a sequence; nothing for other nodes.
    package var elements: Elements { Elements(self) }

    /// The entries of a mapping in the order written; nothing for other nodes.
    package var entries: Entries { Entries(self) }

    /// The value of a key of a mapping, or nil.
    package subscript(key: String) -> YAMLNode? {
        for (name, value) in entries where name == key { return value }
        return nil
    }

    /// An element of a sequence, or nil.
    package subscript(position: Int) -> YAMLNode? {
        var left = position
        for element in elements {
            if left == 0 { return element }
            left -= 1
        }
        return nil
    }

    /// The elements of a sequence in order.
    package struct Elements: Sequence, IteratorProtocol {
        private let file: YAMLFile
        private var index: Int
        private let end: Int

        fileprivate init(_ node: YAMLNode) {
            file = node.file
            index = Int(node.index) + 1
            end = node.tape.kind == .sequence ? Int(node.index) + node.tape.extent : index
        }

        package mutating func next() -> YAMLNode? {
            guard index < end else { return nil }
            let element = YAMLNode(file: file, index: Int32(index))
            index += file.nodes[index].extent
            return element
        }
    }

    /// The entries of a mapping in order.
    package struct Entries: Sequence, IteratorProtocol {
        private let file: YAMLFile
        private var index: Int
        private let end: Int

        fileprivate init(_ node: YAMLNode) {
            file = node.file
            index = Int(node.index) + 1
            end = node.tape.kind == .mapping ? Int(node.index) + node.tape.extent : index
        }

        package mutating func next() -> (key: String, value: YAMLNode)? {
            guard index < end else { return nil }
            let key = file.keys[Int(file.nodes[index].first)]
            let value = YAMLNode(file: file, index: Int32(index + 1))
            index += 1 + file.nodes[index + 1].extent
            return (key, value)
        }
    }
}
