// Which fields the API has that the simulator does not model, of what type they are, and what they default to.
//
// Such fields are accepted without a warning, checked for their type, and, in pod templates, folded into the digest `unmodelled`:
// a template that differs only there is still another template. Fields that are in neither place do not exist.
// Source: the Kubernetes 1.36 API reference, <https://kubernetes.io/docs/reference/kubernetes-api/>.

/// The type of a field, as far as reading has to know.
indirect enum FieldType: Sendable {
    case string, boolean, integer32, integer64, quantity, intOrString, time
    /// Anything at all.
    case any
    /// A field that the API server drops, because a feature gate is off by default.
    case dropped
    case list(FieldType)
    case map(FieldType)
    /// A text that is one of these.
    case choice([String])
    /// A type of the table, by name.
    case object(String)
}

struct KnownField: Sendable {
    let type: FieldType
    /// The API server's default, as text; given or left out is the same.
    let fallback: String?
    /// Whether the API server demands a value.
    let isRequired: Bool
}

/// The types of the API that are known but not modelled. Looked up, never iterated.
enum KnownFields {
    static func field(_ name: String, of type: String) -> KnownField? { types[type]?.fields[name] }

    /// The fields of a type that must be there, in order.
    static func required(of type: String) -> [String] { types[type]?.required ?? [] }

    private struct KnownType: Sendable {
        var fields: [String: KnownField] = [:]
        var required: [String] = []
    }

    /// One line a type: its name, then `field:type`, with `!` for required fields and `=` before a default.
    /// Types: str, bool, i32, i64, qty, ios (integer or string), time, any, dropped (a gate is off), [list], {map}, A|B (one of
    /// these), or another line.
    private static let types: [String: KnownType] = {
        var types: [String: KnownType] = [:]
        for line in (podTypes + volumeTypes + objectTypes).split(separator: "\n") {
            var words = line.split(separator: " ")[...]
            guard let name = words.popFirst() else { continue }
            var type = KnownType()
            for word in words {
                let parts = word.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { continue }
                let typeAndDefault = parts[1].split(separator: "=", maxSplits: 1)
                let isRequired = parts[0].hasSuffix("!")
                let field = String(isRequired ? parts[0].dropLast() : parts[0])
                if isRequired { type.required.append(field) }
                type.fields[field] = KnownField(
                    type: fieldType(typeAndDefault[0]), fallback: typeAndDefault.count > 1 ? String(typeAndDefault[1]) : nil,
                    isRequired: isRequired)
            }
            types[String(name)] = type
        }
        return types
    }()

    private static func fieldType(_ text: Substring) -> FieldType {
        switch text {
        case "str": return .string
        case "bool": return .boolean
        case "i32": return .integer32
        case "i64": return .integer64
        case "qty": return .quantity
        case "ios": return .intOrString
        case "time": return .time
        case "any": return .any
        case "dropped": return .dropped
        default:
            if text.hasPrefix("[") { return .list(fieldType(text.dropFirst().dropLast())) }
            if text.hasPrefix("{") { return .map(fieldType(text.dropFirst().dropLast())) }
            if text.contains("|") { return .choice(text.split(separator: "|").map(String.init)) }
            return .object(String(text))
        }
    }

    private static let podTypes = """
        PodSpec dnsPolicy:ClusterFirstWithHostNet|ClusterFirst|Default|None=ClusterFirst dnsConfig:PodDNSConfig enableServiceLinks:bool=true ephemeralContainers:[any] \
        hostAliases:[HostAlias] hostIPC:bool=false hostPID:bool=false imagePullSecrets:[LocalObjectReference] os:PodOS \
        securityContext:PodSecurityContext setHostnameAsFQDN:bool=false shareProcessNamespace:bool=false \
        automountServiceAccountToken:bool hostnameOverride:str workloadRef:WorkloadReference schedulingGroup:PodSchedulingGroup
        WorkloadReference name:str podGroup:str podGroupReplicaKey:str
        PodSchedulingGroup podGroupName:str
        PodDNSConfig nameservers:[str] searches:[str] options:[PodDNSConfigOption]
        PodDNSConfigOption name:str value:str
        HostAlias ip:str hostnames:[str]
        LocalObjectReference name:str
        PodOS name:str
        PodSecurityContext appArmorProfile:AppArmorProfile fsGroup:i64 fsGroupChangePolicy:str runAsGroup:i64 runAsNonRoot:bool \
        runAsUser:i64 seLinuxChangePolicy:str seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile supplementalGroups:[i64] \
        supplementalGroupsPolicy:str sysctls:[Sysctl] windowsOptions:WindowsOptions
        SecurityContext allowPrivilegeEscalation:bool appArmorProfile:AppArmorProfile capabilities:Capabilities privileged:bool \
        procMount:str=Default readOnlyRootFilesystem:bool runAsGroup:i64 runAsNonRoot:bool runAsUser:i64 seLinuxOptions:SELinuxOptions \
        seccompProfile:SeccompProfile windowsOptions:WindowsOptions
        AppArmorProfile type:str localhostProfile:str
        SeccompProfile type:str localhostProfile:str
        SELinuxOptions level:str role:str type:str user:str
        Sysctl name:str value:str
        WindowsOptions gmsaCredentialSpec:str gmsaCredentialSpecName:str hostProcess:bool runAsUserName:str
        Capabilities add:[str] drop:[str]
        Container args:[str] command:[str] env:[EnvVar] envFrom:[EnvFromSource] lifecycle:Lifecycle resizePolicy:[ResizePolicy] \
        securityContext:SecurityContext stdin:bool=false stdinOnce:bool=false terminationMessagePath:str=/dev/termination-log \
        terminationMessagePolicy:FallbackToLogsOnError|File=File tty:bool=false volumeDevices:[VolumeDevice] workingDir:str
        EnvVar name!:str value:str valueFrom:EnvVarSource
        EnvVarSource configMapKeyRef:KeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector \
        resourceFieldRef:ResourceFieldSelector secretKeyRef:KeySelector
        KeySelector key:str name:str optional:bool
        FileKeySelector key:str optional:bool=false path:str volumeName:str
        ObjectFieldSelector apiVersion:str=v1 fieldPath:str
        ResourceFieldSelector containerName:str divisor:qty=0 resource:str
        EnvFromSource configMapRef:OptionalReference prefix:str secretRef:OptionalReference
        OptionalReference name:str optional:bool
        Lifecycle postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:dropped
        LifecycleHandler exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction
        ExecAction command:[str]
        HTTPGetAction host:str httpHeaders:[HTTPHeader] path:str=/ port:ios scheme:HTTP|HTTPS=HTTP
        HTTPHeader name:str value:str
        SleepAction seconds:i64
        TCPSocketAction host:str port:ios
        GRPCAction port:i32 service:str
        Probe exec:ExecAction grpc:GRPCAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction terminationGracePeriodSeconds:i64
        ResizePolicy resourceName:str restartPolicy:str
        VolumeDevice devicePath:str name:str
        VolumeMount mountPath!:str mountPropagation:str name!:str readOnly:bool=false recursiveReadOnly:str subPath:str subPathExpr:str
        ResourceClaim name:str request:str
        PodResourceClaim resourceClaimName:str resourceClaimTemplateName:str
        RestartRule exitCodes:RestartRuleExitCodes
        RestartRuleExitCodes operator:str values:[i32]

        """

    private static let volumeTypes = """
        Volume awsElasticBlockStore:AWSElasticBlockStore azureDisk:AzureDisk azureFile:AzureFile cephfs:CephFS cinder:Cinder \
        configMap:ConfigMapVolume csi:CSIVolume downwardAPI:DownwardAPIVolume emptyDir:EmptyDir ephemeral:EphemeralVolume fc:FC \
        flexVolume:FlexVolume flocker:Flocker gcePersistentDisk:GCEPersistentDisk gitRepo:GitRepo glusterfs:Glusterfs \
        hostPath:HostPath image:ImageVolume iscsi:ISCSI nfs:NFS persistentVolumeClaim:PVCVolume photonPersistentDisk:PhotonDisk \
        portworxVolume:PortworxVolume projected:ProjectedVolume quobyte:Quobyte rbd:RBD scaleIO:ScaleIO secret:SecretVolume \
        storageos:StorageOS vsphereVolume:VsphereVolume
        AWSElasticBlockStore fsType:str partition:i32 readOnly:bool=false volumeID:str
        AzureDisk cachingMode:str=ReadWrite diskName:str diskURI:str fsType:str=ext4 kind:str=Shared readOnly:bool=false
        AzureFile readOnly:bool=false secretName:str shareName:str
        CephFS monitors:[str] path:str readOnly:bool=false secretFile:str secretRef:LocalObjectReference user:str
        Cinder fsType:str readOnly:bool=false secretRef:LocalObjectReference volumeID:str
        ConfigMapVolume defaultMode:i32=420 items:[KeyToPath] name:str optional:bool
        KeyToPath key:str mode:i32 path:str
        CSIVolume driver:str fsType:str nodePublishSecretRef:LocalObjectReference readOnly:bool=false volumeAttributes:{str}
        DownwardAPIVolume defaultMode:i32=420 items:[DownwardAPIFile]
        DownwardAPIFile fieldRef:ObjectFieldSelector mode:i32 path:str resourceFieldRef:ResourceFieldSelector
        EmptyDir medium:str sizeLimit:qty
        EphemeralVolume volumeClaimTemplate:PVCTemplate
        PVCTemplate metadata:any spec:PVCSpec
        PVCSpec accessModes:[str] dataSource:any dataSourceRef:any resources:VolumeResources selector:LabelSelector \
        storageClassName:str volumeAttributesClassName:str volumeMode:str=Filesystem volumeName:str
        VolumeResources limits:{qty} requests:{qty}
        LabelSelector matchLabels:{str} matchExpressions:[LabelSelectorRequirement]
        LabelSelectorRequirement key:str operator:str values:[str]
        FC fsType:str lun:i32 readOnly:bool=false targetWWNs:[str] wwids:[str]
        FlexVolume driver:str fsType:str options:{str} readOnly:bool=false secretRef:LocalObjectReference
        Flocker datasetName:str datasetUUID:str
        GCEPersistentDisk fsType:str partition:i32 pdName:str readOnly:bool=false
        GitRepo directory:str repository:str revision:str
        Glusterfs endpoints:str path:str readOnly:bool=false
        HostPath path:str type:str
        ImageVolume pullPolicy:Always|IfNotPresent|Never reference:str
        ISCSI chapAuthDiscovery:bool=false chapAuthSession:bool=false fsType:str initiatorName:str iqn:str \
        iscsiInterface:str=default lun:i32 portals:[str] readOnly:bool=false secretRef:LocalObjectReference targetPortal:str
        NFS path:str readOnly:bool=false server:str
        PVCVolume claimName:str readOnly:bool=false
        PhotonDisk fsType:str pdID:str
        PortworxVolume fsType:str readOnly:bool=false volumeID:str
        ProjectedVolume defaultMode:i32=420 sources:[ProjectedSource]
        ProjectedSource clusterTrustBundle:ClusterTrustBundle configMap:ConfigMapVolume downwardAPI:DownwardAPIVolume \
        podCertificate:PodCertificate secret:SecretProjection serviceAccountToken:TokenProjection
        ClusterTrustBundle labelSelector:LabelSelector name:str optional:bool path:str signerName:str
        PodCertificate certificateChainPath:str credentialBundlePath:str keyPath:str keyType:str maxExpirationSeconds:i32 \
        signerName:str userAnnotations:{str}
        SecretProjection items:[KeyToPath] name:str optional:bool
        TokenProjection audience:str expirationSeconds:i64=3600 path:str
        Quobyte group:str readOnly:bool=false registry:str tenant:str user:str volume:str
        RBD fsType:str image:str keyring:str=/etc/ceph/keyring monitors:[str] pool:str=rbd readOnly:bool=false \
        secretRef:LocalObjectReference user:str=admin
        ScaleIO fsType:str=xfs gateway:str protectionDomain:str readOnly:bool=false secretRef:LocalObjectReference sslEnabled:bool=false \
        storageMode:str=ThinProvisioned storagePool:str system:str volumeName:str
        SecretVolume defaultMode:i32=420 items:[KeyToPath] optional:bool secretName:str
        StorageOS fsType:str readOnly:bool=false secretRef:LocalObjectReference volumeName:str volumeNamespace:str
        VsphereVolume fsType:str storagePolicyID:str storagePolicyName:str volumePath:str

        """

    private static let objectTypes = """
        ObjectMeta managedFields:any selfLink:str clusterName:str
        Condition lastHeartbeatTime:time lastProbeTime:time observedGeneration:i64
        PodStatus allocatedResources:{qty} ephemeralContainerStatuses:[any] extendedResourceClaimStatus:any hostIP:str hostIPs:[any] \
        observedGeneration:i64 podIPs:[any] resize:str resourceClaimStatuses:[any] resources:any nodeAllocatableResourceClaimStatuses:[any]
        ContainerStatus allocatedResources:{qty} allocatedResourcesStatus:[any] containerID:str image:str imageID:str resources:any \
        started:bool stopSignal:str user:any volumeMounts:[any]
        ContainerTermination containerID:str message:str signal:i32
        NodeSpec configSource:any externalID:str podCIDRs:[str]
        NodeStatus addresses:[any] config:any daemonEndpoints:any features:any nodeInfo:any phase:str runtimeHandlers:[any]
        AttachedVolume devicePath:str name:str
        NamespaceStatus conditions:[any]
        PriorityClass description:str
        Event action:str eventTime:time firstTimestamp:time lastTimestamp:time related:any reportingComponent:str \
        reportingInstance:str series:any
        ObjectReference apiVersion:str fieldPath:str resourceVersion:str
        PersistentVolumeSpec awsElasticBlockStore:AWSElasticBlockStore azureDisk:AzureDisk azureFile:AzureFilePersistent cephfs:any cinder:any \
        csi:CSIPersistentVolume fc:FC flexVolume:any flocker:Flocker gcePersistentDisk:GCEPersistentDisk glusterfs:any hostPath:HostPath \
        iscsi:any local:LocalVolume mountOptions:[str] nfs:NFS photonPersistentDisk:PhotonDisk portworxVolume:PortworxVolume quobyte:Quobyte \
        rbd:any scaleIO:any storageos:any vsphereVolume:VsphereVolume
        AzureFilePersistent readOnly:bool secretName:str secretNamespace:str shareName:str
        CSIPersistentVolume driver!:str volumeHandle!:str controllerExpandSecretRef:any controllerPublishSecretRef:any fsType:str \
        nodeExpandSecretRef:any nodePublishSecretRef:any nodeStageSecretRef:any readOnly:bool volumeAttributes:{str}
        LocalVolume fsType:str path!:str
        PersistentVolumeStatus lastPhaseTransitionTime:time message:str reason:str
        PersistentVolumeClaimStatus accessModes:[str] allocatedResourceStatuses:{str} allocatedResources:{qty} capacity:{qty} \
        conditions:[any] currentVolumeAttributesClassName:str modifyVolumeStatus:any
        StorageClass mountOptions:[str] parameters:{str}
        CSIDriverSpec fsGroupPolicy:str nodeAllocatableUpdatePeriodSeconds:i64 podInfoOnMount:bool requiresRepublish:bool seLinuxMount:bool \
        serviceAccountTokenInSecrets:bool tokenRequests:[any] volumeLifecycleModes:[str] preventPodSchedulingIfMissing:bool
        VolumeAttachmentStatus attachError:any attachmentMetadata:{str} detachError:any
        Service status:any
        ServiceSpec loadBalancerIP:str
        ConfigMap data:{str} binaryData:{str} immutable:bool
        Secret data:{str} stringData:{str} immutable:bool type:str
        ServiceAccount secrets:[any] imagePullSecrets:[LocalObjectReference] automountServiceAccountToken:bool
        Endpoint deprecatedTopology:{str}
        Ingress status:any
        IngressSpec tls:[any]
        IngressBackend resource:any
        """
}
