// Reads YAML and JSON through libyaml's event interface onto a tape.
//
// libyaml finds the tokens; this file only keeps what they mean: it resolves anchors, aliases and merge keys, refuses duplicate
// keys and unreasonable input, and writes one small node per event.

import CYAML

extension YAMLFile {
    /// Parses a buffer with any number of YAML documents or JSON values.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 (or UTF-16 with a byte order mark) text of at most 2 GiB.
    ///   - name: the name of the file for messages; `.json` and `.jsonl` make sure it is read as JSON.
    /// - Throws: `YAMLError` for the first thing that is not YAML.
    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>, name: String) throws(YAMLError) -> YAMLFile {
        guard bytes.count <= Int(Int32.max) else {
            throw YAMLError(file: name, line: 0, column: 0, message: "is larger than 2 GiB; split it into several files")
        }
        if JSONPreparation.applies(to: bytes, name: name) {
            let prepared = JSONPreparation(bytes)
            return try prepared.output.withUnsafeBufferPointer { buffer throws(YAMLError) in
                try YAMLTapeBuilder.build(buffer, name: name, markedLines: prepared.markedLines)
            }
        }
        return try YAMLTapeBuilder.build(bytes, name: name, markedLines: [])
    }

    /// Parses an array of bytes.
    package static func parse(_ bytes: [UInt8], name: String) throws(YAMLError) -> YAMLFile {
        try bytes.withUnsafeBufferPointer { buffer throws(YAMLError) in try parse(buffer, name: name) }
    }

    /// Parses a string.
    package static func parse(_ text: String, name: String) throws(YAMLError) -> YAMLFile {
        try parse(Array(text.utf8), name: name)
    }
}

/// Turns libyaml's events into a tape.
private struct YAMLTapeBuilder {
    /// Deeper nesting than any API object needs; bounds libyaml's work, which grows with the depth.
    private static let maximumDepth = 256
    /// Nodes that aliases and merge keys may add to a file.
    private static let maximumExpansion = 1_000_000

    private struct Frame {
        /// Where the collection starts on the tape.
        let start: Int
        let isMapping: Bool
        var count: UInt32 = 0
        /// In mappings: whether the next scalar is a key.
        var expectsKey: Bool
        var hasMergeKey = false
        var anchor: String?
    }

    private let name: String
    private let markedLines: [UInt32]
    private var nodes: [YAMLTapeNode] = []
    private var text: [UInt8] = []
    private var keys = YAMLKeyTable()
    private var roots: [Int32] = []
    private var stack: [Frame] = []
    /// Finished anchors of the current document: where their node is on the tape. Looked up, never iterated.
    private var anchors: [String: Int] = [:]
    private var expanded = 0
    /// Per key: the mapping it was last seen in and where, to find keys given twice.
    private var lastSeen: [(mapping: Int32, place: Int32)] = []

    private init(name: String, markedLines: [UInt32]) {
        self.name = name
        self.markedLines = markedLines
    }

    static func build(_ bytes: UnsafeBufferPointer<UInt8>, name: String, markedLines: [UInt32]) throws(YAMLError) -> YAMLFile {
        var builder = YAMLTapeBuilder(name: name, markedLines: markedLines)
        try builder.refuseZeroBytes(bytes)
        builder.nodes.reserveCapacity(bytes.count / 12)
        builder.text.reserveCapacity(bytes.count / 3)
        try builder.run(bytes)
        return YAMLFile(
            name: name, nodes: builder.nodes, text: builder.text, keys: builder.keys.keys, roots: builder.roots,
            markedLines: markedLines)
    }

    // MARK: Events

    private mutating func run(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else {
            throw YAMLError(file: name, line: 0, column: 0, message: "no memory to read it")
        }
        defer { yaml_parser_delete(&parser) }
        var empty: UInt8 = 0
        try withUnsafePointer(to: &empty) { placeholder throws(YAMLError) in
            yaml_parser_set_input_string(&parser, bytes.baseAddress ?? placeholder, bytes.count)
            var event = yaml_event_t()
            while true {
                guard yaml_parser_parse(&parser, &event) == 1 else { throw syntaxError(parser, bytes) }
                defer { yaml_event_delete(&event) }
                if event.type == YAML_STREAM_END_EVENT { return }
                try handle(&event)
            }
        }
    }

    private mutating func handle(_ event: inout yaml_event_t) throws(YAMLError) {
        switch event.type {
        case YAML_SCALAR_EVENT: try scalar(event)
        case YAML_MAPPING_START_EVENT:
            try open(event, isMapping: true, anchor: event.data.mapping_start.anchor)
        case YAML_SEQUENCE_START_EVENT:
            try open(event, isMapping: false, anchor: event.data.sequence_start.anchor)
        case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: try close()
        case YAML_ALIAS_EVENT: try alias(event)
        case YAML_DOCUMENT_START_EVENT:
            anchors.removeAll(keepingCapacity: true)
            roots.append(Int32(nodes.count))
        case YAML_DOCUMENT_END_EVENT:
            // A document without content is no document.
            if let root = roots.last, nodes.count == Int(root) + 1, isNull(nodes[Int(root)]) { roots.removeLast() }
        default: break
        }
    }

    private func isNull(_ node: YAMLTapeNode) -> Bool {
        guard node.kind == .plain else { return false }
        return text.withUnsafeBufferPointer {
            YAMLScalarType(UnsafeBufferPointer(rebasing: $0[Int(node.first)..<Int(node.first) + Int(node.second)])) == .null
        }
    }

    private mutating func scalar(_ event: yaml_event_t) throws(YAMLError) {
        let value = UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)
        let isPlain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !hasStringTag(event.data.scalar.tag)
        if let anchor = event.data.scalar.anchor { anchors[String(cString: anchor)] = nodes.count }
        var node = YAMLTapeNode(
            first: 0, second: 0, line: UInt32(truncatingIfNeeded: event.start_mark.line + 1),
            column: UInt32(truncatingIfNeeded: event.start_mark.column + 1), kind: isPlain ? .plain : .quoted)
        if let frame = stack.last, frame.expectsKey {
            appendKey(value, isPlain: isPlain, &node)
            return
        }
        node.first = UInt32(text.count)
        node.second = UInt32(value.count)
        text.append(contentsOf: value)
        nodes.append(node)
        finishedValue()
    }

    private mutating func appendKey(_ value: UnsafeBufferPointer<UInt8>, isPlain: Bool, _ node: inout YAMLTapeNode) {
        node.first = keys.number(of: value)
        let isMerge = isPlain && value.count == 2 && value[0] == UInt8(ascii: "<") && value[1] == UInt8(ascii: "<")
        node.kind = isMerge ? .mergeKey : .key
        nodes.append(node)
        let top = stack.count - 1
        stack[top].expectsKey = false
        if isMerge { stack[top].hasMergeKey = true }
    }

    /// The tag !!str makes a string of a scalar without quotes.
    private func hasStringTag(_ tag: UnsafeMutablePointer<yaml_char_t>?) -> Bool {
        guard let tag else { return false }
        let name = String(cString: tag)
        return name == "tag:yaml.org,2002:str" || name == "!"
    }

    private mutating func open(_ event: yaml_event_t, isMapping: Bool, anchor: UnsafeMutablePointer<yaml_char_t>?) throws(YAMLError) {
        let line = event.start_mark.line + 1
        let column = event.start_mark.column + 1
        if let frame = stack.last, frame.expectsKey {
            throw error(line, column, "a key must be a scalar, not a \(isMapping ? "mapping" : "sequence")")
        }
        guard stack.count < YAMLTapeBuilder.maximumDepth else {
            throw error(line, column, "is nested more than \(YAMLTapeBuilder.maximumDepth) levels deep")
        }
        stack.append(
            Frame(start: nodes.count, isMapping: isMapping, expectsKey: isMapping, anchor: anchor.map { String(cString: $0) }))
        nodes.append(
            YAMLTapeNode(
                first: 0, second: 0, line: UInt32(truncatingIfNeeded: line), column: UInt32(truncatingIfNeeded: column),
                kind: isMapping ? .mapping : .sequence))
    }

    private mutating func close() throws(YAMLError) {
        guard let frame = stack.popLast() else { return }
        nodes[frame.start].first = frame.count
        nodes[frame.start].second = UInt32(nodes.count - frame.start)
        if frame.isMapping {
            try refuseDuplicates(frame.start)
            if frame.hasMergeKey { try merge(frame.start) }
        }
        if let anchor = frame.anchor { anchors[anchor] = frame.start }
        finishedValue()
    }

    private mutating func finishedValue() {
        guard !stack.isEmpty else { return }
        let top = stack.count - 1
        stack[top].count += 1
        if stack[top].isMapping { stack[top].expectsKey = true }
    }

    // MARK: Duplicates, aliases, merge keys

    private mutating func refuseDuplicates(_ mapping: Int) throws(YAMLError) {
        if lastSeen.count < keys.keys.count {
            lastSeen += Array(repeating: (mapping: -1, place: 0), count: keys.keys.count - lastSeen.count)
        }
        var index = mapping + 1
        while index < nodes.count {
            let key = Int(nodes[index].first)
            if lastSeen[key].mapping == Int32(mapping) {
                let first = nodes[Int(lastSeen[key].place)]
                throw error(
                    Int(nodes[index].line), Int(nodes[index].column),
                    "key \(GoText.quoted(keys.keys[key])) is already set in this mapping, on line \(first.line)")
            }
            lastSeen[key] = (Int32(mapping), Int32(index))
            index += 1 + nodes[index + 1].extent
        }
    }

    private mutating func alias(_ event: yaml_event_t) throws(YAMLError) {
        let line = event.start_mark.line + 1
        let column = event.start_mark.column + 1
        let anchor = String(cString: event.data.alias.anchor)
        guard let target = anchors[anchor] else {
            let isOpen = stack.contains { $0.anchor == anchor }
            throw error(
                line, column, isOpen ? "alias *\(anchor) stands inside its own anchor" : "there is no anchor &\(anchor) before this alias")
        }
        var node = nodes[target]
        if let frame = stack.last, frame.expectsKey {
            guard !node.isCollection else { throw error(line, column, "a key must be a scalar, and *\(anchor) is none") }
            (node.line, node.column) = (UInt32(line), UInt32(column))
            if node.kind == .key || node.kind == .mergeKey {
                nodes.append(node)
                stack[stack.count - 1].expectsKey = false
            } else {
                let bytes = Array(text[Int(node.first)..<Int(node.first) + Int(node.second)])
                bytes.withUnsafeBufferPointer { appendKey($0, isPlain: false, &node) }
            }
            return
        }
        if node.kind == .key || node.kind == .mergeKey {
            let bytes = Array(keys.keys[Int(node.first)].utf8)
            try count(expansion: 1 + bytes.count / MemoryLayout<YAMLTapeNode>.stride, line, column)
            (node.first, node.second, node.kind) = (UInt32(text.count), UInt32(bytes.count), .plain)
            text += bytes
            nodes.append(node)
        } else {
            try count(expansion: node.extent, line, column)
            nodes.append(contentsOf: Array(nodes[target..<target + node.extent]))
        }
        finishedValue()
    }

    private mutating func count(expansion: Int, _ line: Int, _ column: Int) throws(YAMLError) {
        expanded += expansion
        guard expanded <= YAMLTapeBuilder.maximumExpansion else {
            throw error(line, column, "aliases expand to more than \(YAMLTapeBuilder.maximumExpansion) nodes")
        }
    }

    /// Replaces the `<<` entry of the mapping at the end of the tape by the entries it names; the mapping's own keys win, and
    /// of several mappings merged the earlier one.
    private mutating func merge(_ mapping: Int) throws(YAMLError) {
        let old = Array(nodes[mapping...])
        var taken: Set<UInt32> = []
        var index = 1
        while index < old.count {
            if old[index].kind != .mergeKey { taken.insert(old[index].first) }
            index += 1 + old[index + 1].extent
        }
        nodes.removeLast(old.count - 1)
        var count: UInt32 = 0
        index = 1
        while index < old.count {
            let end = index + 1 + old[index + 1].extent
            if old[index].kind != .mergeKey {
                nodes += old[index..<end]
                count += 1
            } else {
                let place = old[index]
                for source in try mergeSources(old, at: index + 1, place) {
                    var entry = source + 1
                    while entry < source + old[source].extent {
                        let entryEnd = entry + 1 + old[entry + 1].extent
                        if taken.insert(old[entry].first).inserted {
                            try self.count(expansion: entryEnd - entry, Int(place.line), Int(place.column))
                            nodes += old[entry..<entryEnd]
                            count += 1
                        }
                        entry = entryEnd
                    }
                }
            }
            index = end
        }
        nodes[mapping].first = count
        nodes[mapping].second = UInt32(nodes.count - mapping)
    }

    /// Where the mappings named by a merge key start: the value itself or the elements of a sequence.
    private func mergeSources(_ tape: [YAMLTapeNode], at value: Int, _ place: YAMLTapeNode) throws(YAMLError) -> [Int] {
        if tape[value].kind == .mapping { return [value] }
        var sources: [Int] = []
        var index = value + 1
        while tape[value].kind == .sequence, index < value + tape[value].extent {
            guard tape[index].kind == .mapping else { break }
            sources.append(index)
            index += tape[index].extent
        }
        guard tape[value].kind == .sequence, index == value + tape[value].extent else {
            throw error(Int(place.line), Int(place.column), "the value of a merge key must be a mapping or a sequence of mappings")
        }
        return sources
    }

    // MARK: Errors

    private func error(_ line: Int, _ column: Int, _ message: String) -> YAMLError {
        let shown = JSONPreparation.userColumn(column, line: UInt32(truncatingIfNeeded: line), markedLines: markedLines)
        return YAMLError(file: name, line: line, column: shown, message: message)
    }

    /// libyaml neither accepts zero bytes nor says so clearly.
    private func refuseZeroBytes(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        // UTF-16 text, which libyaml recognises by its byte order mark, is full of them.
        if bytes.count >= 2, (bytes[0], bytes[1]) == (0xFF, 0xFE) || (bytes[0], bytes[1]) == (0xFE, 0xFF) { return }
        guard let base = bytes.baseAddress, let found = memchr(base, 0, bytes.count) else { return }
        let offset = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
        throw error(at: offset, in: bytes, "contains a zero byte, so it is not a text file")
    }

    private func error(at offset: Int, in bytes: UnsafeBufferPointer<UInt8>, _ message: String) -> YAMLError {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return error(line, offset - lineStart + 1, message)
    }

    private func syntaxError(_ parser: yaml_parser_t, _ bytes: UnsafeBufferPointer<UInt8>) -> YAMLError {
        let problem = parser.problem.map { String(cString: $0) } ?? "cannot be read"
        switch parser.error {
        case YAML_READER_ERROR: return error(at: min(Int(parser.problem_offset), bytes.count), in: bytes, problem)
        case YAML_MEMORY_ERROR: return YAMLError(file: name, line: 0, column: 0, message: "no memory to read it")
        default: break
        }
        var message = problem
        if let context = parser.context {
            message += " " + String(cString: context)
            let contextLine = Int(parser.context_mark.line) + 1
            if contextLine != Int(parser.problem_mark.line) + 1, contextLine > 1 || parser.context_mark.index > 0 {
                message += " that starts on line \(contextLine)"
            }
        }
        message += hint(problem, parser.problem_mark, bytes)
        return error(Int(parser.problem_mark.line) + 1, Int(parser.problem_mark.column) + 1, message)
    }

    /// What the usual cause of a problem is, where there is one.
    private func hint(_ problem: String, _ mark: yaml_mark_t, _ bytes: UnsafeBufferPointer<UInt8>) -> String {
        if problem.hasPrefix("mapping values are not allowed") {
            return "; is a line indented wrongly, or a text with \": \" in it not in quotes?"
        }
        if problem.hasPrefix("found character that cannot start any token") {
            let line = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: Int(mark.line) + 1, omittingEmptySubsequences: false)
            guard line.count > Int(mark.line) else { return "" }
            let before = line[Int(mark.line)].prefix(Int(mark.column) + 1)
            return before.contains(UInt8(ascii: "\t")) ? "; YAML is indented with spaces, not with tabs" : ""
        }
        return ""
    }
}
