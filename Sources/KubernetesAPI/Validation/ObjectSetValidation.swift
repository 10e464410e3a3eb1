// Checks of a set of objects as a whole: what no single object shows.

extension ManifestLoader {
    /// Finds names given twice and owners that own each other.
    public static func check(_ objects: [LoadedObject]) -> [Diagnostic] {
        duplicates(in: objects) + ownerCycles(in: objects)
    }

    private static func duplicates(in objects: [LoadedObject]) -> [Diagnostic] {
        var first: [ObjectKey: Int] = [:]
        var findings: [Diagnostic] = []
        for (index, loaded) in objects.enumerated() {
            // The API server makes up the name.
            if loaded.object.metadata.name.isEmpty { continue }
            guard let other = first[loaded.object.key] else {
                first[loaded.object.key] = index
                continue
            }
            let metadata = loaded.object.metadata
            let place = "\(objects[other].file):\(objects[other].line)"
            findings.append(
                Diagnostic(
                    severity: .error, file: loaded.file, line: loaded.line, field: "metadata.name",
                    message: "Duplicate value: \(GoText.quoted(metadata.name)): \(loaded.object.kindName) \(metadata.key) is already "
                        + "defined at \(place)"))
        }
        return findings
    }

    /// Follows owner references; an object that owns itself, however indirectly, would never be collected.
    private static func ownerCycles(in objects: [LoadedObject]) -> [Diagnostic] {
        var byUID: [UID: Int] = [:]
        for (index, loaded) in objects.enumerated() where !loaded.object.metadata.uid.text.isEmpty {
            byUID[loaded.object.metadata.uid] = index
        }
        var state = [Visit](repeating: .new, count: objects.count)
        var findings: [Diagnostic] = []
        for start in objects.indices where state[start] == .new && objects[start].ownersLine > 0 {
            // Depth first without recursion: chains of owners may be long.
            var path = [(object: start, nextOwner: 0)]
            state[start] = .open
            while let top = path.last {
                let owners = objects[top.object].object.metadata.ownerReferences
                guard top.nextOwner < owners.count else {
                    state[top.object] = .done
                    path.removeLast()
                    continue
                }
                path[path.count - 1].nextOwner += 1
                guard let owner = byUID[owners[top.nextOwner].uid] else { continue }
                if state[owner] == .new {
                    state[owner] = .open
                    path.append((owner, 0))
                } else if state[owner] == .open, let begin = path.firstIndex(where: { $0.object == owner }) {
                    findings.append(cycle(path[begin...].map(\.object), in: objects))
                }
            }
        }
        return findings
    }

    private enum Visit { case new, open, done }

    private static func cycle(_ members: [Int], in objects: [LoadedObject]) -> Diagnostic {
        let names = (members + members.prefix(1)).map { "\(objects[$0].object.kindName) \(objects[$0].object.metadata.key)" }
        let last = objects[members[members.count - 1]]
        return Diagnostic(
            severity: .error, file: last.file, line: last.ownersLine, field: "metadata.ownerReferences",
            message: "Invalid value: owners must not form a cycle: " + names.joined(separator: " is owned by "))
    }
}
