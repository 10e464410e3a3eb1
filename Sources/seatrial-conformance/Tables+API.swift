// The table of the API server's answers to single requests: code, reason, message and causes of refusals, the code of successes.

import APIServer
import DiscreteEvents
import Experiments
import Foundation
import KubernetesAPI

/// A case about something that is not built: counted apart.
struct CaseLeftOut: Error {
    let what: String
}

enum APITables {
    // MARK: api_errors

    private static let overHTTP = CaseLeftOut(what: "left to the API over HTTP")
    private static let namespace = "api-errors"

    /// Sends the request to an API server with the recording's objects.
    static func answer(_ input: YAMLNode) throws -> Answer {
        let method = try input.text("method")
        let path = RequestPath(try input.text("path"))
        // Below an object: an eviction, a binding, a status, a scale.
        if path.name.contains("/") { throw overHTTP }
        var server = try server(with: storedObjects)
        let result: APIResult
        do {
            switch method {
            case "GET": result = try read(path, server)
            case "POST":
                result = server.execute(.create(try object(body(of: input), in: path)), at: .zero)
            case "PUT": result = server.execute(.update(try replacement(body(of: input), in: path, server)), at: .zero)
            case "PATCH":
                guard let stored = storedManifest(path) else { throw overHTTP }
                let isStrategic = try input.text("contentType").contains("strategic")
                let patched = try replacement(merged(stored, body(of: input), mergesLists: isStrategic), in: path, server)
                result = server.execute(.operate(patched.key, .apply(patched)), at: .zero)
            case "DELETE":
                guard let key = path.key else { throw overHTTP }
                result = server.execute(.delete(key, DeleteOptions()), at: .zero)
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

    /// An object, or those that a selector of labels selects.
    private static func read(_ path: RequestPath, _ server: APIServer) throws -> APIResult {
        guard let kind = path.key?.kind, path.query["fieldSelector"] == nil else { throw overHTTP }
        if let text = path.query["labelSelector"] {
            do throws(SelectorError) { _ = try Selector(text: text) } catch { throw APIError.badRequest(error.description) }
        }
        guard let key = path.key, !path.name.isEmpty else { return .success(nil) }
        guard let object = server.objects[key], kind == object.kind else { return .failure(.notFound(key)) }
        return .success(object)
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
        if let note = input["body"]?.scalarText, let size = try? /<annotations \{"k": "x" repeated (\d+)\}>/.wholeMatch(in: note)?.1 {
            return podWithAnnotation(of: Int(size) ?? 0)
        }
        guard let body = input["body"], body.kind == .mapping else { throw overHTTP }
        return JSONValue(body)
    }

    /// The recording says only how long the annotation was.
    private static func podWithAnnotation(of size: Int) -> JSONValue {
        let annotation = JSONValue.object([("k", .scalar(String(repeating: "x", count: size), isText: true))])
        var pod = storedManifest(RequestPath("/api/v1/namespaces/\(namespace)/pods/imm")) ?? .null
        pod = merged(pod, .object([("metadata", .object([("name", .scalar("p", isText: true)), ("annotations", annotation)]))]))
        return pod
    }

    /// Reads, completes and checks an object as the server does with a request's body.
    private static func object(_ manifest: JSONValue, in path: RequestPath, validates: Bool = true) throws -> APIObject {
        let kind = manifest["kind"]?.string ?? ""
        let version = manifest["apiVersion"]?.string ?? ""
        // What is said about objects that the path is not for comes from the program's tables of types.
        if let wanted = path.key?.kind, wanted != .unstructured, kind != wanted.description || !wanted.isServed(in: version) {
            throw overHTTP
        }
        var loader = ManifestLoader(options: ManifestLoader.Options(validates: validates))
        let loaded = loader.load(manifest.text, file: "body")
        let errors = loaded.diagnostics.filter { $0.severity == .error }
        if !errors.isEmpty {
            let causes = errors.compactMap { FieldError($0) }
            guard causes.count == errors.count, let key = key(manifest) else {
                // But for quantities, the text of such an answer comes from the program's JSON reader.
                guard let problem = errors.first(where: { quantityProblems.contains($0.message) }) else { throw overHTTP }
                throw APIError.badRequest(
                    "\(kind) in version \"\(version.split(separator: "/").last ?? "")\" cannot be handled as a \(kind): \(problem.message)")
            }
            throw refusal(of: key, causes)
        }
        guard let object = loaded.objects.first?.object else { throw MalformedCase("no object in the body") }
        if case .cronJob(let cronJob) = object, let zone = cronJob.value.spec.timeZone, validates,
            try ZoneInfoFolder.zones(named: [zone]).rules(named: zone) == nil
        {
            throw refusal(of: object.key, [CronJobSpec.unknown(timeZone: zone)])
        }
        guard object.kind.isNamespaced else { return object }
        if let given = manifest["metadata"]?["namespace"]?.string, given != path.namespace {
            throw APIError.badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        return object.withMetadata { $0.namespace = path.namespace }
    }

    private static let quantityProblems = [QuantityError.wrongFormat, .unknownSuffix, .unparsableNumber].map(\.description)

    /// The same for the new version of a stored object: what is wrong with the change is said after what is wrong with the object.
    private static func replacement(_ manifest: JSONValue, in path: RequestPath, _ server: APIServer) throws -> APIObject {
        if let name = manifest["metadata"]?["name"]?.string, name != path.name {
            throw APIError.badRequest("the name of the object (\(name)) does not match the name on the URL (\(path.name))")
        }
        do {
            return try object(manifest, in: path)
        } catch APIError.invalid(let key, _, let causes) {
            guard let new = try? object(manifest, in: path, validates: false), let stored = server.objects[key] else {
                throw refusal(of: key, causes)
            }
            guard case .pod = new else { throw refusal(of: key, causes + new.validateChange(from: stored)) }
            // What admission completes in a pod is no change of it.
            var server = server
            guard case .failure(.invalid(_, _, let found)) = server.execute(.operate(key, .apply(new)), at: .zero) else {
                throw refusal(of: key, causes)
            }
            throw refusal(of: key, causes.filter { !found.contains($0) } + found)
        }
    }

    private static func refusal(of key: ObjectKey, _ causes: [FieldError]) -> APIError {
        let answered = causes.map { $0.asAnswered(about: key.kind) }
        return .invalid(key, FieldError.aggregate(answered), causes: answered)
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

    /// As the README of the recordings describes them, with the defaults that patches meet.
    private static let storedObjects: [(path: String, json: String)] = {
        let containers = #""containers": [{"name": "c", "image": "i"}]"#
        let workload =
            #""replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {\#(containers)}}"#
        let rolling = #""strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}"#
        let ordered = #""updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}"#
        let tolerations = ["not-ready", "unreachable"].map {
            #"{"key": "node.kubernetes.io/\#($0)", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}"#
        }
        let name = #""metadata": {"name": "imm"}"#
        return [
            (
                "pods/imm",
                #"{"apiVersion": "v1", "kind": "Pod", \#(name), "spec": {\#(containers), "nodeName": "node-4", "tolerations": [\#(tolerations.joined(separator: ","))]}}"#
            ),
            ("deployments/imm", #"{"apiVersion": "apps/v1", "kind": "Deployment", \#(name), "spec": {\#(workload), \#(rolling)}}"#),
            (
                "statefulsets/imm",
                #"{"apiVersion": "apps/v1", "kind": "StatefulSet", \#(name), "spec": {"serviceName": "s", \#(workload), \#(ordered)}}"#
            ),
            (
                "jobs/imm",
                #"{"apiVersion": "batch/v1", "kind": "Job", \#(name), "spec": {"suspend": true, "parallelism": 1, "completions": 1, "backoffLimit": 6, "template": {"spec": {"restartPolicy": "Never", \#(containers)}}}}"#
            ),
            ("configmaps/cm", #"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}}"#),
        ]
    }()

    /// RFC 7396. Strategic patches merge lists too, whose elements go by their name.
    private static func merged(_ stored: JSONValue, _ patch: JSONValue, mergesLists: Bool = false) -> JSONValue {
        if mergesLists, case .array(var elements) = stored, case .array(let changes) = patch {
            for change in changes {
                guard let name = change["name"]?.string else { return patch }
                if let index = elements.firstIndex(where: { $0["name"]?.string == name }) {
                    elements[index] = merged(elements[index], change, mergesLists: true)
                } else {
                    elements.append(change)
                }
            }
            return .array(elements)
        }
        guard case .object(var members) = stored, case .object(let changes) = patch else { return patch }
        for (key, value) in changes {
            let index = members.firstIndex { $0.0 == key }
            if case .null = value {
                if let index { members.remove(at: index) }
            } else if let index {
                members[index].1 = merged(members[index].1, value, mergesLists: mergesLists)
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
