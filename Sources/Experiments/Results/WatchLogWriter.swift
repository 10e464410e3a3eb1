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
            append(changed, to: &file)
            if event.change == .deleted, case .pod = event.object {
                file.append(",\"final\":")
                changed = fields.filter { ["phase", "node", "containers"].contains($0.name) }
                append(changed, to: &file)
            }
            file.append("}\n")
            rows += 1
            file.endOfLine()
        }
        return try file.finish(rows: rows)
    }

    private static func append(_ fields: [WatchedFields.Field], to file: inout BufferedFile) {
        file.append("{")
        for (index, field) in fields.enumerated() {
            if index > 0 { file.append(",") }
            file.append(JSONText.quoted(field.name))
            file.append(":")
            append(field.value, to: &file)
        }
        file.append("}")
    }

    private static func append(_ value: WatchedFields.Value, to file: inout BufferedFile) {
        switch value {
        case .null: file.append("null")
        case .text(let text): file.append(JSONText.quoted(text))
        case .integer(let number): file.append(String(number))
        case .number(let text): file.append(text)
        case .boolean(let flag): file.append(flag ? "true" : "false")
        case .list(let texts): file.append("[" + texts.map(JSONText.quoted).joined(separator: ",") + "]")
        case .values(let values):
            file.append("[")
            for (index, value) in values.enumerated() {
                if index > 0 { file.append(",") }
                append(value, to: &file)
            }
            file.append("]")
        case .map(let fields): append(fields, to: &file)
        }
    }
}
