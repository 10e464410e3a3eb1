// Whatever is asked of it, the API server keeps its promises: random sequences of requests.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Store invariants")
struct StorePropertyTests {
    private static let kinds: [ObjectKey] = (0..<4).map { podKey("p\($0)") } + (0..<3).map { deploymentKey("d\($0)") }

    /// A request drawn at random, sensible or not.
    private func request(_ stream: inout RandomStream, _ api: APIServer) -> APIRequest {
        func draw(_ bound: Int) -> Int { stream.uniform(below: bound) }
        let key = StorePropertyTests.kinds[draw(StorePropertyTests.kinds.count)]
        let stored = api.objects[key]
        let uid = draw(8) == 0 ? UID("none") : stored?.metadata.uid ?? UID("none")
        let fresh =
            key.kind == .pod
            ? APIObject(pod(key.name.name, node: draw(2) == 0 ? "n" : nil, finalizers: draw(4) == 0 ? ["f"] : []))
            : APIObject(deployment(key.name.name, image: "app:\(draw(3))", labels: ["l": "\(draw(3))"]))
        switch draw(9) {
        case 0, 1: return .create(fresh)
        case 2: return .operate(key, .apply(fresh))
        case 3: return .operate(key, .scale(Int32(draw(5)) - 1))
        case 4:
            let changed = (stored ?? fresh).withMetadata {
                $0.labels["n"] = "\(draw(3))"
                if draw(4) == 0 { $0.resourceVersion &-= 1 }
            }
            return draw(2) == 0 ? .update(changed) : .updateStatus(changed)
        case 5: return .bind(key.name, uid: uid, node: "n\(draw(2))")
        case 6:
            let phases: [PodPhase] = [.pending, .running, .succeeded, .failed]
            return .patchPod(key.name, uid: uid, .kubeletStatus(Shared(PodStatus(phase: phases[draw(4)]))))
        case 7: return .patchMetadata(key, uid: uid, .removeFinalizer(["f", Finalizers.orphan][draw(2)]))
        default:
            let propagation: [DeleteOptions.Propagation] = [.background, .background, .foreground, .orphan]
            return .delete(
                key, DeleteOptions(gracePeriodSeconds: [nil, 0, 5, 40][draw(4)], uid: uid, propagation: propagation[draw(4)]))
        }
    }

    private func run(_ api: inout APIServer, _ stream: inout RandomStream, steps: Int, from start: Int) {
        for step in start..<(start + steps) { _ = api.execute(request(&stream, api), at: seconds(Double(step) / 3)) }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `the watch log replays to the store, version by version`(_ seed: UInt64) throws {
        var api = APIServer(seed: seed)
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("test"), owner: "test")
        run(&api, &stream, steps: 400, from: 0)
        var replica = ObjectTables()
        var version: UInt64 = 0
        while let event = api.watchLog.next(for: .scheduler, committedBy: .distantFuture) {
            let object = event.object
            #expect(object.metadata.resourceVersion > version)
            version = object.metadata.resourceVersion
            switch event.change {
            case .added:
                #expect(replica[object.key] == nil)
                replica[object.kind].set(object, as: object.key.name)
            case .modified:
                #expect(replica[object.key] == event.previous)
                let old = try #require(event.previous?.metadata)
                #expect(old.uid == object.metadata.uid)
                #expect(old.generation <= object.metadata.generation)
                #expect(!old.isTerminating || object.metadata.isTerminating)
                replica[object.kind].set(object, as: object.key.name)
            case .deleted: #expect(replica[object.kind].remove(object.key.name) != nil)
            }
        }
        #expect(version == api.resourceVersion)
        for key in StorePropertyTests.kinds { #expect(replica[key] == api.objects[key]) }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `a fork by assignment goes on identically and apart`(_ seed: UInt64) {
        var api = APIServer(seed: seed)
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("test"), owner: "test")
        run(&api, &stream, steps: 100, from: 0)
        var fork = api
        var forkStream = stream
        run(&api, &stream, steps: 100, from: 100)
        let before = fork.resourceVersion
        #expect(before <= api.resourceVersion)
        run(&fork, &forkStream, steps: 100, from: 100)
        #expect(fork.resourceVersion == api.resourceVersion)
        for key in StorePropertyTests.kinds { #expect(fork.objects[key] == api.objects[key]) }
    }

    @Test func `every watcher reads every event once, at its own pace`() {
        var log = WatchLog()
        for index in 0..<100 { log.append(WatchEvent(.added, APIObject(pod("p\(index)")), time: seconds(Double(index)))) }
        var counts = Array(repeating: 0, count: Watcher.allCases.count)
        for watcher in Watcher.allCases.reversed() {
            let limit = Double(watcher.rawValue) * 30
            while log.next(for: watcher, committedBy: seconds(limit)) != nil { counts[Int(watcher.rawValue)] += 1 }
        }
        #expect(counts == [1, 31, 61, 91])
        #expect(!log.isEmpty)
        for watcher in Watcher.allCases {
            while log.next(for: watcher, committedBy: .distantFuture) != nil { counts[Int(watcher.rawValue)] += 1 }
        }
        #expect(counts == [100, 100, 100, 100])
        #expect(log.isEmpty)
    }
}
