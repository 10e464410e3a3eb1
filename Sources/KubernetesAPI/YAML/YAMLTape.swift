// The parsed form of a file: one flat array of small nodes in document order, and one buffer with all scalar text.
//
// A tree of objects would cost an allocation per node. Here a node is 20 bytes in an array: a collection is followed by its
// contents and knows how many places they take, so skipping to the next sibling is an addition, and copying a subtree (for
// aliases) is copying a range. Keys are stored once per file.

/// The nodes and texts of one parsed file; immutable once built.
package final class YAMLFile: Sendable {
    /// The name used in messages.
    package let name: String
    let nodes: [YAMLTapeNode]
    let text: [UInt8]
    let keys: [String]
    let roots: [Int32]
    /// Lines whose columns were shifted by a document marker put in front (JSON Lines), in order.
    let markedLines: [UInt32]

    init(name: String, nodes: [YAMLTapeNode], text: [UInt8], keys: [String], roots: [Int32], markedLines: [UInt32]) {
        self.name = name
        self.nodes = nodes
        self.text = text
        self.keys = keys
        self.roots = roots
        self.markedLines = markedLines
    }

    /// The documents that are not empty, in order.
    package var documents: [YAMLNode] { roots.map { YAMLNode(file: self, index: $0) } }

    /// The column as the user counts it, from 1.
    func column(of index: Int) -> Int {
        let node = nodes[index]
        return JSONPreparation.userColumn(Int(node.column), line: node.line, markedLines: markedLines)
    }

    /// The bytes of a scalar.
    @inline(__always)
    func withBytes<Result>(of index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let node = nodes[index]
        return text.withUnsafeBufferPointer { all in
            body(UnsafeBufferPointer(rebasing: all[Int(node.first)..<Int(node.first) + Int(node.second)]))
        }
    }

    /// The path of a node below `root`, such as `spec.containers[0].image`.
    ///
    /// Found by walking down from the root: paths cost nothing until somebody asks. `inMap` writes the last component as the key
    /// of a map, `requests[cpu]`.
    func path(from root: Int, to target: Int, inMap: Bool) -> String {
        var path = ""
        var current = root
        while current != target {
            guard let step = child(of: current, containing: target) else { return path }
            switch step.component {
            case .index(let position): path += "[\(position)]"
            case .key(let key):
                let isLast = step.index == target || step.endsAtKey
                if inMap, isLast {
                    path += "[\(key)]"
                } else {
                    path += path.isEmpty ? key : "." + key
                }
            }
            if step.endsAtKey { return path }
            current = step.index
        }
        return path
    }

    private enum PathComponent {
        case index(Int)
        case key(String)
    }

    private func child(of parent: Int, containing target: Int) -> (index: Int, component: PathComponent, endsAtKey: Bool)? {
        let node = nodes[parent]
        let end = parent + node.extent
        var index = parent + 1
        var position = 0
        while index < end {
            var component = PathComponent.index(position)
            if node.kind == .mapping {
                component = .key(keys[Int(nodes[index].first)])
                if index == target { return (index, component, true) }
                index += 1
            }
            let next = index + nodes[index].extent
            if target < next { return (index, component, false) }
            index = next
            position += 1
        }
        return nil
    }
}

/// One place on the tape.
struct YAMLTapeNode {
    enum Kind: UInt8 {
        /// A scalar without quotes: its text decides its type.
        case plain
        /// A scalar in quotes or a block: always a string.
        case quoted
        case sequence
        case mapping
        /// The key of the mapping entry whose value is the next node.
        case key
        /// The key `<<` without quotes.
        case mergeKey
    }

    /// Scalars: offset in the text. Keys: number of the key. Collections: number of elements or entries.
    var first: UInt32
    /// Scalars: length of the text. Collections: places on the tape, this one included.
    var second: UInt32
    /// From 1.
    var line: UInt32
    /// From 1.
    var column: UInt32
    var kind: Kind
    /// Whether it was put in the place of what the file has.
    var isEdited = false

    var isCollection: Bool { kind == .sequence || kind == .mapping }

    /// How many places the node takes with all its contents.
    var extent: Int { isCollection ? Int(second) : 1 }
}
