// What makes two experiments the same: then their cases may lie in one folder.

import KubernetesAPI

extension Experiment {
    /// A fingerprint of everything that the file says and of the program's version, but not of the scenario's files.
    var fingerprint: Fingerprint {
        var result = Fingerprint()
        func add(_ text: String) {
            result.add(Array(text.utf8))
            result.add([0])
        }
        add(SeatrialVersion.current)
        add(name)
        for factor in factors { add(factor.name) }
        for combination in combinations {
            add(combination.label)
            for level in combination.levels { level.describe(add) }
        }
        for seed in replications.runSeeds { add(String(seed)) }
        add(replications.antithetic ? "antithetic" : "")
        if let warmUp { add("warm-up " + warmUp.warmUp.text) }
        for output in outputs { add(output) }
        return result
    }
}

extension FactorLevel {
    /// All that the value does to a scenario, as texts. A policy is known by its name; its file is one of the scenario's.
    fileprivate func describe(_ add: (String) -> Void) {
        switch effect {
        case .scheduler: add("scheduler " + label)
        case .edits(let edits):
            for edit in edits {
                add("field " + edit.field.path.text)
                describe(edit.value, add)
            }
        }
    }

    private func describe(_ node: YAMLNode, _ add: (String) -> Void) {
        switch node.kind {
        case .scalar: add((node.isQuoted ? "text " : "plain ") + (node.scalarText ?? ""))
        case .sequence:
            add("list \(node.count)")
            for element in node.elements { describe(element, add) }
        case .mapping:
            add("map \(node.count)")
            for (key, value) in node.entries {
                add(key)
                describe(value, add)
            }
        }
    }
}
