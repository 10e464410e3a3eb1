// The images a node has, and the one pull it does at a time.

import DiscreteEvents
import KubernetesAPI

/// Pulls are serial (`serializeImagePulls`, the kubelet's default): each begins when the one before it is done.
/// An image stays once it is present; two pods that want the same one wait for the same pull.
/// <https://kubernetes.io/docs/concepts/containers/images/>
struct ImageStore: Sendable {
    private struct Image: Sendable {
        var name: String
        /// When its pull began and from when on it is present.
        var begins: SimulatedTime
        var present: SimulatedTime
    }
    private var images: [Image] = []
    private var pullerFree = SimulatedTime.distantPast

    /// What getting an image takes.
    struct Pull: Equatable {
        var begins: SimulatedTime
        var ready: SimulatedTime
    }

    mutating func add(_ name: String) {
        images.append(Image(name: name, begins: .distantPast, present: .distantPast))
    }

    /// Makes sure an image is (or will be) present; nil if it is there already.
    mutating func pull(_ name: String, bytes: Int64, bytesPerSecond: Double, at now: SimulatedTime) -> Pull? {
        for image in images where image.name == name {
            return image.present <= now ? nil : Pull(begins: image.begins, ready: image.present)
        }
        let begins = max(now, pullerFree)
        let ready = begins + SimulatedDuration(seconds: Double(max(0, bytes)) / bytesPerSecond)
        pullerFree = ready
        images.append(Image(name: name, begins: begins, present: ready))
        return Pull(begins: begins, ready: ready)
    }

    /// A machine that stopped loses the pulls that were not done.
    mutating func interrupt(at now: SimulatedTime) {
        images.removeAll { $0.present > now }
        pullerFree = now
    }
}
