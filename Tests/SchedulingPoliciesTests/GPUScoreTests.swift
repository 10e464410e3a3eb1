// The scores of the GPU policies: worked examples of their formulas.

import KubernetesAPI
import Scheduling
import Testing

@testable import SchedulingPolicies

@Suite("Scores of the GPU policies")
struct GPUScoreTests {
    private struct Case {
        var cores: Int64 = 128
        var used: [(milli: Int64, count: Int, devices: [Int])] = []
        var gpus = 8
        var cpuAsked: Int64 = 8000
        var asked = GPUDemand(count: 1, milli: 500)

        var figures: NodeFigures {
            var state = NodeGPUs(count: gpus)
            for pod in used { state.count(GPUDemand(count: pod.count, milli: pod.milli), on: pod.devices, sign: 1) }
            return NodeFigures(cpuFree: cores * 1000, cpuAsked: cpuAsked, gpus: state, demand: asked)
        }
    }

    private static func plugin<Plugin>(_ make: (PluginArguments?, inout NodeTable) throws -> Plugin) throws -> Plugin {
        var nodes = NodeTable()
        return try make(nil, &nodes)
    }

    @Test("BestFit: less left is better")
    func bestFit() throws {
        let plugin = try GPUScoreTests.plugin(BestFitPlugin.init)
        // 120 of 128 cores and 7.5 of 8 GPUs are left: 100 (1 - 0.46875 - 0.46875) = 6.25.
        #expect(plugin.score(Case().figures) == 6)
        // 24 cores and 1.5 of 2 GPUs: 100 (1 - 0.09375 - 0.09375) = 81.25.
        #expect(plugin.score(Case(cores: 32, gpus: 2).figures) == 81)
    }

    @Test("DotProd: the smaller the product of free and asked, the better")
    func dotProd() throws {
        let plugin = try GPUScoreTests.plugin(DotProdPlugin.init)
        // 100 (1 - (1 x 0.0625 + 1 x 0.0625) / 2) = 93.75.
        #expect(plugin.score(Case().figures) == 93)
        // 100 (1 - (0.25 x 0.0625 + 0.25 x 0.0625) / 2) = 98.4375.
        #expect(plugin.score(Case(cores: 32, gpus: 2).figures) == 98)
    }

    @Test("BestFit and DotProd are stretched between the worst and the best node")
    func normalisation() throws {
        let plugin = try GPUScoreTests.plugin(BestFitPlugin.init)
        var scores: [Int64] = [6, 81, 40]
        NodeScore.normaliseBetweenExtremes(&scores)
        #expect(scores == [0, 100, 45])
        scores = [7, 7]
        NodeScore.normaliseBetweenExtremes(&scores)
        #expect(scores == [0, 0])
        #expect(plugin.normalises)
    }

    @Test("GpuPacking: a GPU in use, else free ones of a node in use, else an untouched node")
    func gpuPacking() throws {
        let plugin = try GPUScoreTests.plugin(GpuPackingPlugin.init)
        #expect(plugin.score(Case().figures) == 25)
        #expect(plugin.score(Case(gpus: 2).figures) == 31)
        // One GPU is half used: the share joins it. What is left: 7 x 100 + 50 of 100 each, a tenth of it is 75.
        #expect(plugin.score(Case(used: [(500, 1, [0])]).figures) == 50)
        #expect(plugin.score(Case(used: [(500, 1, [0])], gpus: 2).figures) == 85)
        // No room beside the other: one free GPU is needed.
        #expect(plugin.score(Case(used: [(600, 1, [0])]).figures) == 49)
        #expect(plugin.score(Case(used: [(600, 1, [0])], asked: GPUDemand(count: 4, milli: 1000)).figures) == 46)
        #expect(plugin.score(Case(asked: .none).figures) == 0)
    }

    @Test("GpuClustering: pods of one kind together")
    func gpuClustering() throws {
        let plugin = try GPUScoreTests.plugin(GpuClusteringPlugin.init)
        #expect(plugin.score(Case().figures) == 25)
        // 500 of 8000 are used: 25 x 500 / 8000 = 1.
        #expect(plugin.score(Case(used: [(500, 1, [0])]).figures) == 76)
        // A share and a whole one: 25 x 1500 / 8000 = 4.
        #expect(plugin.score(Case(used: [(500, 1, [0]), (1000, 1, [1])]).figures) == 54)
        #expect(plugin.score(Case(used: [(1000, 1, [1])]).figures) == 3)
        #expect(plugin.score(Case(used: [(1000, 2, [0, 1])], asked: GPUDemand(count: 2, milli: 1000)).figures) == 81)
        #expect(plugin.score(Case(asked: .none).figures) == 0)
    }

    @Test(
        "Scores stay between 0 and 100 on machines with more GPUs than the trace's largest, and pods of one kind are preferred there, too")
    func largeMachines() throws {
        let (clustering, packing) = (try GPUScoreTests.plugin(GpuClusteringPlugin.init), try GPUScoreTests.plugin(GpuPackingPlugin.init))
        let uses: [[(milli: Int64, count: Int, devices: [Int])]] = [[], [(1000, 4, [0, 1, 2, 3])], [(500, 1, [5])]]
        for gpus in [8, 9, 16, 40, 200] {
            for used in uses {
                for asked in [GPUDemand(count: 1, milli: 500), GPUDemand(count: 4, milli: 1000), .none] {
                    let figures = Case(used: used, gpus: gpus, asked: asked).figures
                    for score in [clustering.score(figures), packing.score(figures)] {
                        #expect((0...100).contains(score), "\(gpus) \(used)")
                    }
                }
            }
        }
        // 4 of 16 are used: 25 x 4 / 16 = 6.
        let four = Case(used: [(1000, 4, [0, 1, 2, 3])], gpus: 16, asked: GPUDemand(count: 4, milli: 1000))
        #expect(clustering.score(four.figures) == 81 && clustering.score(Case(gpus: 16).figures) == 25)
        // An untouched node stays below one in use.
        #expect(packing.score(Case(gpus: 60).figures) == 33)
    }

    @Test("amounts that no machine has leave scores where numbers end")
    func huge() throws {
        let product = try GPUScoreTests.plugin(DotProdPlugin.init)
        #expect(product.score(Case(cores: .max / 1000, cpuAsked: .max).figures) == .min)
        let fit = try GPUScoreTests.plugin(BestFitPlugin.init)
        #expect(fit.score(Case(cores: .max / 1000).figures) < 0)
        var scores = [Int64.min, 0, .max]
        NodeScore.normaliseBetweenExtremes(&scores)
        #expect(scores == [0, 50, 100])
        scores = [.max, .max / 2, 0, .min]
        NodeScore.normaliseByMaximum(&scores, reversed: false)
        #expect(scores == [100, 49, 0, -100])
        scores = [.max, 0]
        NodeScore.normaliseByMaximum(&scores, reversed: true)
        #expect(scores == [0, 100])
    }

    @Test("fragmentation: what a typical pod could not use")
    func fragmentation() {
        let workload = Fragmentation([
            TypicalPod(cpuMilli: 4000, demand: GPUDemand(count: 1, milli: 500), pods: 2),
            TypicalPod(cpuMilli: 8000, demand: GPUDemand(count: 2, milli: 1000), pods: 1),
            TypicalPod(cpuMilli: 1000, demand: .none, pods: 1),
        ])
        // Half of the pods ask for 500: 300 is too little for them. The pod with two GPUs does not fit, the one with none never needs any:
        // all 1300 are lost to each.
        #expect(workload.amount(cpuFree: 16_000, left: [300, 1000]) == 0.5 * 300 + 0.25 * 1300 + 0.25 * 1300)
        // With 2000 thousandths of a core only the last could run, and it wants no GPU.
        #expect(workload.amount(cpuFree: 2000, left: [300, 1000]) == 1300)
        #expect(workload.amount(cpuFree: 16_000, left: [1000, 1000]) == 0.25 * 2000)
        #expect(workload.amount(cpuFree: 16_000, left: []) == 0)
    }

    @Test("FGD fills up the GPU on which the least becomes useless")
    func fragmentationGradient() throws {
        var nodes = NodeTable()
        // Half of the pods ask for 700 and half for 300.
        let arguments = PluginArguments.other(
            #"{"typicalPods":[{"cpuMilli":0,"gpuCount":1,"gpuMilli":700,"pods":1},{"cpuMilli":0,"gpuCount":1,"gpuMilli":300,"pods":1}]}"#)
        let plugin = try FragmentationPlugin(arguments, &nodes)
        // On a GPU with 300 left nothing useful is lost: those 300 were lost to half the pods, now they are gone. F falls by 150:
        // 100 / (1 + e^-0.15) = 53.7. On the free GPU 700 stay: F does not change: 50.
        let joined = Case(used: [(700, 1, [0])], gpus: 2, asked: GPUDemand(count: 1, milli: 300)).figures
        #expect(plugin.score(joined) == 53)
        let apart = Case(gpus: 1, asked: GPUDemand(count: 1, milli: 300)).figures
        #expect(plugin.score(apart) == 50)
        // 500 of a free GPU: the other 500 are lost to those that ask for 700. F rises by 250: 100 / (1 + e^0.25) = 43.8.
        #expect(plugin.score(Case(gpus: 1).figures) == 43)
    }
}
