// Volumes, claims, what drivers publish, services, budgets and the workloads beside Deployments, read from manifests.

import Testing

@testable import KubernetesAPI

@Suite struct StorageDecodingTests {
    private func load(_ text: String, validates: Bool = true) -> ManifestLoader.Result {
        var loader = ManifestLoader(options: validates ? .init() : .stored)
        return loader.load(text, file: "storage.yaml")
    }

    private func one<Object: KubernetesObject>(_: Object.Type, _ text: String) throws -> Object {
        let result = load(text)
        #expect(result.diagnostics == [])
        return try #require(result.objects.first.flatMap { Object.cast($0.object) }).value
    }

    @Test func aVolumeSaysWhereItIsAndForWhom() throws {
        let volume = try one(
            PersistentVolume.self,
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: pv-1}
            spec:
              capacity: {storage: 10Gi}
              accessModes: [ReadWriteOnce]
              storageClassName: fast
              persistentVolumeReclaimPolicy: Delete
              csi: {driver: disk.example.com, volumeHandle: h-1, fsType: ext4}
              claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: shop, name: data, uid: u-1}
              nodeAffinity:
                required:
                  nodeSelectorTerms:
                  - matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [a]}]
            status: {phase: Bound}
            """)
        #expect(volume.spec.source == .csi(driver: "disk.example.com", handle: "h-1"))
        #expect(volume.spec.claimRef == .init(NamespacedName(namespace: "shop", name: "data"), uid: UID("u-1")))
        #expect(volume.spec.nodeAffinity?.terms.count == 1)
        #expect(volume.spec.volumeMode == .filesystem && volume.phase == .bound)
    }

    @Test func aClaimIsBoundWhenBothSidesSaySo() throws {
        var claim = try one(
            PersistentVolumeClaim.self,
            """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data, annotations: {volume.beta.kubernetes.io/storage-class: old}}
            spec: {accessModes: [ReadWriteOncePod], storageClassName: fast, volumeName: pv-1, resources: {requests: {storage: 1Gi}}}
            """)
        #expect(claim.className == "old" && claim.metadata.namespace == "default" && claim.phase == .pending)
        #expect(!claim.isFullyBound)
        claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        #expect(claim.isFullyBound)
    }

    @Test func storageClassesBindAtOnceUnlessTheySayOtherwise() throws {
        let text = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: disk.example.com\n"
        #expect(try one(StorageClass.self, text).volumeBindingMode == .immediate)
        let delayed = try one(
            StorageClass.self,
            text + "volumeBindingMode: WaitForFirstConsumer\nparameters: {tier: gold}\n"
                + "allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [a, b]}]}]\n")
        #expect(delayed.volumeBindingMode == .waitForFirstConsumer)
        #expect(delayed.allowedTopologies.map { $0.matches(["zone": "b"]) } == [true])
        #expect(delayed.allowedTopologies.map { $0.matches(["zone": "c"]) } == [false])
    }

    @Test func aCSINodeTellsLimitsAndMigratedPlugins() throws {
        let node = try one(
            CSINode.self,
            """
            apiVersion: storage.k8s.io/v1
            kind: CSINode
            metadata: {name: n1, annotations: {storage.alpha.kubernetes.io/migrated-plugins: "kubernetes.io/aws-ebs,kubernetes.io/gce-pd"}}
            spec: {drivers: [{name: ebs.csi.aws.com, nodeID: i-1, topologyKeys: [zone], allocatable: {count: 25}}, {name: x, nodeID: i-1}]}
            """)
        #expect(node.drivers.map(\.volumeLimit) == [25, nil])
        #expect(node.serves(.awsElasticBlockStore) && !node.serves(.azureDisk))
    }

    @Test func otherKindsTheSchedulerReadsComeWithoutFindings() {
        let result = load(
            """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: d}, spec: {storageCapacity: true, podInfoOnMount: true}}
            - apiVersion: storage.k8s.io/v1
              kind: CSIStorageCapacity
              metadata: {name: c}
              storageClassName: fast
              capacity: 10Gi
              maximumVolumeSize: 5Gi
              nodeTopology: {matchLabels: {zone: a}}
            - apiVersion: storage.k8s.io/v1
              kind: VolumeAttachment
              metadata: {name: a}
              spec: {attacher: d, nodeName: n1, source: {persistentVolumeName: pv-1}}
              status: {attached: true}
            - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
            - apiVersion: policy/v1
              kind: PodDisruptionBudget
              metadata: {name: web}
              spec: {minAvailable: 50%, selector: {matchLabels: {app: web}}}
              status: {disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2,
                disruptedPods: {web-1: "1970-01-01T00:00:05Z"}}
            - apiVersion: apps/v1
              kind: StatefulSet
              metadata: {name: db}
              spec:
                serviceName: db
                selector: {matchLabels: {app: db}}
                template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}
            - apiVersion: v1
              kind: ReplicationController
              metadata: {name: old}
              spec: {replicas: 2, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: c, image: i}]}}}
            """)
        #expect(result.diagnostics == [])
        #expect(
            result.objects.map(\.object.metadata.namespace) == ["", "default", "", "default", "default", "default", "default"])
        if case .podDisruptionBudget(let budget) = result.objects[4].object {
            #expect(budget.value.status.disruptedPods.map(\.name) == ["web-1"] && budget.value.spec.minAvailable == .percent(50))
        }
        if case .replicationController(let controller) = result.objects[6].object {
            #expect(controller.value.selector == ["app": "old"])
        }
    }

    @Test(arguments: [
        ("{apiVersion: v1, kind: PersistentVolume, metadata: {name: p}, spec: {capacity: {storage: 1Gi}}}", "spec.accessModes"),
        (
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: p}, provisioner: a, volumeBindingMode: Later}",
            "volumeBindingMode"
        ),
        (
            "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p}, spec: {minAvailable: 1, maxUnavailable: 1}}",
            "spec"
        ),
        ("{apiVersion: v1, kind: Service, metadata: {name: p}, spec: {ports: [{port: 0}]}}", "spec.ports[0].port"),
        ("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: p}, spec: {}}", "spec.selector"),
    ])
    func wrongObjectsAreRefused(_ text: String, field: String) {
        let result = load(text)
        #expect(result.objects.isEmpty)
        #expect(result.diagnostics.contains { $0.severity == .error && $0.field == field }, "\(result.diagnostics)")
    }
}
