// Which node has which container image, for scoring by image locality.

import KubernetesAPI

/// Images on nodes: one bit for each image and node.
///
/// An image has one size for the whole cluster: that reported by the node that was first to have it.
public struct ImageTable: Sendable {
    private struct Image: Sendable {
        var size: Int64 = 0
        var nodeCount = 0
        /// Bit `slot % 64` of word `slot / 64`.
        var presence: [UInt64] = []
    }
    private var images: [Image] = []
    private var numbers: [String: Int32] = [:]
    /// The images of each node, to be taken back when it changes.
    private var ofNode: [[Int32]] = []

    mutating func appendNode() { ofNode.append([]) }

    /// The number of an image name, for containers that name it.
    mutating func number(of name: String) -> Int32 {
        if let known = numbers[name] { return known }
        let number = Int32(images.count)
        images.append(Image())
        numbers[name] = number
        return number
    }

    mutating func setImages(_ list: [ContainerImage], of slot: NodeSlot) {
        if ofNode[slot].isEmpty, list.isEmpty { return }
        for number in ofNode[slot] {
            images[Int(number)].nodeCount -= 1
            images[Int(number)].presence[slot / 64] &= ~(1 << UInt64(slot % 64))
        }
        ofNode[slot].removeAll(keepingCapacity: true)
        for image in list {
            for name in image.names { add(name, size: image.sizeBytes, to: slot) }
        }
    }

    private mutating func add(_ name: String, size: Int64, to slot: NodeSlot) {
        let number = Int(number(of: name))
        let word = slot / 64
        if images[number].presence.count <= word {
            images[number].presence.append(contentsOf: repeatElement(0, count: word + 1 - images[number].presence.count))
        }
        guard images[number].presence[word] & (1 << UInt64(slot % 64)) == 0 else { return }
        if images[number].nodeCount == 0 { images[number].size = size }
        images[number].nodeCount += 1
        images[number].presence[word] |= 1 << UInt64(slot % 64)
        ofNode[slot].append(Int32(number))
    }

    public func size(of image: Int32) -> Int64 { images[Int(image)].size }
    /// How many nodes have the image.
    public func nodeCount(of image: Int32) -> Int { images[Int(image)].nodeCount }

    public func isPresent(_ image: Int32, on slot: NodeSlot) -> Bool {
        let presence = images[Int(image)].presence
        return slot / 64 < presence.count && presence[slot / 64] & (1 << UInt64(slot % 64)) != 0
    }
}
