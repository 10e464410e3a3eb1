// Tables of the API's values: quantities, selectors, names, percentages, hashes.

import KubernetesAPI

enum ValueTables {
    static func quantityParse(_ input: YAMLNode) throws -> Answer {
        let quantity: Quantity
        do {
            quantity = try Quantity(text: try input.text("text"))
        } catch let error as QuantityError {
            return [("error", error.description)]
        }
        var answer: Answer = [
            ("canonical", quantity.description), ("decimal", quantity.decimalText), ("format", quantity.format.rawValue),
            ("value", String(quantity.value)), ("milliValue", String(quantity.milliValue)), ("sign", String(quantity.sign)),
            ("isInt64", String(quantity.int64Value != nil)),
        ]
        if let whole = quantity.int64Value { answer.append(("asInt64", String(whole))) }
        return answer
    }

    static func quantityMath(_ input: YAMLNode) throws -> Answer {
        let a = try Quantity(text: try input.text("a"))
        let b = try Quantity(text: try input.text("b"))
        return [
            ("cmp", String(a.compare(b))), ("equal", String(a == b)), ("sum", (a + b).description),
            ("difference", (a - b).description), ("negA", (-a).description),
        ]
    }

    static func selectorString(_ input: YAMLNode) throws -> Answer {
        let labels = try input.decoded("labels", Labels.self) ?? Labels()
        let selector: Selector
        do { selector = try Selector(text: try input.text("selector")) } catch let error as SelectorError {
            return [("error", error.description)]
        }
        return [
            ("canonical", selector.description), ("matches", String(selector.matches(labels))),
            ("empty", String(selector.isEmpty)), ("selectable", String(selector.isSelectable)),
        ]
    }

    static func selectorObject(_ input: YAMLNode) throws -> Answer {
        let labels = try input.decoded("labels", Labels.self) ?? Labels()
        let object = try input.decoded("selector", LabelSelector.self) ?? LabelSelector()
        let errors = object.validate(at: "spec.selector").map(\.description)
        var answer: Answer = errors.isEmpty ? [] : [("validationErrors", listText(errors))]
        do {
            let selector = try object.selector()
            answer += [("canonical", selector.description), ("matches", String(selector.matches(labels)))]
        } catch {
            answer.append(("error", error.description))
        }
        return answer
    }

    static func nameValidation(_ input: YAMLNode) throws -> Answer {
        let value = try input.text("value")
        let errors: [String]
        switch try input.text("kind") {
        case "dns1123label": errors = NameValidation.dns1123Label(value)
        case "dns1123subdomain": errors = NameValidation.dns1123Subdomain(value)
        case "dns1035label": errors = NameValidation.dns1035Label(value)
        case "labelValue": errors = NameValidation.labelValue(value)
        case "qualifiedName": errors = NameValidation.qualifiedName(value)
        case "envVarName": errors = NameValidation.envVarName(value)
        case "configMapKey": errors = NameValidation.configMapKey(value)
        case "portName": errors = NameValidation.portName(value)
        case "wildcardSubdomain": errors = NameValidation.wildcardSubdomain(value)
        case let kind: throw MalformedCase("unknown kind \(kind)")
        }
        return [("errors", listText(errors))]
    }

    static func intOrPercent(_ input: YAMLNode) throws -> Answer {
        guard let value = try input.decoded("value", IntOrString.self) else { throw MalformedCase("no value") }
        do {
            let scaled = try value.scaled(total: try input.number("total"), roundUp: try input.text("roundUp") == "true")
            return [("value", String(scaled))]
        } catch let error as IntOrStringError {
            return [("error", error.description)]
        }
    }

    static func safeEncode(_ input: YAMLNode) throws -> Answer {
        [("encoded", NameGeneration.safeEncode(try input.text("fnv32aDecimal")))]
    }
}

enum PodTables {
    static func qualityOfService(_ input: YAMLNode) throws -> Answer {
        [("qosClass", try spec(input).qualityOfService.rawValue)]
    }

    static func requests(_ input: YAMLNode) throws -> Answer {
        guard let node = input["podSpec"] else { throw MalformedCase("no podSpec") }
        let spec = try spec(node)
        return [("requests", text(spec.effectiveRequests)), ("limits", text(spec.effectiveLimits))]
    }

    static func text(_ list: ResourceList) -> String {
        mapText(list.map { ($0.name.rawValue, $0.quantity.description) })
    }

    /// Only what resources depend on, undefaulted: the recorded functions were called that way.
    static func spec(_ node: YAMLNode) throws -> PodSpec {
        var spec = PodSpec(containers: try containers(node["containers"]))
        spec.initContainers = try containers(node["initContainers"])
        spec.overhead = try node.decoded("overhead", ResourceList.self) ?? ResourceList()
        if let resources = node["resources"], !resources.isNull { spec.resources = try requirements(resources) }
        return spec
    }

    static func containers(_ node: YAMLNode?) throws -> [Container] {
        guard let node, !node.isNull else { return [] }
        return try node.elements.map { element in
            var container = Container(name: try element.text("name"))
            if let resources = element["resources"] { container.resources = try requirements(resources) }
            container.restartPolicy = element["restartPolicy"]?.scalarText.flatMap { ContainerRestartPolicy(rawValue: $0) }
            return container
        }
    }

    private static func requirements(_ node: YAMLNode) throws -> ResourceRequirements {
        ResourceRequirements(
            requests: try node.decoded("requests", ResourceList.self) ?? ResourceList(),
            limits: try node.decoded("limits", ResourceList.self) ?? ResourceList())
    }
}
