// Every file that an experiment is read from, to be taken elsewhere.

import Foundation

struct SweepInputs: Sendable {
    /// The folder that all of them are in.
    private let root: String
    /// Paths below it, the experiment file first.
    let files: [String]

    var experiment: String { files[0] }

    /// - Throws: `ScenarioError` for a scenario that cannot be read.
    init(_ experiment: Experiment) throws(ScenarioError) {
        var paths = [PathText.standardised(experiment.file)]
        for combination in experiment.combinations.indices {
            for input in try experiment.scenario(combination).inputs {
                let path = PathText.standardised(input.location)
                if !paths.contains(path) { paths.append(path) }
            }
        }
        var root = PathText.split(paths[0]).folder
        while !paths.allSatisfy({ $0.hasPrefix(PathText.join(root, "")) }) { root = PathText.split(root).folder }
        self.root = root
        files = paths.map { String($0.dropFirst(PathText.join(root, "").count)) }
    }

    /// Copies all of them into a folder, as they lie to each other.
    func copy(to folder: String) throws(ResultError) {
        for file in files {
            let target = PathText.join(folder, file)
            try Folders.make(PathText.split(target).folder)
            try WholeFile.write(try InputFiles.read(PathText.join(root, file)), to: target)
        }
    }
}
