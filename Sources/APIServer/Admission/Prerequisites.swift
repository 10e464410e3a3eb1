// The admission plugins that only ask whether something else exists: a namespace, a runtime class, a service account.
// <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/>

import KubernetesAPI

extension APIServer {
    /// The NamespaceLifecycle plugin. The namespaces the API server makes for itself count as existing.
    func requireActiveNamespace(of key: ObjectKey) throws(APIError) {
        let name = key.name.namespace
        guard key.kind.isNamespaced, !name.isEmpty else { return }
        let namespaceKey = ObjectKey(.namespace, name)
        guard case .namespace(let namespace)? = objects[namespaceKey] else {
            if APIServer.systemNamespaces.contains(name) { return }
            throw .notFound(namespaceKey)
        }
        guard !namespace.value.isTerminating else {
            throw .forbidden(key, "unable to create new content in namespace \(name) " + APIError.namespaceTerminating)
        }
    }

    /// The same for an Event: none is taken where the namespace is being deleted. (The real server still counts up those that are
    /// there until they are deleted too, seconds later.) Namespaces that a dump lacks are no obstacle.
    func requireActiveNamespace(of event: KubernetesEvent) throws(APIError) {
        guard admission.terminatingNamespaces.contains(event.involved.namespace) else { return }
        try requireActiveNamespace(of: ObjectKey(.event, event.metadata.key))
    }

    /// The RuntimeClass plugin, as far as that the class must exist.
    func requireRuntimeClass(of pod: Shared<Pod>) throws(APIError) {
        let name = pod.value.spec.value.runtimeClassName
        guard !name.isEmpty, objects[ObjectKey(.unstructured, "RuntimeClass/" + name)] == nil else { return }
        throw .forbidden(ObjectKey(.pod, pod.value.metadata.key), "pod rejected: RuntimeClass \"\(name)\" not found")
    }

    /// The ServiceAccount plugin. It waits for the account `default` of a new namespace (it asks ten times in about a second, and
    /// the controller makes it in milliseconds), so that one is not asked for.
    func requireServiceAccount(of pod: Pod) throws(APIError) {
        let name = pod.spec.value.serviceAccountName
        guard name != ServiceAccount.defaultName else { return }
        let account = NamespacedName(namespace: pod.metadata.namespace, name: name)
        guard objects.get(ServiceAccount.self, account) == nil else { return }
        throw .forbidden(
            ObjectKey(.pod, pod.metadata.key), "error looking up service account \(account): serviceaccount \"\(name)\" not found")
    }

    private static let systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]
}
