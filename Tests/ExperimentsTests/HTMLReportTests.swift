// The report is one page that needs nothing else, and draws what the tables say.

import Foundation
import Testing

@testable import Experiments

/// A browser without a window, where there is one.
private let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

@Suite("HTML reports")
struct HTMLReportTests {
    /// The specifications of a page's charts.
    private func charts(_ page: String) throws -> [[String: Any]] {
        var charts: [[String: Any]] = []
        for part in page.components(separatedBy: "<script type=\"application/json\"").dropFirst() {
            let start = try #require(part.firstIndex(of: ">"))
            let text = part[part.index(after: start)...].components(separatedBy: "</script>")[0]
            charts.append(try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]))
        }
        return charts
    }

    private func values(_ chart: [String: Any]) -> [[String: Any]] {
        (chart["data"] as? [String: Any])?["values"] as? [[String: Any]] ?? []
    }

    private func run(_ path: String, into folder: TemporaryFolder) throws -> (outcome: RunOutcome, page: String, path: String) {
        let scenario = try ScenarioFile.load(packageRoot + "/scenarios/" + path)
        let outcome = try scenario.run()
        let results = scenario.resultFolder(below: folder.path)
        try outcome.write(to: results)
        let report = try HTMLReport(of: results)
        try report.write()
        return (outcome, try String(contentsOfFile: report.path, encoding: .utf8), report.path)
    }

    @Test("A run's page has its charts with their data, and fetches nothing")
    func page() throws {
        let folder = try TemporaryFolder()
        let (outcome, page, _) = try run("zone-errors/scenario.yaml", into: folder)
        let charts = try charts(page)
        #expect(charts.count == 5)
        // The state of the cluster: five lines of all samples, over a band for each failure.
        let layers = try #require(charts[0]["layer"] as? [[String: Any]])
        #expect(values(layers[0]).count == outcome.record.recoveries.count)
        #expect(values(try #require(layers.last)).count == 5 * outcome.record.samples.count)
        for forbidden in ["src=\"http", "href=\"http", "@import", "url(http"] { #expect(!page.contains(forbidden)) }
        for file in ["pods.csv", "services.csv", "run.json"] { #expect(page.contains("<a href=\"\(file)\">")) }
        #expect(outcome.expectationsHold && page.contains("class=\"holds\"") && !page.contains("class=\"fails\""))
    }

    @Test("The heat map of nodes adds up to what the cluster had requested")
    func heatMap() throws {
        let folder = try TemporaryFolder()
        let (outcome, page, _) = try run("zone-outage/scenario.yaml", into: folder)
        let heat = values(try charts(page)[2])
        let cores = outcome.record.nodes.map { $0.allocatable.first { $0.name == .cpu }?.amount ?? 0 }
        #expect(Set(cores).count == 1)
        // Bins of equal width, nodes of equal size: the mean over cells is the mean utilisation.
        let mean = heat.reduce(0.0) { $0 + (($1["cpu"] as? NSNumber)?.doubleValue ?? .nan) } / Double(heat.count)
        let expected = outcome.record.nodes.map { $0.meanUtilisation[0].share }.reduce(0, +) / Double(outcome.record.nodes.count)
        #expect(abs(mean - expected) < 0.005)
        #expect(heat.allSatisfy { (($0["cpu"] as? NSNumber)?.doubleValue ?? 2) <= 1.0001 })
    }

    /// What the heat map offers to show.
    private func options(_ chart: [String: Any]) -> [String] {
        let bind = (chart["params"] as? [[String: Any]])?.first?["bind"] as? [String: Any]
        return bind?["options"] as? [String] ?? []
    }

    @Test("The heat map marks nodes that are not Ready, for as long as they are not")
    func notReady() throws {
        let folder = try TemporaryFolder()
        let (outcome, page, _) = try run("zone-outage/scenario.yaml", into: folder)
        let heat = try charts(page)[2]
        #expect(options(heat) == ["cpu", "memory"])
        let layers = try #require(heat["layer"] as? [[String: Any]])
        let down = values(layers[1])
        let bin = 40.0 / 160
        let minutes = down.reduce(0.0) { $0 + (($1["not Ready"] as? NSNumber)?.doubleValue ?? .nan) * bin }
        let expected = outcome.record.nodes.reduce(0.0) { $0 + $1.notReadyTime.seconds } / 60
        #expect(expected > 0 && abs(minutes / expected - 1) < 0.01, "\(minutes) \(expected)")
        #expect(Set(down.compactMap { $0["node"] as? String }).count == 10)
    }

    @Test("What nodes really use is shown beside what is requested, where it was recorded")
    func usage() throws {
        let folder = try TemporaryFolder()
        let (_, page, _) = try run("load-aware/scenario.yaml", into: folder)
        let heat = try #require(try charts(page).first { !options($0).isEmpty })
        #expect(options(heat) == ["cpu", "memory", "cpu used", "memory used"])
        // The services get what four nodes have, and the rest hardly uses anything; requests say the opposite.
        let end = values(heat).filter { (($0["t"] as? NSNumber)?.doubleValue ?? 0) > 13 }
        func mean(_ field: String, where isIncluded: (Double) -> Bool) -> Double {
            let cells = end.filter { isIncluded(($0["cpu"] as? NSNumber)?.doubleValue ?? .nan) }
            return cells.reduce(0.0) { $0 + (($1[field] as? NSNumber)?.doubleValue ?? .nan) } / Double(cells.count)
        }
        #expect(mean("cpu used") { $0 < 0.4 } > 0.9)
        #expect(mean("cpu used") { $0 > 0.4 } < 0.1)
    }

    /// Two nodes with two cards each; pods arrive until more is asked for than there is, and nobody looks in between.
    @Test("A run without samples is drawn from the lives of its pods, and GPUs have a chart of their own")
    func withoutSamples() throws {
        let pods = (0..<6).map { number in
            """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p-\(number), annotations: {seatrial.dev/create-at: "\(number)"}}
            spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1, example.com/gpu: 1}, limits: {example.com/gpu: 1}}}]}

            """
        }.joined()
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: gpus}
            spec:
              duration: 100s
              cluster:
                nodePools: [{name: node, count: 2, resources: {cpu: 16, memory: 32Gi, pods: 20, example.com/gpu: 2}}]
                trace: pods.yaml
                arrivals: {interval: 10s, patience: 5s}
              measure: {interval: 0s}

            """
        let folder = try TemporaryFolder(["scenario.yaml": scenario, "pods.yaml": pods])
        try ScenarioFile.load(folder["scenario.yaml"]).run().write(to: folder["run"])
        let table = try CSVTable(InputFiles.read(folder["run/pods.csv"]), file: "pods.csv")
        #expect(try table.rows.map { table.text($0, try table.column("requested_example.com/gpu")) } == Array(repeating: "1", count: 6))
        let report = try HTMLReport(of: folder["run"])
        try report.write()
        let charts = try charts(String(contentsOfFile: report.path, encoding: .utf8))
        #expect(charts.count == 4)
        // Four pods get a card, two go away without.
        func last(_ chart: [[String: Any]], _ field: String, _ name: String, _ amount: String) -> Double? {
            (chart.last { $0[field] as? String == name }?[amount] as? NSNumber)?.doubleValue
        }
        let state = values(try #require((charts[0]["layer"] as? [[String: Any]])?.last))
        #expect(last(state, "state", "on a node", "pods") == 4)
        #expect(last(state, "state", "gone without a node, in all", "pods") == 2)
        #expect(last(values(charts[1]), "resource", "example.com/gpu", "share") == 1)
        #expect(last(values(charts[2]), "what", "allocated", "share") == 1)
        #expect(last(values(charts[2]), "what", "asked for by pods that went without, in all", "share") == 0.5)
        #expect(options(charts[3]) == ["cpu", "memory", "example.com/gpu"])
    }

    @Test("Times of all charts of a run stand below each other: the same room left of every axis, and no legend beside it")
    func alignment() throws {
        let folder = try TemporaryFolder()
        let (_, page, _) = try run("zone-errors/scenario.yaml", into: folder)
        for chart in try charts(page) {
            let layers = chart["layer"] as? [[String: Any]] ?? [chart]
            var axes = 0
            for encoding in layers.compactMap({ $0["encoding"] as? [String: Any] }) {
                if let axis = (encoding["y"] as? [String: Any])?["axis"] as? [String: Any] {
                    axes += 1
                    #expect(axis["minExtent"] as? Int == 130 && axis["maxExtent"] as? Int == 130)
                }
                for channel in ["color", "strokeDash"] {
                    guard let color = encoding[channel] as? [String: Any] else { continue }
                    #expect((color["legend"] as? [String: Any])?["orient"] as? String == "top")
                }
            }
            #expect(axes > 0)
        }
    }

    @Test("A policy whose runs were deleted is told of, on the page and to the caller")
    func deletedRuns() async throws {
        let folder = try TemporaryFolder()
        let path = packageRoot + "/scenarios/packing/"
        let scenarios = try ["default", path + "pack.yaml"].map {
            try ScenarioFile.load(path + "scenario.yaml", overrides: ScenarioOverrides(duration: "10m", scheduler: $0))
        }
        try await Comparison.run(scenarios, Replicates([1, 2]), output: folder.path).write(to: folder["packing"])
        #expect(try HTMLReport(of: folder["packing"]).warnings.isEmpty)
        try FileManager.default.removeItem(atPath: folder["packing/pack"])
        let report = try HTMLReport(of: folder["packing"])
        #expect(report.warnings.count == 1 && report.warnings[0].contains("packing/pack has no run"), "\(report.warnings)")
        try report.write()
        #expect(try String(contentsOfFile: report.path, encoding: .utf8).contains("There is no run under pack any more."))
    }

    @Test("A comparison's page shows every policy with its differences and a run of each")
    func comparison() async throws {
        let folder = try TemporaryFolder()
        let path = packageRoot + "/scenarios/packing/"
        let scenarios = try ["default", path + "pack.yaml"].map {
            try ScenarioFile.load(path + "scenario.yaml", overrides: ScenarioOverrides(scheduler: $0))
        }
        let comparison = try await Comparison.run(scenarios, Replicates([1, 2, 3]), output: folder.path)
        try comparison.write(to: folder["packing"])
        let report = try HTMLReport(of: folder["packing"], to: folder["page.html"])
        try report.write()
        let page = try String(contentsOfFile: folder["page.html"], encoding: .utf8)
        let charts = try charts(page)
        #expect(charts.count == 2 + 2 * 3)
        #expect(Set(values(charts[0]).compactMap { $0["policy"] as? String }) == ["pack"])
        #expect(Set(values(charts[1]).compactMap { $0["policy"] as? String }) == ["default", "pack"])
        // Links lead from the page to the results, wherever it stands.
        #expect(page.contains("href=\"packing/pack/seed-1/pods.csv\""))
        let inside = try HTMLReport(of: folder["packing"])
        try inside.write()
        #expect(try String(contentsOfFile: inside.path, encoding: .utf8).contains("href=\"pack/seed-1/pods.csv\""))
        // A policy has one colour in both charts, and figures keep the table's order.
        let domains = page.components(separatedBy: "\"domain\":[\"default\",\"pack\"]").count - 1
        #expect(domains >= 4)
        let facet = try #require(charts[1]["facet"] as? [String: Any])
        let order = try #require(facet["sort"] as? [String])
        let metrics = Set(values(charts[1]).compactMap { $0["metric"] as? String })
        #expect(order.count == metrics.count)
        #expect(order.first?.hasPrefix("pods_") == true)
    }

    /// The Differences and Means of a comparison of made-up figures, by name, policy and seed.
    private func charts(of figures: [(name: String, values: [[Double?]])]) throws -> (page: String, charts: [[String: Any]]) {
        let policies = Array(["a", "b", "c"].prefix(figures[0].values.count))
        let seeds = figures[0].values[0].indices.map { UInt64($0 + 1) }
        let runs = policies.indices.flatMap { policy in
            seeds.indices.map { seed in
                let summary = RunSummary(figures.map { Metric(name: $0.name, value: $0.values[policy][seed], unit: "s") })
                return ComparedRun(policy: policy, seed: seeds[seed], summary: summary, failed: [])
            }
        }
        let folder = try TemporaryFolder()
        try Comparison(policies: policies, Replicates(seeds), runs: runs).write(to: folder.path)
        let report = try HTMLReport(of: folder.path)
        try report.write()
        let page = try String(contentsOfFile: report.path, encoding: .utf8)
        return (page, try charts(page))
    }

    @Test("Figures that are 0 under the first policy, and those that are many times as large under another, are arrows with both means")
    func arrows() throws {
        let (page, charts) = try charts(of: [
            ("failed", [[0, 0, 0], [596, 590, 602]]), ("wait", [[0.01, 0.02, 0.01], [1500, 1501, 1499]]),
            ("start", [[100, 110, 105], [150, 165, 161]]), ("same", [[7, 7, 7], [7, 7, 7]]),
            ("rounded", [[0.3, 0.3, 0.3], [0.1 + 0.2, 0.3, 0.1 + 0.2]]),
        ])
        let drawn = values(charts[0])
        #expect(drawn.map { $0["metric"] as? String } == ["failed", "wait", "start"])
        #expect(drawn.map { $0["kind"] as? String } == ["more", "more", "point"])
        #expect(drawn[0]["means"] as? String == "0 → 596" && (drawn[1]["means"] as? String)?.hasSuffix(" → 1500") == true)
        // The axis ends where arrows stand, and what is on it can be read.
        let ends = drawn.compactMap { ($0["high"] as? NSNumber)?.doubleValue }
        #expect(ends[0] == ends[1] && ends[0] < 11 && ends[2] < 1, "\(ends)")
        #expect(abs(((drawn[2]["at"] as? NSNumber)?.doubleValue ?? 0) - 161.0 / 315) < 1e-9)
        #expect(page.contains("an arrow with both means"))
        // What differs by rounding only is a constant.
        #expect(!values(charts[1]).contains { ["same (s)", "rounded (s)"].contains($0["metric"] as? String) })
        // The other way round nothing is without a share.
        let reversed = values(try self.charts(of: [("failed", [[596, 590, 602], [0, 0, 0]])]).charts[0])
        #expect(reversed.map { $0["kind"] as? String } == ["point"] && (reversed[0]["at"] as? NSNumber)?.doubleValue == -1)
    }

    @Test("Differences are shares of the first policy's mean, whatever a later policy has that makes no pair with it, which is told")
    func unpaired() throws {
        let (page, charts) = try charts(of: [
            ("x", [[100, 110, nil, nil], [120, 130, nil, nil], [nil, nil, 7, 8]]), ("y", [[1, 2, 3, 4], [2, 3, 4, 6], [3, 4, 5, 5]]),
        ])
        let x = values(charts[0]).filter { $0["metric"] as? String == "x" }
        #expect(x.map { $0["policy"] as? String } == ["b"])
        #expect(abs(((x[0]["at"] as? NSNumber)?.doubleValue ?? 0) - 20.0 / 105) < 1e-9)
        #expect(page.contains("In no pair of runs, so not drawn: x (c)."))
    }

    @Test("With one seed nothing is said about intervals")
    func oneSeed() async throws {
        let folder = try TemporaryFolder()
        let path = packageRoot + "/scenarios/packing/"
        let scenarios = try ["default", path + "pack.yaml"].map {
            try ScenarioFile.load(path + "scenario.yaml", overrides: ScenarioOverrides(duration: "10m", scheduler: $0))
        }
        try await Comparison.run(scenarios, Replicates([1]), output: folder.path).write(to: folder["packing"])
        let report = try HTMLReport(of: folder["packing"])
        try report.write()
        let page = try String(contentsOfFile: report.path, encoding: .utf8)
        #expect(page.contains("One seed: how much of it is chance"))
        #expect(!page.contains("95 % intervals"))
    }

    @Test("A folder without results is refused, and names are shown as they are")
    func edges() throws {
        let folder = try TemporaryFolder()
        #expect(throws: ScenarioError.self) { try HTMLReport(of: folder.path) }
        var body = HTMLBody()
        body.heading("a <b> & \"c\"")
        #expect(try body.page().contains("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>"))
    }

    @Test("A comparison is called after its scenario, a sweep after its experiment, and a folder above names what is below")
    func titles() async throws {
        let folder = try TemporaryFolder(FactorTests.files)
        let sweep = try await sweep(in: folder)
        #expect(sweep.contains("<h1>web · combinations compared</h1>"))
        #expect(sweep.contains("href=\"cases.csv\""))
        let refused = #expect(throws: ScenarioError.self) { try HTMLReport(of: folder.path) }
        #expect(refused?.description.contains("there are results in \(folder["swept"])") == true, "\(String(describing: refused))")
    }

    /// The page of a sweep.
    private func sweep(in folder: TemporaryFolder) async throws -> String {
        try folder.write(
            "experiment.yaml",
            FactorTests.experiment("  factors: [{name: machines, path: 'cluster.nodePools[0].count', levels: [2, 4]}]\n"))
        _ = try await Sweep(folder["experiment.yaml"], output: folder["swept"]).run(jobs: 2)
        let report = try HTMLReport(of: folder["swept"])
        try report.write()
        return try String(contentsOfFile: report.path, encoding: .utf8)
    }

    enum Page: CaseIterable { case run, comparison, sweep }

    /// Writes a page of results.
    private func write(_ page: Page, in folder: TemporaryFolder) async throws -> (page: String, path: String) {
        switch page {
        case .run:
            let written = try run("zone-errors/scenario.yaml", into: folder)
            return (written.page, written.path)
        case .comparison:
            let path = packageRoot + "/scenarios/packing/"
            let scenarios = try ["default", path + "pack.yaml"].map {
                try ScenarioFile.load(path + "scenario.yaml", overrides: ScenarioOverrides(scheduler: $0))
            }
            try await Comparison.run(scenarios, Replicates([1, 2, 3]), output: nil).write(to: folder.path)
            let report = try HTMLReport(of: folder.path)
            try report.write()
            return (try String(contentsOfFile: report.path, encoding: .utf8), report.path)
        case .sweep:
            for (name, text) in FactorTests.files { try folder.write(name, text) }
            return (try await sweep(in: folder), folder["swept/report.html"])
        }
    }

    @Test(
        "A browser draws every chart without an error or a warning", .enabled(if: browser != nil, "no Chromium on this machine"),
        arguments: Page.allCases)
    func browserDraws(kind: Page) async throws {
        let folder = try TemporaryFolder()
        let (page, path) = try await write(kind, in: folder)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(browser))
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom",
            "--user-data-dir=" + folder["profile"], "file://" + path,
        ]
        let (output, errors) = (folder["dom.html"], folder["log.txt"])
        for file in [output, errors] { #expect(FileManager.default.createFile(atPath: file, contents: nil)) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        let document = try String(contentsOfFile: output, encoding: .utf8)
        #expect(document.contains("data-ready=\"yes\""))
        let drawn = document.components(separatedBy: "class=\"marks\"").count - 1
        #expect(try drawn > 0 && drawn == charts(page).count)
        let log = try String(contentsOfFile: errors, encoding: .utf8)
        #expect(!log.contains("CONSOLE"), "\(log)")
    }
}
