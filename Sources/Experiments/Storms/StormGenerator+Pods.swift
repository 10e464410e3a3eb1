// The pods of a storm's workloads: their specs, and how they behave.

extension StormGenerator {
    /// The template of a workload's pods, indented by so many spaces.
    mutating func template(_ app: String, image: String = "app:1", restart: String? = nil, indent: Int) -> String {
        var lines = ["metadata: {labels: {app: \(app)}}", "spec:"]
        lines += podSpec(app, image: image, restart: restart).map { "  " + $0 }
        let margin = String(repeating: " ", count: indent)
        return lines.map { margin + $0 + "\n" }.joined()
    }

    mutating func podSpec(_ app: String, image: String = "app:1", restart: String? = nil, isAlone: Bool = false) -> [String] {
        let grace = dice.pick([1, 5, 10, 30])
        var lines = ["terminationGracePeriodSeconds: \(grace)"]
        if let restart { lines.append("restartPolicy: \(restart)") }
        if dice.chance(0.5) {
            let seconds = dice.pick([5, 30, 60])
            let keys = ["not-ready", "unreachable"].map {
                "{key: node.kubernetes.io/\($0), operator: Exists, effect: NoExecute, tolerationSeconds: \(seconds)}"
            }
            lines.append("tolerations: [\(keys.joined(separator: ", "))]")
        }
        if dice.chance(0.25) {
            let key = dice.pick(["topology.kubernetes.io/zone", "kubernetes.io/hostname"])
            let unsatisfiable = dice.pick(["ScheduleAnyway", "DoNotSchedule"])
            lines.append(
                "topologySpreadConstraints: [{maxSkew: 1, topologyKey: \(key), whenUnsatisfiable: \(unsatisfiable), "
                    + "labelSelector: {matchLabels: {app: \(app)}}}]")
        }
        if dice.chance(0.1) {
            lines.append(
                "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                    + "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: \(app)}}}]}}")
        }
        if storm.objects.contains(where: { $0.name == "PriorityClass//high" }), dice.chance(0.4) {
            lines.append("priorityClassName: \(dice.pick(["high", "low"]))")
        }
        if dice.chance(0.15) {
            let always = dice.chance(0.4) ? ", restartPolicy: Always" + makeProbes() : ""
            lines.append("initContainers: [{name: init, image: \"init:1\"\(always)}]")
        }
        var volumes: [String] = []
        var environment: [String] = []
        if extra.chance(0.15) {
            let name = lateConfiguration("ConfigMap", app)
            if extra.chance(0.5) {
                volumes.append("{name: settings, configMap: {name: \(name)}}")
            } else {
                environment.append("{configMapRef: {name: \(name)}}")
            }
        }
        if further.chance(0.08) {
            let name = lateConfiguration("Secret", app)
            if further.chance(0.5) {
                volumes.append("{name: password, secret: {secretName: \(name)}}")
            } else {
                environment.append("{secretRef: {name: \(name)}}")
            }
        }
        if further.chance(0.06) { volumes.append(makeDisk(app, isForOnePod: isAlone)) }
        if !volumes.isEmpty { lines.append("volumes: [\(volumes.joined(separator: ", "))]") }
        let cpu = dice.pick([100, 250, 500])
        let memory = dice.pick([64, 128, 256])
        var fields = environment.isEmpty ? "" : ", envFrom: [\(environment.joined(separator: ", "))]"
        fields += makeProbes() + makeHooks(within: grace)
        if further.chance(0.1) { fields += ", imagePullPolicy: Always" }
        let limits = makeUsage(cpu: cpu, memory: memory)
        lines.append(
            "containers: [{name: main, image: \"\(image)\"\(fields), "
                + "resources: {requests: {cpu: \(cpu)m, memory: \(memory)Mi}\(limits)}}]")
        return lines
    }

    /// A ConfigMap or a Secret that comes only when the workload's pods have waited for it. Returns its name.
    private mutating func lateConfiguration(_ kind: String, _ app: String) -> String {
        let name = (kind == "Secret" ? "password-" : "settings-") + app
        let object = StormGenerator.object(kind, name)
        if !storm.late.contains(where: { $0.name == object }) {
            let data = kind == "Secret" ? "stringData: {a: b}" : "data: {a: b}"
            let text = "{apiVersion: v1, kind: \(kind), metadata: {name: \(name), namespace: storm}, \(data)}\n"
            storm.late.append(.init(name: object, file: .init(name: name + ".yaml", text: text)))
        }
        return name
    }

    // MARK: Containers

    /// Fields of a container: probes with periods that are no divisors of each other.
    private mutating func makeProbes() -> String {
        var fields = ""
        for kind in ["startup", "liveness", "readiness"] where further.chance(0.15) {
            let check = further.pick(["exec: {command: [check]}", "tcpSocket: {port: 80}", "httpGet: {path: /, port: 80}"])
            var probe = "{\(check), periodSeconds: \(further.pick([1, 3, 7, 11])), failureThreshold: \(further.pick([1, 3, 20]))"
            if further.chance(0.3) { probe += ", initialDelaySeconds: \(further.number(1...13))" }
            if further.chance(0.3) { probe += ", timeoutSeconds: \(further.number(1...5))" }
            if kind == "readiness" {
                if further.chance(0.3) { probe += ", successThreshold: \(further.number(2...3))" }
            } else if further.chance(0.3) {
                probe += ", terminationGracePeriodSeconds: \(further.number(1...20))"
            }
            fields += ", \(kind)Probe: \(probe)}"
        }
        return fields
    }

    /// The same: hooks after the start and before the stop, some of which fail. None may sleep longer than the pod's grace period.
    private mutating func makeHooks(within grace: Int) -> String {
        var hooks: [String] = []
        for hook in ["postStart", "preStop"] where further.chance(0.1) {
            hooks.append("\(hook): {\(further.pick(["sleep: {seconds: \(min(15, grace))}", "exec: {command: [hook]}"]))}")
            behaviour.append("\(hook): {uniform: {min: 100ms, max: \(further.number(1...12))s}}")
        }
        guard !hooks.isEmpty else { return "" }
        if further.chance(0.4) { behaviour.append("failingHooks: [\(further.pick(["postStart", "preStop", "preStop"]))]") }
        return ", lifecycle: {\(hooks.joined(separator: ", "))}"
    }

    /// What a container uses, and its limits: a leak that ends at its limit, or steady use within what it asked for - so that a node full of
    /// such pods is well when all is calm.
    private mutating func makeUsage(cpu: Int, memory: Int) -> String {
        switch further.number(0...11) {
        case 0:
            let pace = further.pick([5, 40, 300])
            behaviour.append("usage: {memory: {growth: {from: 10Mi, perMinute: \(pace)Mi, upTo: \(memory + 50)Mi}}}")
            return ", limits: {memory: \(memory)Mi}"
        case 1...3:
            let (wanted, startup) = (further.pick(["50m", "400m", "3"]), further.pick(["100m", "2"]))
            behaviour.append(
                "usage: {cpu: \"\(wanted)\", startupCPU: \"\(startup)\", memory: \(memory * 3 / 4)Mi, "
                    + "disk: \(further.pick([10, 500]))Mi, processes: 20}")
            return further.chance(0.5) ? ", limits: {cpu: \(2 * cpu)m, memory: \(memory)Mi}" : ""
        default: return ""
        }
    }

    // MARK: Behaviour

    /// How the pods of a workload behave, whose template was made just now.
    mutating func makeBehaviour(_ app: String, of object: String, ends: Bool = false) {
        var parts = ["selector: {matchLabels: {app: \(app)}}", "start: {uniform: {min: 500ms, max: \(dice.number(1...8))s}}"]
        if dice.chance(0.5) { parts.append("ready: {uniform: {min: 0s, max: \(dice.number(1...10))s}}") }
        if dice.chance(0.5) { parts.append("stop: {uniform: {min: 100ms, max: \(dice.number(1...12))s}}") }
        if ends {
            parts.append("run: {exponential: {mean: \(dice.pick([5, 20, 90]))s}}")
            if dice.chance(0.3) { parts.append("exitCode: 1") }
        } else if dice.chance(0.12) {
            parts.append("crash: {exponential: {mean: \(dice.pick([30, 200, 900]))s}}")
        }
        if further.chance(0.07) { parts.append("hang: {exponential: {mean: \(further.pick([60, 300, 1200]))s}}") }
        if further.chance(0.3) { parts.append("imageSize: \(further.pick([50, 300, 900]))Mi") }
        if further.chance(0.1) { parts.append("layerSize: \(further.pick([10, 100]))Mi") }
        if further.chance(0.1) { parts.append("readyAfterRestart: \(further.number(1...30))s") }
        var needs: [StormScenario.Need] = [.object(object)]
        let services = storm.objects.map(\.name).filter { $0.hasPrefix("Service/") }
        if !services.isEmpty, rarities.chance(0.1) {
            let service = rarities.pick(services)
            parts.append("waitsFor: {service: \(service.split(separator: "/").dropFirst().joined(separator: "/"))}")
            needs.append(.object(service))
        }
        storm.behaviours.append(.init(text: "{\((parts + behaviour).joined(separator: ", "))}", needs: needs))
        behaviour = []
    }
}
