// Small manifests for the tests of reading and checking.

enum Sample {
    static func pod(name: String, nodeName: String? = nil, token: String = "", extra: String = "") -> String {
        var text = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
            spec:
              containers:
              - name: c
                image: web:1   # the same for all
                resources:
                  requests:
                    cpu: 100m

            """
        text += extra
        if !token.isEmpty {
            let volume = "kube-api-access-" + token
            text += "    volumeMounts: [{name: \(volume), mountPath: /var/run/secrets}]\n"
            text += "  volumes: [{name: \(volume), projected: {sources: [{serviceAccountToken: {path: token}}]}}]\n"
        }
        if let nodeName { text += "  nodeName: \(nodeName)\n" }
        return text
    }

    static func deployment(strategy: String? = nil, container: String = "", pod: String = "", extra: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          selector: {matchLabels: {app: web}}
          \(strategy.map { "strategy: " + $0 } ?? "")
          \(extra)
          template:
            metadata: {labels: {app: web}}
            spec:
              \(pod)
              containers:
              - name: web
                image: web:1
                \(container)

        """
    }

    static let node = """
        apiVersion: v1
        kind: Node
        metadata:
          name: n1
          labels: {topology.kubernetes.io/zone: a}
        spec:
          podCIDR: 10.1.0.0/24
          podCIDRs: [10.1.0.0/24]
          unschedulable: true
          taints: [{key: dedicated, value: batch, effect: NoSchedule}]
        status:
          addresses: [{type: Hostname, address: n1}]
          capacity: {cpu: "8", memory: 33Gi, pods: "110"}
          allocatable: {cpu: "8", memory: 32Gi, pods: "110"}
          conditions:
          - {type: Ready, status: "True", lastHeartbeatTime: "2026-11-21T11:44:37Z", lastTransitionTime: "2026-11-21T11:44:37Z"}
          images: [{names: ["nginx:1.27"], sizeBytes: 67000000}]
          nodeInfo: {kubeletVersion: v1.36.2}
        """

    static let runningPod = """
        apiVersion: v1
        kind: Pod
        metadata:
          creationTimestamp: "2026-11-21T11:44:43Z"
          generateName: web-5d4-
          labels: {app: web}
          name: web-5d4-x7k2p
          namespace: shop
          ownerReferences:
          - {apiVersion: apps/v1, blockOwnerDeletion: true, controller: true, kind: ReplicaSet, name: web-5d4, uid: 13e98b1f}
          resourceVersion: "616"
          uid: f5c43e83
        spec:
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms:
                - matchExpressions: [{key: disk, operator: In, values: [ssd]}]
            podAntiAffinity:
              preferredDuringSchedulingIgnoredDuringExecution:
              - {weight: 100, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}}
          containers:
          - image: web:1
            imagePullPolicy: IfNotPresent
            name: web
            ports: [{name: http, containerPort: 8080, protocol: TCP}]
            readinessProbe: {httpGet: {path: /, port: http, scheme: HTTP}, periodSeconds: 5}
            resources: {requests: {cpu: 250m, memory: 256Mi}}
            terminationMessagePath: /dev/termination-log
            volumeMounts:
            - {mountPath: /data, name: data}
            - {mountPath: /var/run/secrets/kubernetes.io/serviceaccount, name: kube-api-access-hfpb5, readOnly: true}
          initContainers:
          - {name: mesh, image: mesh:2, restartPolicy: Always}
          dnsPolicy: ClusterFirst
          enableServiceLinks: true
          nodeName: node-5
          priority: 100000
          priorityClassName: gold
          tolerations:
          - {effect: NoExecute, key: node.kubernetes.io/not-ready, operator: Exists, tolerationSeconds: 300}
          topologySpreadConstraints:
          - {maxSkew: 1, minDomains: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
          volumes:
          - {name: data, persistentVolumeClaim: {claimName: web-data, readOnly: true}}
          - {name: scratch, emptyDir: {sizeLimit: 1Gi}}
          - {name: kube-api-access-hfpb5, projected: {defaultMode: 420}}
        status:
          conditions:
          - {type: Ready, status: "True", lastProbeTime: null, lastTransitionTime: "2026-11-21T11:44:44Z"}
          containerStatuses:
          - name: web
            image: web:1
            ready: true
            restartCount: 2
            started: true
            lastState: {terminated: {exitCode: 137, reason: OOMKilled, startedAt: "2026-11-21T11:44:43Z", finishedAt: "2026-11-21T11:44:44Z"}}
            state: {running: {startedAt: "2026-11-21T11:44:44Z"}}
          phase: Running
          podIP: 10.200.5.6
          qosClass: Burstable
          startTime: "2026-11-21T11:44:43Z"
        """
}
