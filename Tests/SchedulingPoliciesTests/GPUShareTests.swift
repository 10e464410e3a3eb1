// GPUShare: which nodes have room on their GPUs, and which GPU a pod gets.

import APIServer
import KubernetesAPI
import Scheduling
import Testing

@testable import SchedulingPolicies

@Suite("GPUShare")
struct GPUShareTests {
    /// The GPUs of a node on which pods sit.
    private static func gpus(_ count: Int, _ pods: [(milli: Int64, count: Int, devices: [Int])]) -> NodeGPUs {
        var gpus = NodeGPUs(count: count)
        for pod in pods { gpus.count(GPUDemand(count: pod.count, milli: pod.milli), on: pod.devices, sign: 1) }
        return gpus
    }

    @Test("a request is a share of one GPU or a number of whole ones")
    func demands() {
        #expect(GPUDemand(request: 0) == GPUDemand.none)
        #expect(GPUDemand(request: 470) == GPUDemand(count: 1, milli: 470))
        #expect(GPUDemand(request: 1000) == GPUDemand(count: 1, milli: 1000))
        #expect(GPUDemand(request: 4000) == GPUDemand(count: 4, milli: 1000))
        #expect(GPUDemand(request: 1500) == nil)
    }

    @Test("a share fits where one GPU has so much left; whole GPUs need to be wholly free")
    func fits() {
        let gpus = GPUShareTests.gpus(3, [(600, 1, [0]), (500, 1, [1])])
        #expect(gpus.left == [400, 500, 1000])
        #expect(gpus.fits(GPUDemand(count: 1, milli: 1000)))
        #expect(!gpus.fits(GPUDemand(count: 2, milli: 1000)))
        let full = GPUShareTests.gpus(2, [(600, 1, [0]), (500, 1, [1])])
        #expect(full.total == 900)
        #expect(full.fits(GPUDemand(count: 1, milli: 500)))
        #expect(!full.fits(GPUDemand(count: 1, milli: 501)))
        #expect(full.fits(.none))
    }

    @Test("a share goes to the GPU with the least left that has room, whole ones go by number")
    func choice() {
        let gpus = GPUShareTests.gpus(4, [(600, 1, [1]), (700, 1, [2])])
        #expect(gpus.choice(for: GPUDemand(count: 1, milli: 300)) == [2])
        #expect(gpus.choice(for: GPUDemand(count: 1, milli: 400)) == [1])
        #expect(gpus.choice(for: GPUDemand(count: 1, milli: 401)) == [0])
        #expect(gpus.choice(for: GPUDemand(count: 2, milli: 1000)) == [0, 3])
        #expect(gpus.choice(for: GPUDemand(count: 3, milli: 1000)) == nil)
    }

    @Test("what a pod gives back is there again, and its kind is gone with the last of them")
    func release() {
        var gpus = GPUShareTests.gpus(2, [(600, 1, [0]), (300, 1, [0]), (1000, 1, [1])])
        #expect(gpus.left == [100, 0])
        #expect(gpus.kinds.map(\.kind) == [.share, .whole(1)])
        gpus.count(GPUDemand(count: 1, milli: 1000), on: [1], sign: -1)
        gpus.count(GPUDemand(count: 1, milli: 600), on: [0], sign: -1)
        #expect(gpus.left == [700, 1000])
        #expect(gpus.kinds.map(\.kind) == [.share])
    }

    @Test("an annotation lists GPUs; one that makes no sense is none", arguments: [("0", [0]), ("2-3", [2, 3])] as [(String, [Int])])
    func annotations(text: String, devices: [Int]) {
        #expect(GPULedger.devices(of: GPUCluster.running("p", on: "n", gpuMilli: 0, gpus: text)) == devices)
        #expect(GPULedger.annotations(devices)[GPUResource.indexAnnotation] == text)
        for wrong in ["", "-", "1-", "a", "1-1", "-1", "99999"] {
            #expect(GPULedger.devices(of: GPUCluster.running("p", on: "n", gpuMilli: 0, gpus: wrong)) == nil)
        }
    }

    private static func maker(_ pods: [Pod], gpus: Int64 = 2) throws -> DecisionMaker {
        try DecisionMaker(
            configuration: GPUCluster.configuration("BestFit"), registry: .withPolicies,
            nodes: [GPUCluster.node("a", gpus: gpus)], pods: pods)
    }

    @Test("running pods have the GPUs their annotations say")
    func runningPods() throws {
        let pods = [
            GPUCluster.running("one", on: "a", gpuMilli: 600, gpus: "0"), GPUCluster.running("two", on: "a", gpuMilli: 600, gpus: "1"),
        ]
        var maker = try GPUShareTests.maker(pods)
        let made = maker.decide(GPUCluster.pod("third", gpuMilli: 500))
        let decision = try #require(made)
        #expect(decision.infeasible.map(\.reasons) == [["node(s) had no GPU with enough left"]])
        #expect(decision.message?.contains("1 node(s) had no GPU with enough left") == true)
        // Both on one GPU: the other is free.
        var other = try GPUShareTests.maker([pods[0], GPUCluster.running("two", on: "a", gpuMilli: 400, gpus: "0")])
        #expect(other.place(Shared(GPUCluster.pod("whole", gpuMilli: 1000)), draw: { _ in 0 })?.node == "a")
    }

    @Test("a request above a whole GPU must be a number of whole ones")
    func oddRequest() throws {
        var maker = try GPUShareTests.maker([])
        let made = maker.decide(GPUCluster.pod("odd", gpuMilli: 1500))
        #expect(made?.infeasible.first?.rejection == .unschedulableAndUnresolvable)
        #expect(made?.message?.contains("must be a multiple of 1000") == true)
    }

    @Test("what was placed is counted at once: a node takes as many shares as its GPUs have room for")
    func placesUntilFull() throws {
        var maker = try GPUShareTests.maker([], gpus: 3)
        var placed = 0
        while maker.place(Shared(GPUCluster.pod("share-\(placed)", gpuMilli: 300)), draw: { _ in 0 }) != nil { placed += 1 }
        // Three on each GPU: 1000 / 300, though all of the node's 3000 would hold ten.
        #expect(placed == 9)
    }

    @Test("arguments that nobody knows are refused where they stand")
    func wrongArguments() throws {
        for (arguments, message) in [
            ("deviceChoice: Widest", "args.deviceChoice: supported values: \"LeastLeft\", \"Random\""),
            ("wobble: 1", "args.wobble: unknown field"),
        ] {
            let refused = #expect(throws: GPUCluster.Refused.self) {
                try GPUCluster.configuration("BestFit", gpuShare: arguments)
            }
            #expect(refused?.messages.first?.contains(message) == true, "\(refused?.messages ?? [])")
        }
        for (arguments, message) in [
            ("", "args.typicalPods: is needed"), ("typicalPods: [{cpuMilli: 1}]", "args.typicalPods[0].pods: is needed"),
            ("typicalPods: [{pods: -1}]", "args.typicalPods[0].pods: must be a whole number from 1"),
            ("typicalPods: [{pods: 1, gpuMilli: 2000}]", "from 0 to 1000"),
        ] {
            let refused = #expect(throws: GPUCluster.Refused.self) { try GPUCluster.configuration("FGD", arguments: arguments) }
            #expect(refused?.messages.first?.contains(message) == true, "\(refused?.messages ?? [])")
        }
    }
}
