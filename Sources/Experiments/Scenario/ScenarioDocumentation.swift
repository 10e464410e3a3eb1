// The page `docs/scenario.md`, from the table of the format.

/// The reference of the scenario format for people.
public enum ScenarioDocumentation {
    public static var text: String {
        var page = """
            # Scenario files

            A scenario is one YAML (or JSON) document. Files it names are looked for beside it. Unknown fields are refused: a misspelt
            field would silently mean something else. `seatrial validate FILE` checks one without running it, `seatrial schema` prints the
            JSON Schema that editors complete from.

            Durations are numbers with units: `300ms`, `2.5s`, `1h30m`, `30d`. Quantities are Kubernetes': `500m`, `32Gi`. A time that
            differs from case to case is a distribution, see below. Names of Deployments are `namespace/name`.

            Written by `seatrial docs scenario` from the table the files are read by.

            """
        page += tables(of: ScenarioFormat.types)
        page += """

            ## Distributions
            A plain duration is constant. Otherwise one family with its parameters, by name or by the mean and a quantile:
            `{lognormal: {mean: 4s, p99: 15s}}` is a lognormal time with mean 4 s that exceeds 15 s once in a hundred times.

            | family | parameters | meaning |
            | --- | --- | --- |

            """
        for family in DistributionFormat.families {
            var forms = family.forms.map { form in
                (form.parameters.map { "`\($0.name)`" } + (form.needsQuantile ? ["a quantile: `p50`, `p99`, `p99.9`, ..."] : [])).joined(
                    separator: ", ")
            }
            if let scalar = family.acceptsScalar { forms.append(text(of: scalar)) }
            page += "| `\(family.name)` | \(forms.joined(separator: "; or ")) | \(family.description) |\n"
        }
        page += """

            # Experiment files
            An experiment is one YAML document, too: a scenario, what is varied about it, seeds, and the figures to keep. How to write and run
            one is told in [experiments.md](experiments.md).

            """
        return page + tables(of: ExperimentFormat.types)
    }

    private static func tables(of types: [ScenarioType]) -> String {
        var page = ""
        for type in types {
            page += "\n## \(type.name)\n\(type.description)\n"
            if !type.exactlyOne.isEmpty { page += "Exactly one of \(type.exactlyOne.map { "`\($0)`" }.joined(separator: ", ")).\n" }
            page += "\n| field | value | meaning |\n| --- | --- | --- |\n"
            for field in type.fields {
                page += "| `\(field.name)`\(field.required ? " (required)" : "") | \(text(of: field.type)) | \(field.description) |\n"
            }
        }
        return page
    }

    private static func text(of type: FieldType) -> String {
        switch type {
        case .string: "text"
        case .boolean: "true or false"
        case .integer(let range):
            range.upperBound == .max ? "whole number from \(range.lowerBound)" : "whole number, \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): range.upperBound > 1e300 ? "number from \(Presentation.number(range.lowerBound))" : "number"
        case .duration: "duration"
        case .timestamp: "RFC 3339 time"
        case .quantity: "quantity"
        case .path: "file"
        case .constant(let values): values.map { "`\($0)`" }.joined(separator: " or ")
        case .objectName: "namespace/name"
        case .labels: "labels"
        case .resources: "quantities by resource"
        case .labelSelector: "label selector"
        case .distribution: "distribution"
        case .kubernetes(let kind): "\(kind) inline"
        case .anything: "anything"
        case .object(let name): "[\(name)](#\(name.lowercased()))"
        case .list(let element): "list of " + text(of: element)
        case .either(let first, let second): text(of: first) + " or " + text(of: second)
        }
    }
}
