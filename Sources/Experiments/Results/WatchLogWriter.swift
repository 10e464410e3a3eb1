// watch.jsonl: every event of the API's watch as a JSON object a line, so that a run can be laid beside a recording of a
// real control plane.

import APIServer
import DiscreteEvents
import KubernetesAPI

enum WatchLogWriter {
    static func write(_ events: [WatchEvent], in folder: String) throws(ResultError) -> WrittenFile {
        var file = try BufferedFile(name: "watch.jsonl", in: folder)
        var rows = 0
        for event in events {
            let fields = WatchedFields.of(event.object)
            var changed: [WatchedFields.Field]
            switch event.change {
            case .added: changed = fields
            case .modified: changed = WatchedFields.difference(from: event.previous.map { WatchedFields.of($0) } ?? [], to: fields)
            case .deleted: changed = []
            }
            // A write that touched nothing shown here is no line, as in the recordings.
            if event.change == .modified, changed.isEmpty { continue }
            file.append("{\"t\":")
            file.withBuffer { Decimal10.append(event.time.nanoseconds / 1_000_000, to: &$0) }
            file.append(",\"ev\":\"")
            file.append(event.change.rawValue)
            file.append("\",\"kind\":")
            file.append(JSONText.quoted(event.object.kindName))
            let metadata = event.object.metadata
            file.append(",\"name\":")
            file.append(event.object.kind == .event ? "\"-\"" : JSONText.quoted(metadata.name))
            if !metadata.namespace.isEmpty {
                file.append(",\"ns\":")
                file.append(JSONText.quoted(metadata.namespace))
            }
            file.append(",\"set\":")
            file.append(text(of: changed))
            if event.change == .deleted, case .pod = event.object {
                file.append(",\"final\":")
                changed = fields.filter { ["phase", "node", "containers"].contains($0.name) }
                file.append(text(of: changed))
            }
            file.append("}\n")
            rows += 1
            file.endOfLine()
        }
        return try file.finish(rows: rows)
    }

    /// A value as JSON.
    static func text(of value: WatchedFields.Value) -> String {
        switch value {
        case .null: "null"
        case .text(let text): JSONText.quoted(text)
        case .integer(let number): String(number)
        case .number(let text): text
        case .boolean(let flag): flag ? "true" : "false"
        case .list(let texts): "[" + texts.map(JSONText.quoted).joined(separator: ",") + "]"
        case .values(let values): "[" + values.map(text(of:)).joined(separator: ",") + "]"
        case .map(let fields): text(of: fields)
        }
    }

    private static func text(of fields: [WatchedFields.Field]) -> String {
        "{" + fields.map { JSONText.quoted($0.name) + ":" + text(of: $0.value) }.joined(separator: ",") + "}"
    }
}
