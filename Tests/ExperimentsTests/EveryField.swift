// A scenario that uses every field of the format, and the illustration of the design.

enum SampleScenarios {
    /// Every field of every type at least once (each expectation and action is a list element of its own).
    static let everyField = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: every-field, description: All of it.}
        spec:
          duration: 1h
          seed: 7
          start: 2026-03-01T12:00:00Z
          cluster:
            nodePools:
            - {name: big, count: 4, zones: [a, b], template: node.yaml, labels: {disk: ssd}, taints: [{key: dedicated, value: x, effect: NoSchedule}]}
            - name: small
              count: 2
              resources: {cpu: 2, memory: 4Gi, pods: 20, ephemeral-storage: 200Gi}
              kubelet: {evictionHard: {memory.available: 300Mi}, evictionSoft: {memory.available: 20%}, evictionSoftGracePeriod: {memory.available: 1m},
                evictionMinimumReclaim: {memory.available: 50Mi}, evictionMaxPodGracePeriod: 30, evictionPressureTransitionPeriod: 2m,
                evictionMonitoringPeriod: 4s}
            objects: [web.yaml]
            snapshot: dump.yaml
            trace: trace.yaml
            arrivals: {interval: 10s, order: random, clones: {resource: cpu, upTo: 0.01}, patience: 5s}
          scheduler: policy.yaml
          workloads:
          - selector: {matchLabels: {app: web}}
            namespace: default
            start: {lognormal: {mean: 4s, p99: 15s}}
            ready: 2s
            readyAfterRestart: 20s
            waitsFor: {service: default/database}
            hang: {exponential: {mean: 10d}}
            postStart: 100ms
            preStop: {exponential: {mean: 1s}}
            failingHooks: [postStart, preStop]
            init: {uniform: {min: 1s, max: 2s}}
            run: {exponential: {mean: 1h}}
            exitCode: 3
            crash: {weibull: {shape: 0.8, scale: 30d}}
            stop: {gamma: {mean: 1s, p95: 2s}}
            imageSize: 100Mi
            layerSize: 1Mi
            usage:
            - {cpu: {shared: true, ramp: [{at: 0s, value: 500m}, {at: 10m, value: 4}]}, startupCPU: 2, memory: 300Mi, container: web}
            - {memory: {growth: {from: 10Mi, perMinute: 1Mi, upTo: 1Gi}}, disk: {trace: disk.csv, column: bytes, since: containerStart}, processes: 12, inodes: 1k, container: log}
            emptyDirs: [{volume: cache, size: {growth: {from: 1Mi, perMinute: 1Mi}}}]
          - {selector: {}, start: {pareto: {shape: 2, min: 1s, max: 9s}}, stop: {normal: {mean: 1s, standardDeviation: 200ms}}, ready: {empirical: [1s, 2s]}}
          registry:
            bandwidth: 1G
            images:
            - {name: "web:1", size: 200Mi}
            - {name: "web:2", missing: true}
          storage:
            attach: [{from: 1m, until: 2m, driver: disk.example.com, probability: 0.5, delay: 10s}]
            mount: [{probability: 0.1}]
          metrics:
          - {name: queue, external: {queue: orders}, load: {steps: [{at: 0s, value: 10}, {at: 5m, value: 100}]}}
          - {name: hits, object: Ingress/default/main, load: {value: 100}}
          - {name: rps, pods: {matchLabels: {app: web}}, namespace: default, load: 5}
          controlPlane:
            requestLatency: 3ms
            responseLatency: 1ms
            evictionStepLatency: 4ms
            watchReconnection: 20s
            eventTTL: 30m
            serviceClusterIPRange: 10.1.0.0/16
            controllerManager:
              {watchLatency: 5ms, qps: 40, burst: 60, concurrentDeploymentSyncs: 6, concurrentReplicaSetSyncs: 6, concurrentGCSyncs: 21,
              nodeMonitorPeriod: 4s, nodeMonitorGracePeriod: 41s, nodeStartupGracePeriod: 61s, nodeEvictionRate: 0.2,
              secondaryNodeEvictionRate: 0.02, largeClusterSizeThreshold: 51, unhealthyZoneThreshold: 0.5, terminatedPodGCThreshold: 100,
              concurrentNamespaceSyncs: 11, concurrentStatefulSetSyncs: 6, concurrentDaemonSetSyncs: 3, concurrentRCSyncs: 6,
              concurrentJobSyncs: 6, concurrentCronJobSyncs: 6, concurrentTTLSyncs: 6, concurrentHorizontalPodAutoscalerSyncs: 6,
              concurrentDisruptionSyncs: 2, concurrentServiceEndpointSyncs: 6,
              mirroringConcurrentServiceEndpointSyncs: 7, mirroringMaxEndpointsPerSubset: 900, concurrentNodeIPAMSyncs: 31,
              concurrentServiceAccountSyncs: 2, concurrentRootCertificateSyncs: 2, concurrentResourceQuotaSyncs: 6,
              concurrentNodeSyncs: 9, workQueueBaseDelay: 6ms, workQueueMaximumDelay: 900s, workQueueQPS: 11, workQueueBurst: 101,
              replicaSetBurst: 400, deploymentRetries: 14, namespaceDeletionDelay: 4s, resourceQuotaSyncPeriod: 4m,
              allocateNodeCIDRs: false, clusterCIDR: 10.128.0.0/12, nodeCIDRMaskSize: 25, nodeTaintPeriod: 200ms, podGCPeriod: 21s,
              deletedNodeQuarantine: 41s, maxEndpointsPerSlice: 50, endpointSliceRetries: 14, nodeMonitorPhase: 1s, podGCPhase: 2s,
              claimBinderSyncPeriod: 16s, volumeProvisioningTime: 3s,
              attachDetachController: false, volumeAttachTime: 3s, volumeDetachTime: 4s, maxWaitForUnmountDuration: 5m,
              disableForceDetachOnTimeout: true,
              horizontalPodAutoscalerSyncPeriod: 20s, horizontalPodAutoscalerTolerance: 0.2,
              horizontalPodAutoscalerCPUInitializationPeriod: 1m, horizontalPodAutoscalerInitialReadinessDelay: 20s,
              horizontalPodAutoscalerDownscaleStabilization: 1m}
            metricsServer: {metricResolution: 30s, housekeepingInterval: 15s, scrapeLatency: 1s, freshContainerAge: 20s}
            scheduler: {watchLatency: 6ms, qps: 70, burst: 80, cyclePerPod: 200us, cyclePerNode: 3us}
            kubelet:
              {watchLatency: 7ms, qps: 51, burst: 101, leaseRenewal: 11s, leaseJitter: 0.05, imagePullBandwidth: 50M, defaultImageSize: 10Mi,
              serializeImagePulls: false, maxParallelImagePulls: 3, imagePullBackoffInitial: 11s, imagePullBackoffMaximum: 301s,
              imageFileSystemSize: 100Gi, imageGCHighThresholdPercent: 90, imageGCLowThresholdPercent: 70, imageMinimumGCAge: 3m,
              imageGCPeriod: 6m, syncFrequency: 2m, syncErrorDelay: 11s, relistPeriod: 2s, waitForVolumes: false, volumeMountTime: 1s, volumeMountTimeout: 2m, probes: false, lifecycleHooks: false, shutdownGracePeriod: 30s,
              shutdownGracePeriodCriticalPods: 10s,
              crashBackoffInitial: 5s, crashBackoffMaximum: 100s, crashBackoffReset: 200s, registrationDelay: 1s, minimumGrace: 3s,
              podSyncDelay: 2s, removalDelay: 1s, recordsEvents: false, evictionMaxPodGracePeriod: 60, evictionPressureTransitionPeriod: 1m,
              evictionMonitoringPeriod: 5s, nodefsInodes: 1000000, evictionHard: {memory.available: 200Mi, nodefs.available: 5%, nodefs.inodesFree: 4%, imagefs.available: 6%, imagefs.inodesFree: 3%, pid.available: 1000},
              evictionSoft: {memory.available: 10%, nodefs.available: 10Gi, nodefs.inodesFree: 10%, imagefs.available: 20%, imagefs.inodesFree: 10%, pid.available: 2%},
              evictionSoftGracePeriod: {memory.available: 90s, nodefs.available: 2m, nodefs.inodesFree: 2m, imagefs.available: 2m, imagefs.inodesFree: 2m, pid.available: 30s},
              evictionMinimumReclaim: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1Gi, imagefs.inodesFree: 1%, pid.available: 10}}
          faults:
          - {at: 5m, zone: b, down: 10m, effect: kubelet}
          - {at: 6m, node: big-0}
          - {nodes: all, mtbf: {exponential: {mean: 90d}}, mttr: {lognormal: {mean: 20m, p99: 2h}}}
          - {at: 7m, selector: {matchLabels: {disk: ssd}}}
          - {zone: a, mtbf: {exponential: {mean: 90d}}, mttr: 5m, until: 40m, group: disk, probability: 0.5, effect: partition, cutsPods: true}
          - {at: 8m, node: big-1, effect: reclaim, notice: 30s, drains: false, replacement: 2m}
          - {file: outages.csv}
          - {at: 9m, down: 1m, apiServer: {outage: true}}
          - {at: 10m, down: 1m, apiServer: {latency: 10, delay: 100ms, errors: 0.1}}
          - {at: 8m, registry: true, down: 5m}
          - {at: 9m, node: big-0, effect: load, load: {cpu: 2, memory: 1Gi, disk: 95Gi, inodes: 1k}, down: 5m}
          timeline:
          - {at: 1m, apply: [web.yaml]}
          - {at: 2m, delete: pod/default/p}
          - {at: 3m, scale: {deployment: web, replicas: 9}}
          - {at: 4m, setImage: {deployment: default/web, container: web, image: "web:2"}}
          - {at: 5m, rolloutUndo: {deployment: web, toRevision: 1}}
          - {at: 6m, rolloutPause: web}
          - {at: 7m, rolloutResume: web}
          - {at: 8m, cordon: {zone: a}}
          - {at: 9m, uncordon: {nodes: all}}
          - {at: 10m, drain: {selector: {matchLabels: {disk: ssd}}, disableEviction: true, force: true, gracePeriod: 10s, timeout: 5m}}
          - {at: 11m, addNodes: {name: extra, count: 1, resources: {cpu: 1, memory: 1Gi}}}
          - {at: 12m, taint: {nodes: all, taints: [{key: slow, value: "yes", effect: PreferNoSchedule}]}}
          - {at: 13m, untaint: {nodes: all, taints: [{key: slow, effect: PreferNoSchedule}]}}
          - {at: 14m, setLoad: {selector: {matchLabels: {app: web}}, namespace: default, resource: memory, total: 1Gi}}
          - {at: 15m, setLoad: {each: 200m}}
          - {at: 16m, setLoad: {unknown: true}}
          - {at: 17m, rolloutRestart: {deployment: web}}
          - {at: 18m, maintain: {nodes: all, maxUnavailable: 2, reboot: 2m, disableEviction: true, force: true, gracePeriod: 10s, timeout: 5m}}
          - {at: 19m, setNodeLoad: {node: big-0, cpu: 1, memory: 1Gi, disk: 90Gi, inodes: 2k}}
          - {at: 20m, delete: {object: pod/default/p, cascade: orphan, gracePeriod: 5s, force: false}}
          traffic:
            proxy: {mode: ipvs, scheduler: wlc, minSyncPeriod: 2s, syncDuration: 10ms, propagation: 20ms}
            dns: {ttl: 5s, lookup: 1ms}
            loadBalancer: {interval: 10s, timeout: 5s, unhealthyThreshold: 2, healthyThreshold: 3}
            ingress: {controller: shop, port: http, class: nginx, balancing: ewma, connectTimeout: 1s, timeout: 9s, attempts: 2}
            network: {sameNode: 10us, sameZone: 100us, crossZone: 1ms, overlay: 20us, fromOutside: 5ms}
            services:
            - service: shop
              port: http
              serviceTime: {exponential: {mean: 20ms}}
              cpu: 800m
              concurrency: 8
              queue: 100
              onTermination: ignore
              listensAfter: 100ms
              calls: [[{service: database, port: sql, keepAlive: 1m, timeout: 100ms, retries: {attempts: 2}, hedge: 50ms}], [{service: database}]]
            sources:
            - {name: one, service: shop, port: 80, from: outside, clients: 50, addresses: 198.51.100.0/24, start: 1m, keepAlive: 30s, timeout: 1s, poisson: {rate: 5}}
            - {name: two, service: shop, from: {zone: a}, retries: {attempts: 3, backoff: 10ms, budget: 0.2}, hedge: 1s, constant: {rate: 5}}
            - {name: three, service: shop, bursts: [{rate: 10, stay: 1m}, {rate: 1, stay: 2m}]}
            - {name: four, service: shop, curve: {period: 1d, points: [{at: 1h, rate: 1}, {at: 12h, rate: 9}]}}
            - {name: five, service: shop, users: {count: 3, think: {exponential: {mean: 5s}}}}
            - {name: seven, service: replicas, pod: web-0, poisson: {rate: 1}}
            - {name: eight, ingress: {host: shop.example.com, path: /cart}, from: outside, poisson: {rate: 1}}
            - {name: nine, service: shop, fromPods: {namespace: shop, selector: {matchLabels: {app: client}}}, poisson: {rate: 1}}
            - {name: six, service: shop, recorded: {file: arrivals.csv, column: TIMESTAMP, speed: 2, serviceTime: {base: 5ms, columns: [{column: tokens, each: 1ms}]}}}
          measure: {interval: 30s, warmUp: 1m, events: false, scheduling: false, nodeUsage: true, requests: 50, allocation: [{resource: cpu, at: [1, 50]}]}
          expect:
          - requests: {availability: {atLeast: 0.9}, failed: {atMost: 9}, errorSeconds: {atMost: 9s}, p50: {atMost: 1s}, p90: {atMost: 1s}, p99: {atMost: 1s}, p999: {atMost: 1s}, maximum: {atMost: 1s}}
            source: one
          - {deployment: web, available: {atLeast: 2, atMost: 20}, from: 1m, until: 2m}
          - {recovery: {atMost: 7m}}
          - {detection: {atMost: 1m}}
          - {jobs: {active: {atMost: 9}, complete: {atLeast: 0}, failed: {equals: 0}}, at: 10m}
          - {deployment: default/web, condition: {type: Available, status: "True", reason: MinimumReplicasAvailable}, at: 10m}
          - {pods: {pending: {atMost: 9}, unscheduled: {atMost: 9}, running: {atLeast: 0}, ready: {atLeast: 0}, failed: {equals: 0}}, at: 10m}
          - {nodes: {ready: {atLeast: 1}, used: {atLeast: 1}, total: {atLeast: 1}}}
          - {unschedulable: {atMost: 0}}
          - {restarts: {atMost: 5}, policy: policy}
          - {preempted: {atMost: 3}}
          - {invariants: hold}
          - {preempted: {atMost: 0}, policy: default}
          - {utilisation: {cpu: {atMost: 1}, memory: {atMost: 1}}}
          - {podStart: {mean: {atMost: 1m}, p50: {atMost: 1m}, p90: {atMost: 1m}, p99: {atMost: 1m}, maximum: {atMost: 1m}}}

        """

    static let everyFieldFiles = [
        "arrivals.csv": "TIMESTAMP,tokens\n2023-11-16 18:15:46.5,3\n2023-11-16 18:15:50.5000000,4\n",
        "disk.csv": "seconds,inodes,bytes\n0,1,1000\n60,2,2000\n",
        "web.yaml": webManifest + """
                  - {name: log, image: "log:1"}
                  volumes: [{name: cache, emptyDir: {sizeLimit: 1Gi}}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: database}
            spec: {selector: {app: database}, ports: [{port: 5432, name: sql}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: replicas}
            spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, name: http}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, name: http}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop}
            spec:
              ingressClassName: nginx
              rules:
              - {host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {name: http}}}}]}}

            """,
        "node.yaml": """
        apiVersion: v1
        kind: Node
        metadata: {name: any, labels: {kubernetes.io/arch: amd64}}
        status: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}}

        """,
        "dump.yaml": """
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: Node
          metadata: {name: old-0, uid: n1, creationTimestamp: "2026-03-01T10:00:00Z"}
          status: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}, capacity: {cpu: "8", memory: 32Gi, pods: "110"}}
        - apiVersion: rbac.authorization.k8s.io/v1
          kind: Role
          metadata: {name: settings, namespace: default, uid: c1, creationTimestamp: "2026-03-01T10:00:00Z"}

        """,
        "trace.yaml": """
        apiVersion: v1
        kind: Pod
        metadata: {name: late, annotations: {seatrial.dev/create-at: "90"}}
        spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 100m}}}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: early, annotations: {seatrial.dev/create-at: "1.5", seatrial.dev/delete-at: "60"}}
        spec: {containers: [{name: c, image: i}]}

        """,
        "outages.csv": """
        node,down-at,up-at
        big-2,60,1h
        small-0,90s,

        """,
        "policy.yaml": """
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        percentageOfNodesToScore: 50

        """,
    ]

    /// The illustration of the design.
    static let illustration = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: zone-outage}
        spec:
          duration: 30m
          seed: 1
          cluster:
            nodePools:
              - {name: general, count: 30, zones: [a, b, c], template: node.yaml}   # a Node as kubectl prints it
            objects: [shop.yaml]                      # plain manifests; or snapshot: cluster.yaml
          scheduler: policy.yaml                      # a KubeSchedulerConfiguration; default if absent
          workloads:                                  # what no manifest says
            - selector: {matchLabels: {app: frontend}}
              start: {lognormal: {mean: 4s, p99: 15s}}
              crash: {weibull: {shape: 0.8, scale: 30d}}
          faults:
            - {at: 5m, zone: b, down: 10m}
            - {nodes: all, mtbf: {exponential: {mean: 90d}}, mttr: {lognormal: {mean: 20m, p99: 2h}}}
          timeline:
            - {at: 20m, setImage: {deployment: shop/frontend, container: web, image: "frontend:1.15"}}
          expect:
            - {deployment: shop/frontend, available: {atLeast: 6}, from: 1m}
            - {recovery: {atMost: 7m}}

        """

    static let shop = webManifest.replacingOccurrences(of: "{name: web}\n", with: "{name: frontend, namespace: shop}\n")
        .replacingOccurrences(of: "app: web", with: "app: frontend")
}
