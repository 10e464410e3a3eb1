// ImageLocality: better where more bytes of the pod's images are already.

import KubernetesAPI

struct ImageLocalityPlugin: ScorePlugin {
    static let name = "ImageLocality"
    var name: String { ImageLocalityPlugin.name }

    /// Below it images are too small to matter, above it (for each container) more makes no difference.
    private static let minimumSize: Int64 = 23 * 1024 * 1024
    private static let maximumSizePerContainer: Int64 = 1000 * 1024 * 1024

    /// The sizes of the images on the node, each scaled by the share of nodes that have it: an image that is nearly everywhere
    /// counts in full, a rare one little, lest pods crowd the few nodes that have it.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in nodes: NodeTable, state: PluginState?, scores: inout [Int64]) {
        let total = Double(nodes.order.count)
        for image in pod.shape.images {
            let count = nodes.images.nodeCount(of: image)
            guard count > 0 else { continue }
            let share = Double(nodes.images.size(of: image)) * (Double(count) / total)
            let contribution = Int64(exactly: share.rounded(.towardZero)) ?? (share < 0 ? 0 : .max)
            for index in feasible.indices where nodes.images.isPresent(image, on: feasible[index]) {
                scores[index] = ResourceAmounts.sum(scores[index], contribution)
            }
        }
        let minimum = ImageLocalityPlugin.minimumSize
        let maximum = ImageLocalityPlugin.maximumSizePerContainer * Int64(pod.shape.containerCount)
        guard maximum > minimum else { return }
        for index in feasible.indices {
            let size = scores[index]
            scores[index] = size <= minimum ? 0 : NodeScore.maximum * (min(size, maximum) - minimum) / (maximum - minimum)
        }
    }
}
