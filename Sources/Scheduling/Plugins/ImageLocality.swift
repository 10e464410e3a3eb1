// ImageLocality: better where more bytes of the pod's images are already.

import KubernetesAPI

struct ImageLocalityPlugin: SignatureScorePlugin {
    static let name = "ImageLocality"
    var name: String { ImageLocalityPlugin.name }
    /// A node's signature has a bit for each image.
    func scope(for pod: PodInfo) -> AnswerScope { pod.shape.images.count < Int64.bitWidth ? .node : .cluster }

    /// Below it images are too small to matter, above it (for each container) more makes no difference.
    private static let minimumSize: Int64 = 23 * 1024 * 1024
    private static let maximumSizePerContainer: Int64 = 1000 * 1024 * 1024

    /// The sizes of the images on the node, each scaled by the share of nodes that have it: an image that is nearly everywhere
    /// counts in full, a rare one little, lest pods crowd the few nodes that have it.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        for image in pod.shape.images {
            let contribution = contribution(of: image, in: cluster)
            guard contribution != 0 else { continue }
            for index in feasible.indices where cluster.nodes.images.isPresent(image, on: feasible[index]) {
                scores[index] = ResourceAmounts.sum(scores[index], contribution)
            }
        }
        for index in feasible.indices { scores[index] = scaled(scores[index], pod) }
    }

    private func contribution(of image: Int32, in cluster: ClusterSnapshot) -> Int64 {
        let images = cluster.nodes.images
        let count = images.nodeCount(of: image)
        guard count > 0 else { return 0 }
        let share = Double(images.size(of: image)) * (Double(count) / Double(cluster.nodes.order.count))
        return Int64(exactly: share.rounded(.towardZero)) ?? (share < 0 ? 0 : .max)
    }

    private func scaled(_ size: Int64, _ pod: PodInfo) -> Int64 {
        let minimum = ImageLocalityPlugin.minimumSize
        let maximum = ImageLocalityPlugin.maximumSizePerContainer * Int64(pod.shape.containerCount)
        guard maximum > minimum else { return size }
        return size <= minimum ? 0 : NodeScore.maximum * (min(size, maximum) - minimum) / (maximum - minimum)
    }

    // MARK: By signature

    func signature(of pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> Int64 {
        var present: Int64 = 0
        for (index, image) in pod.shape.images.enumerated() where cluster.nodes.images.isPresent(image, on: node) {
            present |= 1 << Int64(index)
        }
        return present
    }

    func score(_ pod: PodInfo, signature: Int64, in cluster: ClusterSnapshot) -> Int64 {
        var size: Int64 = 0
        for (index, image) in pod.shape.images.enumerated() where signature & (1 << Int64(index)) != 0 {
            size = ResourceAmounts.sum(size, contribution(of: image, in: cluster))
        }
        return scaled(size, pod)
    }
}
