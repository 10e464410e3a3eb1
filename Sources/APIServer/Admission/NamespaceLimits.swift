// The LimitRanges of the namespaces, and what they made of the specs they have seen: pods of one template share the spec that was
// filled in for the first of them.

import KubernetesAPI

/// All LimitRanges by namespace. In a namespace without any nothing is looked up and nothing copied.
struct NamespaceLimits: Sendable {
    private struct Bounds: Sendable {
        let name: String
        let ranger: LimitRanger
    }
    /// A spec in a namespace.
    private struct Place: Hashable, Sendable {
        let spec: ObjectIdentifier
        let namespace: String
    }
    /// What filling in made of a spec; the annotation says what was added (nil: nothing).
    struct Filled: Sendable {
        fileprivate let template: Shared<PodSpec>
        let spec: Shared<PodSpec>
        let note: String?
    }
    private struct Verdict: Sendable {
        let spec: Shared<PodSpec>
        let refusal: String?
    }

    private static let capacity = 4096

    /// By namespace: its LimitRanges in the order of their names.
    private var bounds: [String: [Bounds]] = [:]
    private var filled: [Place: Filled] = [:]
    private var verdicts: [Place: Verdict] = [:]

    var isEmpty: Bool { bounds.isEmpty }

    // MARK: Changes

    mutating func observe(_ range: LimitRange) {
        forget(range)
        let items = range.limits.map { item in
            var item = item
            item.applyDefaults()
            return item
        }
        var others = bounds[range.metadata.namespace] ?? []
        let position = others.firstIndex { $0.name > range.metadata.name } ?? others.count
        others.insert(Bounds(name: range.metadata.name, ranger: LimitRanger(items)), at: position)
        bounds[range.metadata.namespace] = others
    }

    mutating func forget(_ range: LimitRange) {
        filled.removeAll()
        verdicts.removeAll()
        let others = (bounds[range.metadata.namespace] ?? []).filter { $0.name != range.metadata.name }
        bounds[range.metadata.namespace] = others.isEmpty ? nil : others
    }

    // MARK: Pods

    /// The spec with the requests and limits its containers leave out; nil where the namespace has no LimitRange.
    mutating func fill(_ template: Shared<PodSpec>, in namespace: String) -> Filled? {
        guard let ranges = bounds[namespace] else { return nil }
        let place = Place(spec: ObjectIdentifier(template), namespace: namespace)
        if let known = filled[place] { return known }
        var spec = template.value
        var note: String?
        for range in ranges { note = range.ranger.applyDefaults(to: &spec) ?? note }
        let result = Filled(template: template, spec: note == nil ? template : Shared(spec), note: note)
        if filled.count >= NamespaceLimits.capacity { filled.removeAll() }
        filled[place] = result
        return result
    }

    /// Why a pod of this spec is refused: what the first LimitRange that objects to it says.
    mutating func refusal(of spec: Shared<PodSpec>, in namespace: String) -> String? {
        guard let ranges = bounds[namespace] else { return nil }
        let place = Place(spec: ObjectIdentifier(spec), namespace: namespace)
        if let known = verdicts[place] { return known.refusal }
        let refusal = ranges.lazy.compactMap { LimitRanger.message($0.ranger.violations(of: spec.value)) }.first
        if verdicts.count >= NamespaceLimits.capacity { verdicts.removeAll() }
        verdicts[place] = Verdict(spec: spec, refusal: refusal)
        return refusal
    }

    // MARK: Claims

    func refusal(of claim: PersistentVolumeClaim) -> String? {
        guard let ranges = bounds[claim.metadata.namespace] else { return nil }
        return ranges.lazy.compactMap { LimitRanger.message($0.ranger.violations(ofClaimRequesting: claim.spec.requests)) }.first
    }
}
