// Reading Kubernetes YAML into typed objects.

import ArgumentParser
import Foundation
import KubernetesAPI

struct YAMLBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "yaml", abstract: "Reading Kubernetes YAML into objects: given files, or generated pods.")

    @Argument(help: "Manifests to read; without any, 20,000 generated pods.")
    var files: [String] = []

    @Option(help: "How often each file is read.")
    var rounds = 5

    func run() throws {
        var inputs: [(name: String, bytes: [UInt8])] = []
        for path in files { inputs.append((path, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))) }
        if inputs.isEmpty { inputs.append(("generated pods", Array(YAMLBenchmark.generated(pods: 20_000).utf8))) }
        for input in inputs {
            var best = Double.infinity
            var count = 0
            for _ in 0..<rounds {
                best = min(
                    best,
                    wallTime {
                        var loader = ManifestLoader()
                        count = loader.load(input.bytes, file: input.name).objects.count
                    })
            }
            let megabytes = Double(input.bytes.count) / 1e6
            line(
                "YAML, \(input.name.split(separator: "/").last ?? "")",
                "\(text(megabytes / best, decimals: 1)) MB/s (\(text(megabytes, decimals: 1)) MB, \(count) objects, best of \(rounds))")
        }
    }

    /// Pods as kubectl prints them, all of one template but for name and request.
    static func generated(pods count: Int) -> String {
        var result = ""
        for number in 0..<count {
            result += """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: web-\(number)
                  namespace: shop
                  labels:
                    app: web
                    tier: frontend
                spec:
                  containers:
                  - name: web
                    image: registry.example/shop/web:1.14
                    ports:
                    - containerPort: 8080
                      name: http
                      protocol: TCP
                    resources:
                      limits:
                        memory: 512Mi
                      requests:
                        cpu: \(100 + number % 50)m
                        memory: 512Mi
                  restartPolicy: Always
                  tolerations:
                  - effect: NoExecute
                    key: node.kubernetes.io/not-ready
                    operator: Exists
                    tolerationSeconds: 300
                ---

                """
        }
        return result
    }
}
