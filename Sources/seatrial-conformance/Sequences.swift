// Recorded placements of whole workloads, pod after pod, against ours.

import KubernetesAPI
import Scheduling

/// Where each pod of a sequence went; every pod counts on its node when the next one is decided about.
struct SequenceCase {
    let name: String
    private let document: YAMLNode

    /// Whether a line is a sequence and not a single decision.
    static func isSequence(_ document: YAMLNode) -> Bool { document["steps"] != nil }

    init(name: String, _ document: YAMLNode) {
        self.name = name
        self.document = document
    }

    /// nil if every step is as recorded; else the first that is not.
    func run() -> FamilyResult.Failure? {
        guard let objects = document["objects"], let templates = document["templates"], let pods = document["pods"],
            let steps = document["steps"], pods.count == steps.count
        else { return failure("a sequence", "a line without objects, templates, or a step for each pod") }
        do {
            let loaded = try CaseObjects(Array(objects.elements))
            let templatePods = try CaseObjects(Array(templates.elements)).pods
            let configuration = try CaseObjects.configuration(document["schedulerConfig"])
            var maker = try DecisionMaker(
                configuration: configuration, nodes: loaded.nodes, pods: loaded.pods, objects: loaded.others)
            for (podNode, step) in zip(pods.elements, steps.elements) {
                guard let number = podNode["template"]?.scalarText.flatMap({ Int($0) }), templatePods.indices.contains(number) else {
                    return failure("the number of a template", podNode["template"]?.scalarText ?? "nothing")
                }
                var pod = templatePods[number]
                pod.metadata.name = podNode["name"]?.scalarText ?? ""
                pod.metadata.namespace = podNode["namespace"]?.scalarText ?? ""
                pod.metadata.uid = UID(podNode["uid"]?.scalarText ?? "")
                guard let decision = maker.decide(pod) else { return failure("a decision", "no profile for the pod") }
                if let disagreement = maker.disagreement(with: decision, about: pod) {
                    return failure("\(pod.metadata.key): the same on both paths", disagreement)
                }
                let expected = SequenceCase.recorded(step)
                let got = SequenceCase.text(decision, like: step)
                guard expected == got else {
                    return failure("\(pod.metadata.key): \(expected)", "\(pod.metadata.key): \(got)")
                }
                if let chosen = decision.best.first { maker.assume(pod, on: chosen) }
            }
            return nil
        } catch {
            return failure("decisions", "\(error)")
        }
    }

    private func failure(_ expected: String, _ got: String) -> FamilyResult.Failure {
        FamilyResult.Failure(name: name, expected: expected, got: got)
    }

    // MARK: Steps as text

    private static func recorded(_ step: YAMLNode) -> String {
        if let message = step["unschedulable"]?.scalarText { return message }
        let best =
            step["best"].map { $0.elements.compactMap(\.scalarText).joined(separator: ", ") }
            ?? "\(step["bestCount"]?.scalarText ?? "") \(step["bestSha256"]?.scalarText ?? "")"
        return "feasible \(step["feasible"]?.scalarText ?? ""), best \(best), chosen \(step["chosen"]?.scalarText ?? "")"
    }

    private static func text(_ decision: Decision, like step: YAMLNode) -> String {
        if let message = decision.message { return message }
        let best =
            step["bestCount"] == nil
            ? decision.best.joined(separator: ", ") : "\(decision.best.count) \(Digest.hexSHA256(decision.best.joined(separator: "\n")))"
        return "feasible \(decision.feasible.count), best \(best), chosen \(decision.best.first ?? "")"
    }
}
