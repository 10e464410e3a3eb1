// What is said when PreFilter plugins leave only nodes that do not exist, or that do not fit.

extension SchedulingAlgorithm {
    static func emptyIntersection(_ plugins: PluginSet, _ profile: SchedulingProfile) -> String {
        let names = profile.names(of: plugins)
        return names.count == 1
            ? "node(s) didn't satisfy plugin \(names[0])"
            : "node(s) didn't satisfy plugin(s) [\(names.joined(separator: " "))] simultaneously"
    }

    static func notInNodeSet(_ plugins: PluginSet, _ profile: SchedulingProfile) -> String {
        "node(s) didn't satisfy plugin(s) [\(profile.names(of: plugins).joined(separator: " "))]"
    }
}
