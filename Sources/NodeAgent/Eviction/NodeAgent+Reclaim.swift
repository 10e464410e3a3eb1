// What a kubelet deletes before it evicts anybody: containers that are over and images that nobody uses.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#reclaim-node-resources>

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// Deletes what is unused where a signal is short. Images and layers lie on a file system of their own (`imageFileSystemSize`): a
    /// full disk gets nothing from them, and where they have none they take no room.
    ///
    /// - Returns: whether there is anything of the kind, so that it is worth looking again.
    mutating func removeUnused(
        _ signal: EvictionSignal, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> Bool {
        guard signal == .imagefsAvailable, kubelets[number].usage.imageDisk != nil else { return false }
        removeAllDead(on: number, at: now)
        let used = kubelets[number].usedImages(at: now)
        let images = kubelets[number].images.images
        let victims = configuration.value.imageCollection.victims(of: images, freeing: .max, isUsed: used.contains, at: now)
        kubelets[number].images.remove(victims)
        planImageReport(on: number, at: now, effects: &effects)
        return true
    }
}
