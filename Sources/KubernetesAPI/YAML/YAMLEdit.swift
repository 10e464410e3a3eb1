// Another value in a place of a parsed file: what an experiment's factors do to a scenario before it is read.

extension YAMLFile {
    /// This file with a value in the place of a node, or in a new field below it.
    ///
    /// The value takes over the place's line, so that whatever is wrong with it is reported there. Fields that nobody knows are errors
    /// in it, even where they would be ignored otherwise: a value that changes nothing is a mistake.
    /// - Parameters:
    ///   - target: a node of this file: what is replaced; with `missing`, a mapping or nothing (null).
    ///   - missing: keys to be added below the target, one inside the other; the first must not be there.
    ///   - value: a node of any file.
    package func edited(_ target: YAMLNode, adding missing: [String] = [], to value: YAMLNode) -> YAMLFile {
        precondition(target.file === self, "a node of another file cannot be edited in this one")
        var edit = YAMLEdit(keys: keys, text: text, line: target.tape.line, column: target.tape.column)
        let start = Int(target.index)
        let adds = !missing.isEmpty && target.kind == .mapping
        if adds {
            edit.append(key: missing[0])
            edit.append(value, below: missing.dropFirst())
        } else {
            edit.append(value, below: missing[...])
        }
        let end = start + target.tape.extent
        var nodes = Array(self.nodes[..<(adds ? end : start)])
        let growth = edit.nodes.count - (adds ? 0 : end - start)
        for index in 0..<start where nodes[index].isCollection && index + nodes[index].extent > start {
            nodes[index].second = UInt32(Int(nodes[index].second) + growth)
        }
        if adds {
            nodes[start].first += 1
            nodes[start].second = UInt32(Int(nodes[start].second) + growth)
        }
        nodes += edit.nodes
        nodes += self.nodes[end...]
        return YAMLFile(
            name: name, nodes: nodes, text: edit.text, keys: edit.keys,
            roots: roots.map { Int($0) > start ? Int32(Int($0) + growth) : $0 }, markedLines: markedLines)
    }
}

/// New nodes for a file's tape.
private struct YAMLEdit {
    var keys: [String]
    var text: [UInt8]
    let line: UInt32
    let column: UInt32
    var nodes: [YAMLTapeNode] = []

    init(keys: [String], text: [UInt8], line: UInt32, column: UInt32) {
        self.keys = keys
        self.text = text
        self.line = line
        self.column = column
    }

    private mutating func add(_ kind: YAMLTapeNode.Kind, _ first: Int, _ second: Int) {
        nodes.append(YAMLTapeNode(first: UInt32(first), second: UInt32(second), line: line, column: column, kind: kind, isEdited: true))
    }

    mutating func append(key: String) {
        let number = keys.firstIndex(of: key) ?? keys.count
        if number == keys.count { keys.append(key) }
        add(.key, number, 0)
    }

    /// A value inside of mappings with one key each.
    mutating func append(_ value: YAMLNode, below missing: ArraySlice<String>) {
        guard let key = missing.first else { return append(value) }
        let start = nodes.count
        add(.mapping, 1, 0)
        append(key: key)
        append(value, below: missing.dropFirst())
        nodes[start].second = UInt32(nodes.count - start)
    }

    private mutating func append(_ value: YAMLNode) {
        for index in Int(value.index)..<Int(value.index) + value.tape.extent {
            let node = value.file.nodes[index]
            switch node.kind {
            case .plain, .quoted:
                add(node.kind, text.count, Int(node.second))
                value.file.withBytes(of: index) { text.append(contentsOf: $0) }
            case .key, .mergeKey: append(key: value.file.keys[Int(node.first)])
            case .sequence, .mapping: add(node.kind, Int(node.first), Int(node.second))
            }
        }
    }
}
