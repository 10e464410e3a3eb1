// Reads what breaks: faults of nodes, of the API server, and failures replayed from a file.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// What an entry of `faults` says.
enum DecodedFault {
    case nodes(Fault)
    case apiServer(APIServerFault)
    case registry(RegistryOutage)
    /// Failures as a file tells of them, each with the line it stands on.
    case replay([(fault: Fault, node: String, line: Int)], file: String)
}

extension ScenarioDecoder {
    mutating func fault(_ node: YAMLNode) -> DecodedFault? {
        if node["registry"] != nil { return registryOutage(node).map { .registry($0) } }
        guard let fields = open(node, ScenarioFormat.fault) else { return nil }
        // Every field is asked for, so that all are checked.
        let nodes = selection(fields)
        let server = field(fields, "apiServer")
        let file = field(fields, "file")
        let at = time(fields, "at")
        let down = downtime(fields)
        let timeToFailure = distribution(fields, "mtbf", meanAtLeast: ScenarioFormat.minimumFaultSeconds)
        let timeToRepair = distribution(fields, "mttr", meanAtLeast: ScenarioFormat.minimumFaultSeconds)
        let until = time(fields, "until")
        let effect = effect(fields)
        let group = string(fields, "group")
        let probability = field(fields, "probability").flatMap { number($0, in: 0...1) }
        let cutsPods = boolean(fields, "cutsPods")
        if cutsPods != nil, effect != .partition { refuse(["cutsPods"], of: fields, "goes with \"effect: partition\"") }

        if let file { return replay(file, node, fields, effect) }
        let recurs = fields["mtbf"] != nil || fields["mttr"] != nil
        if let server {
            refuse(["mtbf", "mttr", "until", "effect", "group", "probability"], of: fields, "does not go with \"apiServer\"")
            return apiServerFault(server, node, at: at, down: down)
        }
        if recurs == (fields["at"] != nil) {
            context.error(node, "either \"at\" is needed (one failure), or \"mtbf\" and \"mttr\" (random failures)")
            return nil
        }
        let schedule: Fault.Schedule
        if recurs {
            refuse(["down"], of: fields, "goes with \"at\"; random failures have \"mttr\"")
            guard let repair = repair(node, fields, effect, timeToRepair), let timeToFailure else { return nil }
            schedule = .random(timeToFailure: timeToFailure, timeToRepair: repair, until: until)
        } else {
            refuse(["until", "group"], of: fields, "goes with \"mtbf\" and \"mttr\"")
            if case .reclamation = effect { refuse(["down"], of: fields, "a machine that is taken back does not return") }
            guard let at else { return nil }
            schedule = .once(at: at, down: down)
        }
        guard let nodes, let effect else { return nil }
        var fault = Fault(nodes: nodes, effect: effect, schedule: schedule)
        fault.commonTo = group
        fault.probability = probability ?? 1
        fault.cutsPods = cutsPods ?? false
        return .nodes(fault)
    }

    /// How long something is down, which must be some time.
    mutating func downtime(_ fields: Fields) -> SimulatedDuration? {
        let down = duration(fields, "down")
        if down == .zero, let node = fields["down"] { context.error(node, "must be longer than 0s: nothing would break") }
        return down
    }

    /// Times to repair go with times to failure; machines that are taken back are not repaired.
    private mutating func repair(
        _ node: YAMLNode, _ fields: Fields, _ effect: Fault.Effect?, _ timeToRepair: Distribution?
    ) -> Distribution? {
        if case .reclamation? = effect {
            refuse(["mttr"], of: fields, "a machine that is taken back does not return; see \"replacement\"")
            refuse(["group"], of: fields, "machines are taken back one by one")
            return .constant(.zero)
        }
        guard fields["mtbf"] != nil, fields["mttr"] != nil else {
            context.error(node, "\"mtbf\" and \"mttr\" go together")
            return nil
        }
        return timeToRepair
    }

    private mutating func effect(_ fields: Fields) -> Fault.Effect? {
        let notice = duration(fields, "notice")
        let drains = boolean(fields, "drains")
        let replacement = distribution(fields, "replacement")
        let name = string(fields, "effect") ?? "crash"
        if name == "reclaim" {
            return .reclamation(Reclamation(notice: notice ?? .minutes(2), isHandled: drains ?? true, replacement: replacement))
        }
        refuse(["notice", "drains", "replacement"], of: fields, "goes with \"effect: reclaim\"")
        if name == "load" {
            guard let node = field(fields, "load") else {
                if let node = fields["effect"] { context.error(node, "needs \"load\": what is taken of the nodes") }
                return nil
            }
            return open(node, ScenarioFormat.outsideLoad).map { .load(outsideLoad($0)) }
        }
        refuse(["load"], of: fields, "goes with \"effect: load\"")
        switch name {
        case "crash": return .crash
        case "kubelet": return .kubeletStop
        case "partition": return .partition
        default: return nil
        }
    }

    private mutating func refuse(_ names: [String], of fields: Fields, _ why: String) {
        for name in names { if let node = fields[name] { context.error(node, why) } }
    }

    // MARK: The API server

    private mutating func apiServerFault(
        _ node: YAMLNode, _ entry: YAMLNode, at: SimulatedTime?, down: SimulatedDuration?
    ) -> DecodedFault? {
        guard let fields = open(node, ScenarioFormat.apiServerFault) else { return nil }
        let outage = boolean(fields, "outage") ?? false
        let latency = field(fields, "latency").flatMap { number($0, in: 1...1000) }
        let delay = duration(fields, "delay")
        let errors = field(fields, "errors").flatMap { number($0, in: 0...1) }
        if outage {
            refuse(["latency", "delay", "errors"], of: fields, "means nothing in an outage")
        } else if ["latency", "delay", "errors"].allSatisfy({ fields[$0] == nil }) {
            context.error(node, "needs outage: true, or one of latency, delay, errors")
        }
        guard let at, let down else {
            context.error(entry, "\"apiServer\" needs \"at\" and \"down\"")
            return nil
        }
        let effect: APIServerFault.Effect =
            outage ? .outage : .brownout(latencyFactor: latency ?? 1, delay: delay ?? .zero, errors: errors ?? 0)
        return .apiServer(APIServerFault(effect, at: at, down: down))
    }

    // MARK: Failures from a file

    private mutating func replay(_ node: YAMLNode, _ entry: YAMLNode, _ fields: Fields, _ effect: Fault.Effect?) -> DecodedFault? {
        refuse(
            ["at", "down", "mtbf", "mttr", "until", "group", "probability", "cutsPods"], of: fields,
            "does not go with \"file\", which says when")
        if case .reclamation = effect { refuse(["effect"], of: fields, "does not go with \"file\"") }
        guard let bytes = file(node), let path = node.scalarText, let effect else { return nil }
        do throws(CSVError) {
            let failures = try ScenarioDecoder.failures(CSVTable(bytes, file: location(of: path)), effect)
            if failures.isEmpty { context.warning(node, "\(location(of: path)):1: there is no failure below the header: nothing breaks") }
            return .replay(failures, file: location(of: path))
        } catch {
            context.error(node, "\(error)")
            return nil
        }
    }

    private static func failures(
        _ table: CSVTable, _ effect: Fault.Effect
    ) throws(CSVError) -> [(fault: Fault, node: String, line: Int)] {
        let columns = (node: try table.column("node"), down: try table.column("down-at"), up: try table.column("up-at"))
        var failures: [(fault: Fault, node: String, line: Int)] = []
        for row in table.rows {
            let name = table.text(row, columns.node)
            if name.isEmpty { throw table.error(row, columns.node, "expected the name of a node") }
            guard let down = try time(table, row, columns.down) else { throw table.error(row, columns.down, "expected a time") }
            let up = try time(table, row, columns.up)
            if let up, up <= down { throw table.error(row, columns.up, "is not after down-at; leave it empty for good") }
            let schedule = Fault.Schedule.once(at: .zero + down, down: up.map { $0 - down })
            failures.append((Fault(nodes: .node(name), effect: effect, schedule: schedule), name, row.line))
        }
        return failures
    }

    /// Seconds, or a duration with units; nil if there is nothing.
    private static func time(_ table: CSVTable, _ row: CSVTable.Row, _ column: Int) throws(CSVError) -> SimulatedDuration? {
        let text = table.text(row, column)
        if text.isEmpty { return nil }
        let withUnit = Double(text) == nil ? text : text + "s"
        guard let duration = try? SimulatedDuration(text: withUnit), duration >= .zero,
            duration <= .seconds(ScenarioFormat.maximumDurationSeconds)
        else { throw table.error(row, column, "expected seconds from the start, or a duration as 1h30m") }
        return duration
    }
}
