// The table of the API server's answers to single requests: code, reason, message and causes of refusals, the code of successes.

import APIServer
import DiscreteEvents
import Foundation
import KubernetesAPI

/// A case about something that is not built: counted apart.
struct CaseLeftOut: Error {
    let what: String
}

enum APITables {
    // MARK: api_errors

    private static let overHTTP = CaseLeftOut(what: "of the API over HTTP: left to a later issue")
    private static let namespace = "api-errors"

    /// Sends the request to an API server with the recording's objects.
    static func answer(_ input: YAMLNode) throws -> Answer {
        let method = try input.text("method")
        let path = RequestPath(try input.text("path"))
        var server = try server(with: storedObjects)
        let result: APIResult
        do {
            switch method {
            case "POST": result = server.execute(.create(try object(body(of: input), in: path)), at: .zero)
            case "PUT": result = server.execute(.update(try object(body(of: input), in: path)), at: .zero)
            case "PATCH":
                guard let stored = storedManifest(path) else { throw MalformedCase("no object \(path.name)") }
                let patched = try object(merged(stored, body(of: input)), in: path)
                result = server.execute(.operate(patched.key, .apply(patched)), at: .zero)
            case "DELETE":
                guard let kind = path.kind else { throw overHTTP }
                result = server.execute(.delete(ObjectKey(kind, namespace: namespace, path.name), DeleteOptions()), at: .zero)
            default: throw overHTTP
            }
        } catch let refusal as APIError {
            return answer(refusal)
        }
        switch result {
        case .success: return [("code", method == "POST" ? "201" : "200")]
        case .failure(let refusal): return answer(refusal)
        }
    }

    private static func answer(_ refusal: APIError) -> Answer {
        var answer: Answer = [
            ("code", String(refusal.code)), ("reason", refusal.reason), ("message", normalised(refusal.description)),
        ]
        if case .invalid(_, _, let causes) = refusal, !causes.isEmpty {
            let texts = causes.map { mapText([("field", $0.field), ("message", $0.body), ("reason", $0.causeReason)]) }
            answer.append(("causes", normalised(listText(texts))))
        }
        return answer
    }

    /// Texts without what differs from run to run, or is a dump of the Go program's own values: UIDs, structures, differences of them.
    static func normalised(_ text: String) -> String {
        text.replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "<uid>")
            .replacing(/\n@@ [\s\S]*?\n(?=,reason|$)/, with: "")
            .replacing(/\{"[A-Z][\s\S]*?\}(?=: field is immutable)/, with: "{…}")
    }

    // MARK: Objects

    private static func body(of input: YAMLNode) throws -> JSONValue {
        guard let body = input["body"], body.kind == .mapping else { throw overHTTP }
        return JSONValue(body)
    }

    /// Reads, completes and checks an object as the server does with a request's body.
    private static func object(_ manifest: JSONValue, in path: RequestPath) throws -> APIObject {
        var loader = ManifestLoader()
        let loaded = loader.load(manifest.text, file: "body")
        let errors = loaded.diagnostics.filter { $0.severity == .error }
        // The text of such an answer comes from the program's JSON reader.
        if errors.contains(where: { $0.message.hasPrefix("invalid type") }) { throw overHTTP }
        let kind = manifest["kind"]?.string ?? ""
        let version = manifest["apiVersion"]?.string ?? ""
        if !errors.isEmpty {
            let causes = errors.compactMap { FieldError($0) }
            guard causes.count == errors.count, let key = key(manifest) else {
                throw APIError.badRequest("\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(errors[0].message)")
            }
            let answered = causes.map { $0.asAnswered(about: key.kind) }
            throw APIError.invalid(key, FieldError.aggregate(answered), causes: answered)
        }
        guard let object = loaded.objects.first?.object else { throw MalformedCase("no object in the body") }
        guard object.kind.isNamespaced else { return object }
        if let given = manifest["metadata"]?["namespace"]?.string, given != path.namespace { throw overHTTP }
        return object.withMetadata { $0.namespace = path.namespace }
    }

    private static func key(_ manifest: JSONValue) -> ObjectKey? {
        guard let kind = Kind.allCases.first(where: { $0.description == manifest["kind"]?.string }) else { return nil }
        return ObjectKey(kind, namespace: namespace, manifest["metadata"]?["name"]?.string ?? "")
    }

    // MARK: What is stored

    /// A server as the recording's: a namespace with its account, and objects of which a request may change something.
    private static func server(with manifests: [(path: String, json: String)]) throws -> APIServer {
        var server = APIServer(seed: 1)
        for system in [
            APIObject(Namespace(metadata: ObjectMeta(name: namespace))),
            APIObject(ServiceAccount(metadata: ObjectMeta(name: ServiceAccount.defaultName, namespace: namespace))),
        ] {
            try server.restore(system, at: .zero)
        }
        for manifest in manifests {
            var loader = ManifestLoader()
            let loaded = loader.load(manifest.json, file: manifest.path)
            if let problem = loaded.diagnostics.first { throw MalformedCase(problem.description) }
            for entry in loaded.objects {
                _ = try server.execute(.create(entry.object.withMetadata { $0.namespace = namespace }), at: .zero).get()
            }
        }
        return server
    }

    private static func storedManifest(_ path: RequestPath) -> JSONValue? {
        storedObjects.first { $0.path == path.resource + "/" + path.name }.flatMap { JSONValue(text: $0.json) }
    }

    /// As the README of the recordings describes them.
    private static let storedObjects: [(path: String, json: String)] = {
        let containers = #""containers": [{"name": "c", "image": "i"}]"#
        let workload =
            #""replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {\#(containers)}}"#
        let name = #""metadata": {"name": "imm"}"#
        return [
            ("pods/imm", #"{"apiVersion": "v1", "kind": "Pod", \#(name), "spec": {\#(containers), "nodeName": "node-4"}}"#),
            ("deployments/imm", #"{"apiVersion": "apps/v1", "kind": "Deployment", \#(name), "spec": {\#(workload)}}"#),
            (
                "statefulsets/imm",
                #"{"apiVersion": "apps/v1", "kind": "StatefulSet", \#(name), "spec": {"serviceName": "s", \#(workload)}}"#
            ),
            (
                "jobs/imm",
                #"{"apiVersion": "batch/v1", "kind": "Job", \#(name), "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never", \#(containers)}}}}"#
            ),
            ("configmaps/cm", #"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}}"#),
        ]
    }()

    /// RFC 7396, by which strategic patches of single fields go too.
    private static func merged(_ stored: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard case .object(var members) = stored, case .object(let changes) = patch else { return patch }
        for (key, value) in changes {
            let index = members.firstIndex { $0.0 == key }
            if case .null = value {
                if let index { members.remove(at: index) }
            } else if let index {
                members[index].1 = merged(members[index].1, value)
            } else {
                members.append((key, value))
            }
        }
        return .object(members)
    }
}

extension FieldError {
    /// A finding of validation; nil for one about the form of the text.
    fileprivate init?(_ finding: Diagnostic) {
        let parts = finding.message.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = Kind(rawValue: String(parts[0])) else { return nil }
        self.init(kind, field: finding.field, detail: parts.count > 1 ? String(parts[1].dropFirst()) : "")
    }
}

/// `/apis/apps/v1/namespaces/NAMESPACE/RESOURCE/NAME?query`
private struct RequestPath {
    var namespace = ""
    var resource = ""
    var name = ""

    init(_ text: String) {
        var parts = text.prefix { $0 != "?" }.split(separator: "/").map(String.init)[...]
        parts = parts.dropFirst(parts.first == "api" ? 2 : 3)
        if parts.first == "namespaces", parts.count > 2 {
            namespace = parts[parts.startIndex + 1]
            parts = parts.dropFirst(2)
        }
        resource = parts.first ?? ""
        name = parts.dropFirst().first ?? ""
    }

    var kind: Kind? { Kind.allCases.first { $0.resource.prefix { $0 != "." } == resource } }
}

/// JSON as far as merging it needs: scalars stay as they were written.
private enum JSONValue {
    case scalar(String, isText: Bool)
    case null
    case array([JSONValue])
    case object([(String, JSONValue)])

    init(_ node: YAMLNode) {
        switch node.kind {
        case .scalar: self = node.isNull ? .null : .scalar(node.scalarText ?? "", isText: node.scalarType == .string)
        case .sequence: self = .array(node.elements.map(JSONValue.init))
        case .mapping: self = .object(node.entries.map { ($0.key, JSONValue($0.value)) })
        }
    }

    init?(text: String) {
        guard let node = try? YAMLFile.parse(Array(text.utf8), name: "json").documents.first else { return nil }
        self.init(node)
    }

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == key }?.1
    }

    var string: String? { if case .scalar(let text, true) = self { text } else { nil } }

    var text: String {
        switch self {
        case .scalar(let text, let isText): isText ? JSONText.quoted(text) : text
        case .null: "null"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { JSONText.quoted($0.0) + ":" + $0.1.text }.joined(separator: ",") + "}"
        }
    }
}
