// What an experiment file may say.

enum ExperimentFormat {
    static let kind = "Experiment"
    static let maximumSeeds = 10_000

    static let experiment = ScenarioType(
        name: "Experiment", description: "One scenario under several policies, with several seeds each, and the figures one wants to see.",
        fields: [
            ScenarioField("apiVersion", .constant([ScenarioFormat.apiVersion]), required: true, "The version of this format."),
            ScenarioField("kind", .constant([kind]), required: true, "Always Experiment."),
            ScenarioField("metadata", .object("Metadata"), required: true, "The experiment's name."),
            ScenarioField("spec", .object("ExperimentSpec"), required: true, "What it is about."),
        ])

    static let spec = ScenarioType(
        name: "ExperimentSpec", description: "Factors and figures.",
        fields: [
            ScenarioField("scenario", .path, required: true, "The scenario file."),
            ScenarioField(
                "schedulers", .list(.path), required: true,
                "The policies: each a KubeSchedulerConfiguration, or `default`. Differences are to the first."),
            ScenarioField("seeds", .object("Seeds"), required: true, "The replications; every policy runs with every seed."),
            ScenarioField("outputs", .list(.string), "The figures to report, by their names in summary.csv; default: all."),
        ])

    static let seeds = ScenarioType(
        name: "Seeds", description: "Seeds, counted up.",
        fields: [
            ScenarioField("from", .integer(0...Int.max), required: true, "The first."),
            ScenarioField("count", .integer(1...maximumSeeds), required: true, "How many."),
        ])
}
