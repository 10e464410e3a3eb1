// What comes from outside the control plane: the operator and the trace.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    // MARK: Operator

    /// Does what the operator does. `reported`: as something that happened; otherwise only its refusal is worth telling.
    mutating func operate(_ action: OperatorAction, reported: Bool = true) {
        func call(_ request: APIRequest, _ description: @autoclosure () -> String, _ cluster: inout Cluster) {
            let operation = cluster.recorder.operated(description(), at: cluster.now, isRoutine: !reported)
            cluster.send(APICall(.clusterOperator, request, token: UInt64(operation)))
        }
        switch action {
        case .apply(let objects):
            for object in objects {
                call(.operate(object.key, .apply(object)), "apply \(object.kindName) \(object.metadata.key)", &self)
            }
        case .delete(let key, let options): call(.delete(key, options), "delete \(key)\(options.flags)", &self)
        case .scale(let key, let replicas):
            call(.operate(key, .scale(replicas)), "scale \(key) --replicas=\(replicas)", &self)
        case .setImage(let key, let container, let image):
            call(.operate(key, .setImage(container: container, image: image)), "set image \(key) \(container)=\(image)", &self)
        case .rolloutUndo(let key, let revision):
            call(.operate(key, .rollBack(toRevision: revision)), "rollout undo \(key)", &self)
        case .rolloutRestart(let key): call(.operate(key, .restart), "rollout restart \(key)", &self)
        case .rolloutPause(let name, let paused):
            call(
                .operate(ObjectKey(.deployment, name), .pause(paused)),
                "rollout \(paused ? "pause" : "resume") Deployment \(name)", &self)
        case .cordon(let selection):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .unschedulable(true)), "cordon \(name)", &self)
            }
        case .uncordon(let selection):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .unschedulable(false)), "uncordon \(name)", &self)
            }
        case .drain(let selection, let options):
            drain(selected(selection).map { nodeAgent.name(of: $0) }, options)
        case .setLoad(let change):
            nodeAgent.set(change, pods: api.objects.all(Pod.self), at: now, effects: &kubeletEffects)
            _ = recorder.operated(change.description, at: now, isRoutine: !reported)
        case .setNodeLoad(let selection, let load):
            for number in selected(selection) {
                nodeAgent.setOutsideLoad(load, on: number, at: now, effects: &kubeletEffects)
                _ = recorder.operated("outside of pods, \(nodeAgent.name(of: number)) bears \(load)", at: now, isRoutine: !reported)
            }
        case .taint(let selection, let taints):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .taints(add: taints, remove: [])), "taint \(name) \(taints.list)", &self)
            }
        case .untaint(let selection, let taints):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .taints(add: [], remove: taints)), "untaint \(name) \(taints.list)", &self)
            }
        case .addNodes(let nodes):
            for node in nodes { add(node) }
        case .maintain(let plan): maintain(plan)
        }
    }

    /// A machine joins. One of that name that ran here before is started again if its node object was deleted since; a name that
    /// is taken is refused, as the real API server refuses the second kubelet.
    mutating func add(_ node: Node, inPlaceOf original: String? = nil) {
        let name = node.metadata.name
        let operation = recorder.operated("add node \(name)", at: now)
        guard let number = nodeAgent.number(of: name) else {
            let number = nodeAgent.register(node, inPlaceOf: original, at: now, effects: &kubeletEffects)
            if !apiServer.renewsLeases { strike(number, .partition) }
            scheduleFailures(of: number, node)
            return
        }
        let key = ObjectKey(.node, name)
        if api.objects[key] != nil {
            recorder.refused(operation, .alreadyExists(key))
        } else if nodeAgent.isRunning(number) {
            nodeAgent.comeBack(number, pods: boundPods(of: name), isRegistered: false, at: now, effects: &kubeletEffects)
        }
    }

    // MARK: Trace

    mutating func arrive(trace index: Int) {
        let trace = configuration.value.trace
        let entry = trace[index]
        send(APICall(.clusterOperator, .create(entry.object)))
        if let deleteAt = entry.deleteAt {
            queue.schedule(.traceDeparture(Int32(index)), at: max(deleteAt, entry.createAt))
        }
        if let giveUpAt = entry.giveUpAt { queue.schedule(.traceGivesUp(Int32(index)), at: max(giveUpAt, entry.createAt)) }
        if index + 1 < trace.count { queue.schedule(.traceArrival(Int32(index + 1)), at: max(now, trace[index + 1].createAt)) }
    }

    /// Deletes a pod of the trace that waits for a node.
    mutating func giveUp(trace index: Int) {
        let key = configuration.value.trace[index].object.key
        guard let pod = api.objects.get(Pod.self, key.name), pod.value.nodeName == nil, !pod.isTerminating else { return }
        send(APICall(.clusterOperator, .delete(key, DeleteOptions(propagation: .background))))
    }
}

extension [Taint] {
    /// As `kubectl taint` takes them.
    fileprivate var list: String { map { "\($0.key)=\($0.value):\($0.effect.rawValue)" }.joined(separator: " ") }
}

extension DeleteOptions {
    /// The options as kubectl's flags, those that are not its defaults.
    fileprivate var flags: String {
        let cascade =
            switch propagation {
            case .background, nil: ""
            case .foreground: " --cascade=foreground"
            case .orphan: " --cascade=orphan"
            }
        let grace = gracePeriodSeconds.map { $0 == 0 ? " --force" : " --grace-period=\($0)" }
        return cascade + (grace ?? "")
    }
}
