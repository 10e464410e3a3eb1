// Broken manifests: what containers say of their lives.

extension BrokenManifest {
    /// A rule, or several, of a container's restart rules, on line 8.
    private static func restartRule(_ name: String, _ rule: String, _ finding: String) -> BrokenManifest {
        container(
            "restart rule: " + name, "restartPolicyRules: [\(rule)]\n    restartPolicy: Never",
            "8: spec.containers[0].restartPolicyRules" + finding)
    }

    static let lifecycles: [BrokenManifest] = [
        .container(
            "restart rules without a policy", "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3]}}]",
            "6: spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"),
        restartRule(
            "unknown action", "{action: Stop, exitCodes: {operator: In}}",
            "[0].action: Unsupported value: \"Stop\": supported values: \"Restart\", \"RestartAllContainers\""),
        restartRule(
            "unknown operator", "{action: Restart, exitCodes: {operator: Equals, values: [3]}}",
            "[0].exitCodes.operator: Unsupported value: \"Equals\": supported values: \"In\", \"NotIn\""),
        restartRule(
            "no operator", "{action: Restart, exitCodes: {values: [3]}}",
            "[0].exitCodes.operator: Unsupported value: \"\": supported values: \"In\", \"NotIn\""),
        restartRule("no exit codes", "{action: Restart}", "[0].exitCodes: Required value: must be specified"),
        restartRule(
            "too many exit codes",
            "{action: Restart, exitCodes: {operator: In, values: [\((0...255).map(String.init).joined(separator: ", "))]}}",
            "[0].exitCodes.values: Too many: 256: must have at most 255 items"),
        restartRule(
            "too many rules",
            Array(repeating: "{action: Restart, exitCodes: {operator: In}}", count: 21).joined(separator: ", "),
            ": Too many: 21: must have at most 20 items"),
        .container(
            "container's own policy", "restartPolicy: Sometimes",
            "8: spec.containers[0].restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", \"OnFailure\""),
        .pod(
            "init container's rules without a policy",
            "initContainers: [{name: i, image: i, restartPolicyRules: [{action: Restart, exitCodes: {operator: In}}]}]",
            "6: spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"),
        .container(
            "pre-stop hook that outlasts the grace period", "lifecycle: {preStop: {sleep: {seconds: 31}}}",
            "8: spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: "
                + "must be non-negative and less than terminationGracePeriodSeconds (30)"),
        .container(
            "post-start hook of a negative time", "lifecycle: {postStart: {sleep: {seconds: -1}}}",
            "8: spec.containers[0].lifecycle.postStart.sleep: Invalid value: -1: "
                + "must be non-negative and less than terminationGracePeriodSeconds (30)"),
    ]
}
