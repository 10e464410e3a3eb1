// Checks of Jobs and CronJobs.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/>

extension Job: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec.template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += validateGeneratedSelector()
        errors += spec.validate(at: "spec")
        if let selector = spec.selector {
            errors += selector.validate(at: "spec.selector")
            // A job that has no UID yet gets the rest of its selector, and the labels for it, when it is created.
            let isComplete = spec.manualSelector || !metadata.uid.text.isEmpty
            if isComplete, !selector.matches(spec.template.labels) { errors.append(spec.template.unselected(at: "spec.template")) }
        } else if spec.manualSelector {
            // Any other job gets its selector when it is created.
            errors.append(.required("spec.selector"))
        }
        if spec.completionMode == .indexed, let completions = spec.completions, completions > 0 {
            // The last pod's host name is a DNS label.
            let longest = "\(metadata.name)-\(completions - 1)"
            if !NameValidation.dns1123Label(longest).isEmpty {
                errors.append(
                    .invalid("metadata.name", metadata.name, "will not able to create pod with invalid DNS label: \(longest)"))
            }
        }
        return errors
    }

    /// What the API server put into a job of its own selector must still be there.
    private func validateGeneratedSelector() -> [FieldError] {
        guard !spec.manualSelector, let selector = spec.selector, !metadata.uid.text.isEmpty else { return [] }
        let expected = JobLabels.generated(name: metadata.name, uid: metadata.uid)
        var errors: [FieldError] = []
        for key in JobLabels.ofTemplate {
            let path = "spec.template.metadata.labels[\(key)]"
            let wanted = "must be '\(expected[key] ?? "")'"
            if !spec.template.labels.has(key) {
                errors.append(.required(path, wanted))
            } else if spec.template.labels[key] != expected[key] {
                errors.append(.invalid(path, spec.template.labels.jsonText, quoted: false, wanted))
            }
        }
        if !selector.matches(expected) {
            errors.append(.invalid("spec.selector", selector.jsonText, quoted: false, "`selector` not auto-generated"))
        }
        return errors
    }
}

extension JobLabels {
    /// What the API server adds to the template of a job.
    fileprivate static let ofTemplate = [legacyControllerUID, legacyJobName, controllerUID, jobName]

    fileprivate static func generated(name: String, uid: UID) -> Labels {
        [controllerUID: uid.text, jobName: name, legacyControllerUID: uid.text, legacyJobName: name]
    }
}

/// Bounds of what jobs may ask for.
private enum JobLimits {
    static let parallelismOfIndexed: Int32 = 100_000
    static let failedIndexes: Int32 = 100_000
    /// Above, a limit per index is allowed only with the smaller bounds below.
    static let completions: Int32 = 100_000
    static let parallelismOfMany: Int32 = 10_000
    static let failedIndexesOfMany: Int32 = 10_000
    static let managedBy = 63
}

extension JobSpec {
    /// What holds for jobs and for the templates of CronJobs.
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (field, value) in [
            ("parallelism", parallelism.map { Int64($0) }), ("completions", completions.map { Int64($0) }),
            ("activeDeadlineSeconds", activeDeadlineSeconds), ("backoffLimit", backoffLimit.map { Int64($0) }),
            ("ttlSecondsAfterFinished", ttlSecondsAfterFinished.map { Int64($0) }),
            ("backoffLimitPerIndex", backoffLimitPerIndex.map { Int64($0) }), ("maxFailedIndexes", maxFailedIndexes.map { Int64($0) }),
        ] {
            if let value { errors += NumberValidation.nonNegative(value, at: "\(path).\(field)") }
        }
        if maxFailedIndexes != nil, backoffLimitPerIndex == nil {
            errors.append(.required(path + ".backoffLimitPerIndex", "when maxFailedIndexes is specified"))
        }
        errors += validateManager(at: path + ".managedBy")
        switch completionMode {
        case .indexed: errors += validateIndexed(at: path)
        case .nonIndexed:
            for (field, value) in [("backoffLimitPerIndex", backoffLimitPerIndex), ("maxFailedIndexes", maxFailedIndexes)] {
                if let value { errors.append(.invalid("\(path).\(field)", value, "requires indexed completion mode")) }
            }
        }
        errors += podFailurePolicy?.validate(of: self, at: path + ".podFailurePolicy") ?? []
        errors += validateSuccessPolicy(at: path + ".successPolicy")
        if podFailurePolicy != nil, let policy = podReplacementPolicy, policy != .failed {
            errors.append(.notSupported(path + ".podReplacementPolicy", policy.rawValue, supported: ["Failed"]))
        }
        errors += template.validateMetadata(at: path + ".template")
        errors += validateRestartPolicy(at: path + ".template.spec.restartPolicy")
        return errors
    }

    private func validateManager(at path: String) -> [FieldError] {
        guard !managedBy.isEmpty else { return [] }
        var errors: [FieldError] = []
        let parts = managedBy.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count != 2 || parts[0].isEmpty || parts[1].isEmpty {
            errors.append(.invalid(path, managedBy, "must be a domain-prefixed path (such as \"acme.io/foo\")"))
        } else {
            errors += NameValidation.dns1123Subdomain(parts[0]).map { .invalid(path, parts[0], $0) }
        }
        if managedBy.utf8.count > JobLimits.managedBy {
            errors.append(FieldError(.tooLong, field: path, detail: "may not be more than \(JobLimits.managedBy) bytes"))
        }
        return errors
    }

    private func validateIndexed(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        let most = "must be less than or equal to "
        if completions == nil { errors.append(.required(path + ".completions", "when completion mode is Indexed")) }
        if let parallelism, parallelism > JobLimits.parallelismOfIndexed {
            errors.append(
                .invalid(path + ".parallelism", parallelism, most + "\(JobLimits.parallelismOfIndexed) when completion mode is Indexed"))
        }
        let place = path + ".maxFailedIndexes"
        if let maxFailedIndexes {
            if let completions, maxFailedIndexes > completions { errors.append(.invalid(place, maxFailedIndexes, most + "completions")) }
            if maxFailedIndexes > JobLimits.failedIndexes {
                errors.append(.invalid(place, maxFailedIndexes, most + "\(JobLimits.failedIndexes)"))
            }
        }
        guard let completions, completions > JobLimits.completions, backoffLimitPerIndex != nil else { return errors }
        let condition = " when completions are above \(JobLimits.completions) and used with backoff limit per index"
        if maxFailedIndexes == nil {
            errors.append(.required(place, "must be specified when completions is above \(JobLimits.completions)"))
        }
        if let parallelism, parallelism > JobLimits.parallelismOfMany {
            errors.append(.invalid(path + ".parallelism", parallelism, most + "\(JobLimits.parallelismOfMany)" + condition))
        }
        if let maxFailedIndexes, maxFailedIndexes > JobLimits.failedIndexesOfMany {
            errors.append(.invalid(place, maxFailedIndexes, most + "\(JobLimits.failedIndexesOfMany)" + condition))
        }
        return errors
    }

    /// Pods of jobs end; `Always` is what a policy left out means.
    private func validateRestartPolicy(at path: String) -> [FieldError] {
        switch template.spec.value.restartPolicy {
        case .always: [.required(path, "valid values: \"OnFailure\", \"Never\"")]
        case .onFailure where podFailurePolicy != nil:
            [.invalid(path, RestartPolicy.onFailure.rawValue, "only \"Never\" is supported when podFailurePolicy is specified")]
        case .onFailure, .never: []
        }
    }
}

extension CronJob: ValidatedObject {
    /// Jobs get eleven characters behind the name.
    private static let longestName = 52

    package var podSpecToValidate: PlacedPodSpec? {
        PlacedPodSpec(spec.jobTemplate.spec.template.spec, at: "spec.jobTemplate.spec.template.spec")
    }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += spec.validate(at: "spec")
        if metadata.name.utf8.count > CronJob.longestName {
            errors.append(.invalid("metadata.name", metadata.name, "must be no more than \(CronJob.longestName) characters"))
        }
        return errors
    }
}

extension CronJobSpec {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors = validateSchedule(at: path + ".schedule")
        if let startingDeadlineSeconds {
            errors += NumberValidation.nonNegative(startingDeadlineSeconds, at: path + ".startingDeadlineSeconds")
        }
        if let timeZone { errors += CronJobSpec.validate(timeZone: timeZone, at: path + ".timeZone") }
        let job = jobTemplate.spec
        errors += job.validate(at: path + ".jobTemplate.spec")
        if let selector = job.selector {
            errors.append(
                .invalid(path + ".jobTemplate.spec.selector", selector.jsonText, quoted: false, "`selector` will be auto-generated"))
        }
        if job.manualSelector {
            errors.append(
                FieldError(
                    .notSupported, field: path + ".jobTemplate.spec.manualSelector", value: "true",
                    detail: "supported values: \"nil\", \"false\""))
        }
        for (field, limit) in [
            ("successfulJobsHistoryLimit", successfulJobsHistoryLimit), ("failedJobsHistoryLimit", failedJobsHistoryLimit),
        ] {
            if let limit { errors += NumberValidation.nonNegative(limit, at: "\(path).\(field)") }
        }
        return errors
    }

    private func validateSchedule(at path: String) -> [FieldError] {
        if schedule.isEmpty { return [.required(path)] }
        var errors: [FieldError] = []
        do throws(CronScheduleError) {
            _ = try CronExpression(schedule)
        } catch {
            errors.append(.invalid(path, schedule, error.description))
        }
        if schedule.contains("TZ") {
            errors.append(.invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"))
        }
        return errors
    }

    /// What the API server says of a zone that it does not know.
    package static func unknown(timeZone: String, at path: String = "spec.timeZone") -> FieldError {
        .invalid(path, timeZone, "unknown time zone \(timeZone)")
    }

    /// The form of a zone's name. Whether there is such a zone is seen where the zones are read.
    private static func validate(timeZone: String, at path: String) -> [FieldError] {
        if timeZone.isEmpty { return [.invalid(path, "", "timeZone must be nil or non-empty string")] }
        for part in timeZone.split(separator: "/", omittingEmptySubsequences: false) {
            let isName =
                (1...14).contains(part.utf8.count)
                && part.utf8.allSatisfy {
                    $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
                        || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "+")
                }
            if !isName || part == "." || part == ".." || part.hasPrefix("-") {
                return [unknown(timeZone: timeZone, at: path)]
            }
        }
        guard timeZone.lowercased() == "local" else { return [] }
        return [
            .invalid(path, timeZone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        ]
    }
}
