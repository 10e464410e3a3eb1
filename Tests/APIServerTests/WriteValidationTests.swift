// What the API server refuses to store, whoever asks.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Validation of writes")
struct WriteValidationTests {
    var api = APIServer(seed: 1)

    private mutating func refusal(_ request: APIRequest) -> APIError? {
        if case .failure(let error) = api.execute(request, at: .zero) { error } else { nil }
    }

    @Test mutating func `a pod that is not valid is refused with causes`() throws {
        var bad = pod("a")
        bad.metadata.labels = ["k": "-v"]
        bad.spec = bad.spec.with { $0.containers[0].image = "" }
        let error = try #require(refusal(.create(APIObject(bad))))
        #expect(error.code == 422 && error.reason == "Invalid")
        guard case .invalid(_, _, let causes) = error else { return }
        #expect(causes.map(\.field) == ["metadata.labels", "spec.containers[0].image"])
        #expect(causes.map(\.causeReason) == ["FieldValueInvalid", "FieldValueRequired"])
        #expect(api.objects[podKey("a")] == nil)
    }

    @Test mutating func `pods of a valid template are not looked at again, of another they are`() throws {
        let owner = OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: UID("1"), controller: true)
        var made = pod("")
        made.metadata.generateName = "web-"
        made.metadata.ownerReferences = [owner]
        for _ in 0..<3 { try api.done(.create(APIObject(made))) }
        made.spec = made.spec.with { $0.containers = [] }
        #expect(refusal(.create(APIObject(made)))?.description.contains("spec.containers: Required value") == true)
    }

    @Test mutating func `what may not change does not`() throws {
        try api.done(.create(APIObject(deployment("web"))))
        var changed = deployment("web", labels: ["x": "y"])
        changed.spec.selector.matchLabels["b"] = "c"
        changed.spec.template.labels["b"] = "c"
        #expect(
            refusal(.update(APIObject(changed)))?.description
                == "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\",\"b\":\"c\"}}: "
                + "field is immutable")
        var set = StatefulSet(
            metadata: ObjectMeta(name: "db", namespace: "default"),
            spec: StatefulSetSpec(selector: changed.spec.selector, template: changed.spec.template))
        try api.done(.create(APIObject(set)))
        set.spec.replicas = 5
        #expect(refusal(.update(APIObject(set))) == nil)
        set.spec.podManagementPolicy = .parallel
        #expect(refusal(.update(APIObject(set)))?.description.contains("updates to statefulset spec for fields other than") == true)
    }

    @Test mutating func `of a pod little but images may change`() throws {
        var bound = pod("a")
        bound.nodeName = "n1"
        try api.done(.create(APIObject(bound)))
        let stored = try #require(api.objects.get(Pod.self, podKey("a").name)).value
        func refusal(of change: (inout Pod) -> Void) -> [String]? {
            var changed = stored
            changed.metadata.resourceVersion = 0
            change(&changed)
            guard case .failure(.invalid(_, _, let causes)) = api.execute(.update(APIObject(changed)), at: .zero) else { return nil }
            return causes.map { "\($0.field): \($0.body.prefix(60))" }
        }
        #expect(refusal { $0.spec = $0.spec.with { $0.containers[0].image = "i:2" } } == nil)
        #expect(refusal { $0.nodeName = "n2" } == ["spec: Forbidden: pod updates may not change fields other than `spe"])
        #expect(
            refusal { $0.spec = $0.spec.with { $0.containers.append(Container(name: "d", image: "i")) } }
                == ["spec.containers: Forbidden: pod updates may not add or remove containers"])
        #expect(
            refusal { $0.spec = $0.spec.with { $0.tolerations = [] } }
                == ["spec.tolerations: Forbidden: existing toleration can not be modified except it"])
        // Of the pod, and of its change.
        #expect(
            refusal { $0.spec = $0.spec.with { $0.containers[0].image = "" } }
                == Array(repeating: "spec.containers[0].image: Required value", count: 2))
    }

    @Test mutating func `a job gets a selector of its own, and keeps its template`() throws {
        var template = deployment("web").spec.template
        template.spec = template.spec.with { $0.restartPolicy = .never }
        let manifest = Job(metadata: ObjectMeta(name: "once", namespace: "default"), spec: JobSpec(template: template))
        guard case .job(let job)? = try api.done(.create(APIObject(manifest))) else { return }
        #expect(job.value.spec.selector?.matches(job.value.spec.template.labels) == true)
        #expect(job.value.spec.backoffLimit == 6 && job.value.spec.completions == 1)
        var changed = job.value
        changed.spec.parallelism = 2
        #expect(refusal(.update(APIObject(changed))) == nil)
        changed.metadata.resourceVersion = 0
        changed.spec.template.spec = template.spec.with { $0.restartPolicy = .onFailure }
        #expect(
            refusal(.update(APIObject(changed)))?.description
                == "Job.batch \"once\" is invalid: spec.template.spec: Invalid value: {…}: field is immutable")
        var manual = manifest
        manual.metadata.name = "manual"
        manual.spec.manualSelector = true
        manual.spec.selector = LabelSelector(matchLabels: ["app": "web"])
        #expect(refusal(.create(APIObject(manual))) == nil)
        manual.metadata.name = "other"
        manual.spec.selector = LabelSelector(matchLabels: ["app": "else"])
        #expect(refusal(.create(APIObject(manual)))?.description.contains("`selector` does not match template `labels`") == true)
    }

    @Test func `codes and reasons`() {
        let key = podKey("a")
        let expected: [(APIError, Int, String)] = [
            (.notFound(key), 404, "NotFound"), (.alreadyExists(key), 409, "AlreadyExists"), (.conflict(key), 409, "Conflict"),
            (.forbidden(key, "x"), 403, "Forbidden"), (.invalid(key, "x"), 422, "Invalid"), (.badRequest("x"), 400, "BadRequest"),
            (.internalError("x"), 500, "InternalError"),
        ]
        for (error, code, reason) in expected {
            #expect(error.code == code)
            #expect(error.reason == reason)
        }
    }
}
