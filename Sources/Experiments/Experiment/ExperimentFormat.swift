// What an experiment file may say.

enum ExperimentFormat {
    static let kind = "Experiment"
    static let maximumSeeds = 10_000
    static let maximumCases = 1_000_000

    static let types = [experiment, spec, factor, level, range, design, latinHypercube, sobol, seeds, untilPrecise]

    static let experiment = ScenarioType(
        name: "Experiment", description: "One scenario in several forms, with several seeds each, and the figures one wants to see.",
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
                "schedulers", .list(.path),
                "Policies: each a KubeSchedulerConfiguration, or `default`. Short for a first factor named `scheduler`."),
            ScenarioField(
                "factors", .list(.object("Factor")),
                "What is varied. Differences are to the first combination: the first value of each factor."),
            ScenarioField(
                "design", .either(.constant([grid]), .object("Design")),
                "Which combinations of the factors' values are tried; default `grid`: all."),
            ScenarioField(
                "seeds", .either(.integer(1...maximumSeeds), .object("Seeds")), required: true,
                "The replications; every combination runs with every seed. A number is short for so many from 1 on."),
            ScenarioField(
                "warmUp", ScenarioFormat.warmUp,
                "What figures leave out at the beginning, instead of what the scenario's `measure.warmUp` says; 0s: nothing."),
            ScenarioField(
                "precision", share,
                "How narrow intervals are wanted: half their width as a share of the first combination's mean, such as `2%`. comparison.csv tells "
                    + "how many more runs that takes. Default 5%, or what `untilPrecise` says."),
            ScenarioField(
                "untilPrecise", .object("UntilPrecise"),
                "Goes on with more seeds after the given ones until intervals are so narrow; not in a sweep, whose cases are counted before."
            ),
            ScenarioField("outputs", .list(.string), "The figures to report, by their names in summary.csv; default: all."),
        ])

    /// A share of the whole.
    static let share = FieldType.either(.string, .number(0...1))
    static let defaultMaximumSeeds = 1000

    static let untilPrecise = ScenarioType(
        name: "UntilPrecise", description: "How far to go. If the most seeds do not get there, the exit code is 1.",
        fields: [
            ScenarioField(
                "share", share, required: true,
                "The half width of the intervals of differences to the first combination, as a share of its mean: `1%` or 0.01."),
            ScenarioField("outputs", .list(.string), "Of which figures; default: all that `outputs` of the experiment names."),
            ScenarioField(
                "maximumSeeds", .integer(2...maximumSeeds), "Seeds at most, the first ones included; default \(defaultMaximumSeeds)."),
        ])

    static let factor = ScenarioType(
        name: "Factor", description: "Something that is varied: fields of the scenario or of its manifests, or the scheduler.",
        fields: [
            ScenarioField("name", .string, required: true, "The name of its column in the results."),
            ScenarioField(
                "path", .string,
                "The field it sets, from the scenario's `spec` on: `cluster.nodePools[general].count`, "
                    + "`cluster.objects[Deployment/shop/frontend].spec.replicas`. What is not there is added."),
            ScenarioField("paths", .list(.string), "Several such fields, which get the same value."),
            ScenarioField(
                "levels", .list(.either(.anything, .object("Level"))),
                "The values: text or numbers as they stand in the file; null takes the field away; anything longer needs a name."),
            ScenarioField("range", .object("Range"), "Numbers to choose from, for designs that choose."),
            ScenarioField("schedulers", .list(.path), "Policies instead of fields: each a KubeSchedulerConfiguration, or `default`."),
        ], exactlyOne: ["levels", "range", "schedulers"])

    static let level = ScenarioType(
        name: "Level", description: "A value with a name.",
        fields: [
            ScenarioField("name", .string, required: true, "What results call it."),
            ScenarioField("value", .anything, "Anything that may stand in the field; nothing: the field is taken away."),
        ])

    static let range = ScenarioType(
        name: "Range", description: "Numbers, evenly apart.",
        fields: [
            ScenarioField("from", .number(-1e15...1e15), required: true, "The least."),
            ScenarioField("to", .number(-1e15...1e15), required: true, "The greatest."),
            ScenarioField(
                "step", .number(Double.leastNormalMagnitude...1e15),
                "How far apart they are, counted from the least: 1 for whole numbers. Default: a thousandth of what is between the ends."),
            ScenarioField("unit", .string, "What stands behind the number: `s`, `m`, `Gi`."),
        ])

    static let grid = "grid"

    static let design = ScenarioType(
        name: "Design", description: "Fewer combinations than all.",
        fields: [
            ScenarioField(
                "latinHypercube", .object("LatinHypercube"), "Each value of each factor about equally often, combined at random."),
            ScenarioField(
                "sobol", .object("Sobol"), "As even, by GSL's Sobol sequence; more combinations keep those of fewer. 40 factors at most."),
        ], exactlyOne: ["latinHypercube", "sobol"])

    static let latinHypercube = ScenarioType(
        name: "LatinHypercube", description: "A Latin hypercube.",
        fields: [
            ScenarioField("combinations", .integer(1...maximumCases), required: true, "How many."),
            ScenarioField("seed", .integer(0...Int.max), "Which of all such designs; default 1."),
        ])

    static let sobol = ScenarioType(
        name: "Sobol", description: "The beginning of a Sobol sequence.",
        fields: [ScenarioField("combinations", .integer(1...maximumCases), required: true, "How many.")])

    static let seeds = ScenarioType(
        name: "Seeds", description: "Seeds, counted up.",
        fields: [
            ScenarioField("from", .integer(0...Int.max), required: true, "The first."),
            ScenarioField("count", .integer(1...maximumSeeds), required: true, "How many."),
            ScenarioField(
                "antithetic", .boolean,
                "Whether each seed runs a second time as its mirror image, every uniform draw u as 1 - u. The mean of both is one observation."
            ),
        ])
}
