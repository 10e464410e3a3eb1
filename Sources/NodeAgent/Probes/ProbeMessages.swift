// What the kubelet says of probes that fail, in its own words.

import KubernetesAPI

extension Container {
    func probe(_ kind: ProbeKind) -> Probe? {
        switch kind {
        case .startup: startupProbe
        case .readiness: readinessProbe
        case .liveness: livenessProbe
        }
    }
}

extension Probe {
    /// The output of a failed probe. `isHanging`: the container accepts and does not answer. `isWaiting`: it answers, and says that
    /// it is not ready. Otherwise nobody listens yet.
    func failure(of container: Container, at podIP: String, isHanging: Bool, isWaiting: Bool) -> String {
        switch handler {
        case .exec(let command):
            return isHanging ? "command timed out: \"\(command.joined(separator: " "))\" timed out after \(timeoutSeconds)s" : ""
        case .httpGet(let scheme, let host, let port, let path):
            if isWaiting, !isHanging { return "HTTP probe failed with statuscode: 503" }
            let place = "\(host.isEmpty ? podIP : host):\(container.number(of: port))"
            let reason =
                isHanging
                ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                : "dial tcp \(place): connect: connection refused"
            return "Get \"\(scheme.lowercased())://\(place)\(path.hasPrefix("/") ? "" : "/")\(path)\": \(reason)"
        case .tcpSocket(let host, let port):
            let place = "\(host.isEmpty ? podIP : host):\(container.number(of: port))"
            return "dial tcp \(place): " + (isHanging ? "i/o timeout" : "connect: connection refused")
        case .grpc(let port):
            if isWaiting, !isHanging { return "service unhealthy (responded with \"NOT_SERVING\")" }
            let waited = "within \(timeoutSeconds)s: context deadline exceeded"
            return isHanging
                ? "timeout: health rpc did not complete \(waited)" : "timeout: failed to connect service \"\(podIP):\(port)\" \(waited)"
        case nil: return ""
        }
    }
}

extension Container {
    /// The number of a port given by number or name.
    fileprivate func number(of port: IntOrString) -> String {
        if case .string(let name) = port, let named = ports.first(where: { $0.name == name }) { return String(named.containerPort) }
        return port.description
    }
}

extension PodWorker {
    /// Why the kubelet kills a container of a pod that goes on.
    func reasonToKill(_ index: Int, _ kind: ProbeKind?) -> String {
        guard let kind else { return "FailedPostStartHook" }
        let failed = "Container \(name(index)) failed \(kind.text.lowercased()) probe"
        return restartsAfterKill(index) ? failed + ", will be restarted" : failed
    }
}
