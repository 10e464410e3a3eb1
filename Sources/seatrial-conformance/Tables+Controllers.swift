// Tables of the controllers' decisions.

import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

enum ControllerTables {
    // MARK: deployment_step

    static func deploymentStep(_ input: YAMLNode) throws -> Answer {
        guard let node = input["deployment"] else { throw MalformedCase("no deployment") }
        let sizes = RolloutSizes(
            replicas: Int32(try node.number("replicas")), strategy: try strategy(node), statusReplicas: 0,
            newSet: try node["newRS"].flatMap { $0.isNull ? nil : try size($0) },
            oldSets: try node["oldRSs"]?.elements.map { try size($0) } ?? [])
        let all = sizes.oldSets + (sizes.newSet.map { [$0] } ?? [])
        let scaling = sizes.scale()
        var answer: Answer = [
            ("maxSurge", String(sizes.surge)), ("maxUnavailable", String(sizes.maxUnavailable)),
            ("newRSNewReplicas", String(sizes.newSet.map { sizes.newSetSize(current: $0.replicas) } ?? 0)),
            ("afterScale", text(all, scaling.resizes)),
        ]
        // The two halves of a rolling sync, which exist only there and only with a new ReplicaSet.
        let isRolling = sizes.isRolling && sizes.newSet != nil
        let grown = isRolling ? sizes.resizeNew() : nil
        let shrunk = isRolling ? sizes.shrinkOld() : nil
        answer += [("scaledUp", String(grown != nil)), ("scaledDown", String(shrunk?.isScaled ?? false))]
        if isRolling {
            answer += [
                ("afterReconcileNew", text(all, grown.map { [$0] } ?? [])), ("afterReconcileOld", text(all, shrunk?.resizes ?? [])),
            ]
        }
        let maximum = sizes.replicas + sizes.surge
        let written = scaling.resizes.filter { resize in
            let set = all.first { $0.name == resize.name }
            return resize.from != resize.to || set?.desiredAnnotation != sizes.replicas || set?.maximumAnnotation != maximum
        }
        if !written.isEmpty {
            answer.append(("afterScaleAnnotations", mapText(written.map { ($0.name, "\(sizes.replicas)/\(maximum)") })))
        }
        return answer
    }

    private static func strategy(_ node: YAMLNode) throws -> DeploymentStrategy {
        if try node.text("strategy") == "Recreate" { return .recreate }
        let surge: IntOrPercent? = try node.decoded("maxSurge")
        let unavailable: IntOrPercent? = try node.decoded("maxUnavailable")
        return .rollingUpdate(maxSurge: surge ?? .int(0), maxUnavailable: unavailable ?? .int(0))
    }

    private static func size(_ node: YAMLNode) throws -> ReplicaSetSize {
        func annotation(_ key: String) throws -> Int32? {
            let number = try node.number(key)
            return number < 0 ? nil : Int32(number)
        }
        return ReplicaSetSize(
            name: try node.text("name"), created: -Int64(try node.number("ageSeconds")), replicas: Int32(try node.number("specReplicas")),
            available: Int32(try node.number("availableReplicas")), desiredAnnotation: try annotation("desiredReplicasAnnotation"),
            maximumAnnotation: try annotation("maxReplicasAnnotation"))
    }

    private static func text(_ sets: [ReplicaSetSize], _ resizes: [Resize]) -> String {
        mapText(sets.map { set in (set.name, String(resizes.last { $0.name == set.name }?.to ?? set.replicas)) })
    }

    // MARK: rs_delete_rank

    static func deletionRank(_ input: YAMLNode) throws -> Answer {
        let now = SimulatedTime(seconds: 1_000_000_000)
        let pods = try input["pods"]?.elements.map { try pod($0, at: now) } ?? []
        let others = try input["otherPodsOfSameOwner"]?.elements.map { try pod($0, at: now) } ?? []
        let victims = DeletionRank.victims(among: pods, related: pods + others, count: try input.number("deleteCount"), at: now)
        return [("deletedSet", listText(victims.map(\.value.metadata.name).sorted()))]
    }

    private static func pod(_ node: YAMLNode, at now: SimulatedTime) throws -> Shared<Pod> {
        var metadata = ObjectMeta(name: node["name"]?.scalarText ?? "", namespace: "default")
        metadata.uid = UID(node["uid"]?.scalarText ?? "")
        if let age = node["createdAgoSeconds"]?.scalarText.flatMap({ Int($0) }) { metadata.creationTimestamp = now - .seconds(age) }
        if let cost = node["deletionCost"]?.scalarText { metadata.annotations[DeletionRank.costAnnotation] = cost }
        var pod = Pod(metadata: metadata, spec: Shared(PodSpec(containers: [Container(name: "c")])))
        let nodeName = node["node"]?.scalarText ?? ""
        pod.nodeName = nodeName.isEmpty ? nil : nodeName
        pod.status.phase = node["phase"]?.scalarText.flatMap { PodPhase(rawValue: $0) } ?? .pending
        if node["ready"]?.scalarText == "true" {
            let age = node["readyAgoSeconds"]?.scalarText.flatMap { Int($0) } ?? 0
            pod.status.conditions = [Condition(.ready, .true, lastTransitionTime: now - .seconds(age))]
        }
        let restarts = node["restarts"]?.scalarText.flatMap { Int32($0) } ?? 0
        pod.status.containerStatuses = [
            ContainerStatus(name: "c", state: .running(startedAt: now), restartCount: restarts)
        ]
        return Shared(pod)
    }

    // MARK: crashloop_backoff

    static func crashBackoff(_ input: YAMLNode) throws -> Answer {
        let maximum = SimulatedDuration.seconds(try input.number("maxContainerRestartPeriodSeconds"))
        var backoff = CrashBackoff()
        var starts = [0]
        for entry in input["runSeconds"]?.elements.map(\.scalarText) ?? [] {
            guard let run = entry.flatMap({ Int($0) }) else { throw MalformedCase("runSeconds holds no number") }
            let wait = backoff.next(ranFor: .seconds(run), initial: .seconds(10), maximum: maximum, reset: .seconds(600))
            starts.append(starts[starts.count - 1] + run + Int(wait.seconds))
        }
        return [("startAtSeconds", listText(starts.map { String($0) }))]
    }

    // MARK: Nodes

    static func zoneState(_ input: YAMLNode) throws -> Answer {
        let size = try input.number("zoneSize")
        let notReady = try input.number("notReady")
        let rates = EvictionRates()
        let state = ZoneState.of(ready: size - notReady, notReady: notReady, threshold: rates.unhealthyZoneThreshold)
        let rate = rates.rate(state, zoneSize: size)
        return [("notReady", String(notReady)), ("state", state.rawValue), ("taintQPS", rate == 0 ? "0" : "\(rate)")]
    }

    static func toleration(_ input: YAMLNode) throws -> Answer {
        let taints = try input["taints"]?.elements.map { node in
            Taint(
                key: try node.text("key"), value: node["value"]?.scalarText ?? "",
                effect: TaintEffect(rawValue: try node.text("effect")) ?? .noExecute)
        }
        let tolerations: [Toleration] =
            try input["tolerations"].map { list in
                list.isNull ? [] : try list.elements.map { try $0.decoded(Toleration.self) }
            } ?? []
        switch TolerationVerdict.of(taints ?? [], tolerations) {
        case .evictNow: return [("allTolerated", "false"), ("evictAfterSeconds", "0")]
        case .tolerateForever: return [("allTolerated", "true"), ("evictAfterSeconds", "never")]
        case .evictAfter(let time): return [("allTolerated", "true"), ("evictAfterSeconds", String(Int(time.seconds)))]
        }
    }
}
