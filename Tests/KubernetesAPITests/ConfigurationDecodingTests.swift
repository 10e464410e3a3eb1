// Reading ConfigMaps and Secrets, what pods take from them, and volumes that are attached.

import Testing

@testable import KubernetesAPI

@Suite("Configuration and attachable volumes")
struct ConfigurationDecodingTests {
    private static func load(_ text: String) -> (objects: [APIObject], messages: [String]) {
        var loader = ManifestLoader()
        let result = loader.load(Array(text.utf8), file: "a.yaml")
        return (result.objects.map(\.object), result.diagnostics.map(\.description))
    }

    @Test func `entries are known by name, another text is another object`() throws {
        let (objects, messages) = Self.load(
            """
            {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {b: x, a: "y"}, binaryData: {c: eA==}}
            ---
            {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {b: x, a: "z"}, binaryData: {c: eA==}}
            ---
            {apiVersion: v1, kind: Secret, metadata: {name: c}, type: Opaque, stringData: {user: me}}
            """)
        #expect(messages.isEmpty)
        guard objects.count == 3, case .configMap(let first) = objects[0], case .configMap(let second) = objects[1],
            case .secret(let secret) = objects[2]
        else {
            Issue.record("expected two ConfigMaps and a Secret")
            return
        }
        #expect(first.value.keys == ["a", "b", "c"] && first.value.contents != second.value.contents)
        #expect(secret.value.keys == ["user"] && secret.value.metadata.namespace == "default")
    }

    @Test func `a key that no file can have is refused`() {
        let (objects, messages) = Self.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {\"a/b\": x}}")
        #expect(objects.isEmpty && messages.count == 1 && messages[0].contains("data[a/b]: Invalid value"))
    }

    @Test func `volumes and environments say what they take`() throws {
        let (objects, messages) = Self.load(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              containers:
                - name: c
                  image: i
                  env:
                    - {name: A, valueFrom: {configMapKeyRef: {name: m, key: k, optional: true}}}
                    - {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}
                    - {name: C, value: x}
                  envFrom: [{configMapRef: {name: all}}, {secretRef: {name: some, optional: true}}]
              volumes:
                - {name: v, configMap: {name: m, items: [{key: a, path: a}]}}
                - {name: w, secret: {secretName: s, optional: true}}
                - name: x
                  projected: {sources: [{configMap: {name: m}}, {secret: {name: s}}, {serviceAccountToken: {path: t}}]}
                - {name: "y", emptyDir: {}}
                - {name: z, emptyDir: {medium: Memory, sizeLimit: 0}}
            """)
        #expect(messages.isEmpty)
        guard case .pod(let pod)? = objects.first else {
            Issue.record("expected a pod")
            return
        }
        let spec = pod.value.spec.value
        #expect(
            spec.containers[0].configuration == [
                ConfigurationReference(.configMap, "all"), ConfigurationReference(.secret, "some", isOptional: true),
                ConfigurationReference(.configMap, "m", keys: ["k"], isOptional: true), ConfigurationReference(.secret, "s", keys: ["k"]),
            ])
        #expect(
            spec.volumes.map(\.source) == [
                .configuration([ConfigurationReference(.configMap, "m", keys: ["a"])]),
                .configuration([ConfigurationReference(.secret, "s", isOptional: true)]),
                .configuration([ConfigurationReference(.configMap, "m"), ConfigurationReference(.secret, "s")]),
                .emptyDir(isInMemory: false, sizeLimit: nil), .emptyDir(isInMemory: true, sizeLimit: nil),
            ])
    }

    @Test func `a node's volumes are read`() throws {
        let (objects, messages) = Self.load(
            """
            apiVersion: v1
            kind: Node
            metadata: {name: node}
            status:
              capacity: {cpu: 1, memory: 1Gi, pods: 10}
              volumesAttached: [{name: kubernetes.io/csi/d^h, devicePath: ""}]
              volumesInUse: [kubernetes.io/csi/d^h]
            """)
        #expect(messages.isEmpty)
        guard case .node(let node)? = objects.first else {
            Issue.record("expected a node")
            return
        }
        #expect(node.value.status.volumesAttached == ["kubernetes.io/csi/d^h"])
        #expect(node.value.status.volumesInUse == ["kubernetes.io/csi/d^h"])
    }

    @Test(
        "SHA-256 of known texts",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func digest(_ text: String, _ expected: String) { #expect(Digest.hexSHA256(text) == expected) }

    @Test(
        "Which volumes must be attached",
        arguments: [
            (PersistentVolumeSource.csi(driver: "d", handle: "h"), "kubernetes.io/csi/d^h"),
            (.migrated(.awsElasticBlockStore, id: "vol-1"), "kubernetes.io/csi/ebs.csi.aws.com^vol-1"),
            (.migrated(.azureFile, id: "share"), nil), (.other, nil),
        ] as [(PersistentVolumeSource, String?)])
    func attachable(_ source: PersistentVolumeSource, _ name: String?) {
        var volume = PersistentVolume(metadata: ObjectMeta(name: "pv"))
        volume.spec.source = source
        #expect(volume.attachable { _ in true }?.uniqueName == name)
        #expect(volume.attachable { _ in false } == nil)
        if let name { #expect(AttachableVolume(uniqueName: name)?.uniqueName == name) }
    }
}
