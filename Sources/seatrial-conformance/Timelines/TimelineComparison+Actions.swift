// What the API server answered to the driver, recorded and simulated: refusals with code and text, what admission made of an object.

extension TimelineComparison {
    mutating func compare(_ actions: [ReplayedAction]) {
        for action in actions {
            let subject = "line \(action.action.line) of the recording"
            let time = Double(action.action.time)
            if let obstacle = action.obstacle {
                result.differ(at: time, subject, recorded: "\(action.action.action)", simulated: obstacle)
                continue
            }
            if let got = action.result, case .list? = action.action.result {
                let wanted = (action.action.result?.json ?? "") + " " + action.action.annotations.json
                if wanted != got { result.differ(at: time, subject, recorded: wanted, simulated: got) }
            }
            if action.action.refusal == nil, action.refusal == nil { continue }
            result.refusals += 1
            let wanted = action.action.refusal.map { "\($0.status) \(recorded.inRoles($0.message))" } ?? "accepted"
            let got = action.refusal.map { "\($0.status) \(simulated.inRoles($0.message))" } ?? "accepted"
            if wanted != got { result.differ(at: time, subject, recorded: wanted, simulated: got) }
        }
    }
}
