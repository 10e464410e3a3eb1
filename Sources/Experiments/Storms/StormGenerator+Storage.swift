// The volumes of a storm: made on demand, or there from the start; and how many a node can have attached.

extension StormGenerator {
    private static let driver = "disk.csi.example.com"

    /// The claims of a StatefulSet, as fields of its spec, and what they need.
    mutating func makeClaimTemplates(_ name: String) -> (fields: String, needs: [StormScenario.Need]) {
        guard dice.chance(0.4) else { return ("", []) }
        makeStorageClass()
        let mode = extra.pick(["ReadWriteOnce", "ReadWriteOnce", "ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"])
        let isThere = further.chance(0.2)
        var needs: [StormScenario.Need] = []
        if isThere {
            for number in 0..<further.number(1...4) { makeVolume("\(name)-\(number)", mode: mode, needs: []) }
        } else {
            needs = [.object("StorageClass//disk")]
        }
        var fields = """
              volumeClaimTemplates:
                - metadata: {name: data}
                  spec: {accessModes: [\(mode)], storageClassName: \(isThere ? "there" : "disk"), resources: {requests: {storage: 1Gi}}}

            """
        if dice.chance(0.4) {
            let policies = ["Retain", "Delete"]
            fields +=
                "  persistentVolumeClaimRetentionPolicy: {whenDeleted: \(dice.pick(policies)), whenScaled: \(dice.pick(policies))}\n"
        }
        return (fields, needs)
    }

    private mutating func makeStorageClass() {
        guard !storm.objects.contains(where: { $0.name == "StorageClass//disk" }) else { return }
        add(
            object: "StorageClass//disk",
            """
            apiVersion: storage.k8s.io/v1
            kind: StorageClass
            metadata: {name: disk}
            provisioner: \(StormGenerator.driver)
            volumeBindingMode: \(dice.pick(["WaitForFirstConsumer", "Immediate"]))

            """)
    }

    /// A claim and a volume that waits for it. A volume that one node alone may have would keep the pods of a workload from ever being
    /// whole on several nodes. Returns the entry of the pod's volumes.
    mutating func makeDisk(_ app: String, isForOnePod: Bool) -> String {
        let mode = isForOnePod ? further.pick(["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]) : "ReadWriteMany"
        let claim = StormGenerator.object("PersistentVolumeClaim", app)
        add(
            object: claim,
            """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: \(app), namespace: storm}
            spec: {accessModes: [\(mode)], storageClassName: there, resources: {requests: {storage: 1Gi}}}

            """)
        makeVolume(app, mode: mode, needs: [.object(claim)])
        return "{name: disk, persistentVolumeClaim: {claimName: \(app)}}"
    }

    /// A volume of the class "there", which nobody makes volumes for; some are in one zone only.
    private mutating func makeVolume(_ name: String, mode: String, needs: [StormScenario.Need]) {
        var zone = ""
        if further.chance(0.3) {
            let name = further.pick(storm.pools).zone
            zone =
                "\n  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: "
                + "[{key: topology.kubernetes.io/zone, operator: In, values: [\(name)]}]}]}}"
        }
        add(
            object: "PersistentVolume//\(name)", needs: needs,
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: \(name)}
            spec:
              accessModes: [\(mode)]
              storageClassName: there
              capacity: {storage: \(further.number(1...2))Gi}
              persistentVolumeReclaimPolicy: Retain
              csi: {driver: \(StormGenerator.driver), volumeHandle: \(name)}\(zone)

            """)
    }

    /// Some nodes can have few volumes attached.
    mutating func makeAttachLimits() {
        guard storm.objects.contains(where: { $0.text.contains("storageClassName") }), further.chance(0.4) else { return }
        for pool in storm.pools {
            for node in 0..<pool.count where further.chance(0.5) {
                let name = pool.node(node)
                add(
                    object: "CSINode//\(name)", needs: [.node(name)],
                    """
                    apiVersion: storage.k8s.io/v1
                    kind: CSINode
                    metadata: {name: \(name)}
                    spec: {drivers: [{name: \(StormGenerator.driver), nodeID: \(name), allocatable: {count: \(further.number(1...3))}}]}

                    """)
            }
        }
    }
}
