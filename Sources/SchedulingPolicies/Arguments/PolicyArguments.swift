// Reading the arguments that a configuration gives a plugin which is not one of Kubernetes' own.

import KubernetesAPI
import Scheduling

/// Arguments with which a policy cannot be made.
struct PolicyArgumentError: Error, CustomStringConvertible {
    let description: String
}

/// The fields of `pluginConfig[].args`. Each that is read is ticked off; what is left at the end is unknown.
struct PolicyArguments {
    private let node: YAMLNode?
    private let path: String
    private var unread: [String]

    /// - Parameter plugin: whose arguments they are: `kind`, if given, is its name and `Args`.
    init(_ arguments: PluginArguments?, of plugin: String) throws(PolicyArgumentError) {
        guard case .other(let text)? = arguments, text != "null" else {
            self.init(nil, "args")
            return
        }
        let file: YAMLFile
        do throws(YAMLError) {
            file = try YAMLFile.parse(text, name: "args.json")
        } catch {
            throw PolicyArgumentError(description: "args: \(error.message)")
        }
        guard let root = file.documents.first, root.kind == .mapping else {
            throw PolicyArgumentError(description: "args: must be an object")
        }
        self.init(root, "args")
        try check("apiVersion", is: "kubescheduler.config.k8s.io/v1")
        try check("kind", is: plugin + "Args")
    }

    private mutating func check(_ name: String, is expected: String) throws(PolicyArgumentError) {
        guard let text = try text(name), text != expected else { return }
        throw failure(name, "must be \(expected)")
    }

    private init(_ node: YAMLNode?, _ path: String) {
        self.node = node
        self.path = path
        unread = node?.entries.map(\.key) ?? []
    }

    private mutating func value(_ name: String) -> YAMLNode? {
        unread.removeAll { $0 == name }
        guard let value = node?[name], !value.isNull else { return nil }
        return value
    }

    private func failure(_ name: String, _ text: String) -> PolicyArgumentError {
        PolicyArgumentError(description: "\(path).\(name): \(text)")
    }

    /// A whole number within a range; nil if absent.
    mutating func integer(_ name: String, in range: ClosedRange<Int64>) throws(PolicyArgumentError) -> Int64? {
        guard let value = value(name) else { return nil }
        var context = DecodingContext()
        guard let number = Int64.decode(value, &context), range.contains(number) else {
            let end = range.upperBound == .max ? "on" : "to \(range.upperBound)"
            throw failure(name, "must be a whole number from \(range.lowerBound) \(end)")
        }
        return number
    }

    /// A number within a range, written as such or as a text; nil if absent.
    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(PolicyArgumentError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.scalarText.flatMap(Double.init), range.contains(number) else {
            let end = range.upperBound == .greatestFiniteMagnitude ? "on" : "to \(range.upperBound)"
            throw failure(name, "must be a number from \(range.lowerBound) \(end)")
        }
        return number
    }

    /// Amounts of resources; nil if absent.
    mutating func resources(_ name: String) throws(PolicyArgumentError) -> ResourceList? {
        guard let value = value(name) else { return nil }
        var context = DecodingContext()
        guard value.kind == .mapping, let list = ResourceList.decode(value, &context), !context.hasErrors else {
            throw failure(name, "must be amounts of resources")
        }
        return list
    }

    /// True or false; nil if absent.
    mutating func flag(_ name: String) throws(PolicyArgumentError) -> Bool? {
        guard let value = value(name) else { return nil }
        var context = DecodingContext()
        guard let flag = Bool.decode(value, &context) else { throw failure(name, "must be true or false") }
        return flag
    }

    /// A text that is not empty; nil if absent.
    mutating func text(_ name: String) throws(PolicyArgumentError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.scalarText, !text.isEmpty else { throw failure(name, "must be a text") }
        return text
    }

    /// One of the raw values of a type; nil if absent.
    mutating func constant<Constant: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(PolicyArgumentError) -> Constant? where Constant.RawValue == String {
        guard let value = value(name) else { return nil }
        guard let constant = value.scalarText.flatMap(Constant.init) else {
            throw failure(name, "supported values: " + Constant.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
        }
        return constant
    }

    /// An object; nil if absent.
    mutating func object(_ name: String) throws(PolicyArgumentError) -> PolicyArguments? {
        guard let value = value(name) else { return nil }
        guard value.kind == .mapping else { throw failure(name, "must be an object") }
        return PolicyArguments(value, "\(path).\(name)")
    }

    /// A list of objects; empty if absent.
    mutating func objects(_ name: String) throws(PolicyArgumentError) -> [PolicyArguments] {
        guard let value = value(name) else { return [] }
        guard value.kind == .sequence else { throw failure(name, "must be an array") }
        var result: [PolicyArguments] = []
        for (index, element) in value.elements.enumerated() {
            guard element.kind == .mapping else { throw failure("\(name)[\(index)]", "must be an object") }
            result.append(PolicyArguments(element, "\(path).\(name)[\(index)]"))
        }
        return result
    }

    /// Says that a field is missing.
    func missing(_ name: String, _ what: String) -> PolicyArgumentError { failure(name, "is needed: \(what)") }

    /// To be called last.
    func finish() throws(PolicyArgumentError) {
        if let unknown = unread.first { throw failure(unknown, "unknown field") }
    }
}
