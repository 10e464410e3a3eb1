// Nodes that are alike for a pod in everything that is judged by comparison with other nodes: they rise and fall together.

/// Numbers for the distinct rows of `depth` values that nodes have: one class for each row.
///
/// Kept as a tree with one level a value, because nodes of one class come one after the other more often than not: each vertex
/// remembers the child asked for last.
struct NodeClasses: Sendable {
    private struct Vertex: Sendable {
        let parent: Int32
        let value: Int64
        var latestValue: Int64 = 0
        var latestChild: Int32 = -1
        /// The class, for vertices of the last level.
        var number: Int32 = -1
    }
    private struct Edge: Hashable, Sendable {
        let parent: Int32
        let value: Int64
    }
    private var vertices: [Vertex] = [Vertex(parent: -1, value: 0)]
    private var children: [Edge: Int32] = [:]
    private let depth: Int
    /// The values of each class, `depth` of them.
    private var values: [Int64] = []
    /// How many nodes are in each class.
    private(set) var memberCounts: [Int32] = []

    /// - Parameter depth: at least 1.
    init(depth: Int) { self.depth = depth }

    var count: Int { memberCounts.count }

    /// Where every row begins.
    static let root: Int32 = 0

    /// The vertex below `parent` for a value.
    mutating func child(of parent: Int32, _ value: Int64) -> Int32 {
        let vertex = vertices[Int(parent)]
        if vertex.latestChild >= 0, vertex.latestValue == value { return vertex.latestChild }
        let edge = Edge(parent: parent, value: value)
        let child: Int32
        if let known = children[edge] {
            child = known
        } else {
            child = Int32(vertices.count)
            vertices.append(Vertex(parent: parent, value: value))
            children[edge] = child
        }
        vertices[Int(parent)].latestValue = value
        vertices[Int(parent)].latestChild = child
        return child
    }

    /// The class that a vertex of the last level stands for.
    mutating func number(of leaf: Int32) -> Int32 {
        let known = vertices[Int(leaf)].number
        if known >= 0 { return known }
        let number = Int32(memberCounts.count)
        vertices[Int(leaf)].number = number
        memberCounts.append(0)
        let start = values.count
        values.append(contentsOf: repeatElement(0, count: depth))
        var vertex = leaf
        for level in stride(from: depth - 1, through: 0, by: -1) {
            values[start + level] = vertices[Int(vertex)].value
            vertex = vertices[Int(vertex)].parent
        }
        return number
    }

    /// The values of a class, level by level.
    func row(_ number: Int) -> ArraySlice<Int64> { values[(number * depth)..<((number + 1) * depth)] }

    /// The value of a class at a level.
    func value(_ number: Int, at level: Int) -> Int64 { values[number * depth + level] }

    mutating func add(_ number: Int32) { memberCounts[Int(number)] += 1 }
    mutating func remove(_ number: Int32) { memberCounts[Int(number)] -= 1 }
}
