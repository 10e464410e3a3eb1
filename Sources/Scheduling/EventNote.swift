// Event notes have a length limit; scheduling messages may be longer.

extension Scheduler {
    /// The longest note of an event, in bytes.
    private static let maximumNote = 1024

    /// A message cut to the length an event's note may have.
    static func note(_ message: String) -> String {
        guard message.utf8.count > maximumNote else { return message }
        let suffix = " ..."
        return String(decoding: message.utf8.prefix(maximumNote - suffix.utf8.count), as: UTF8.self) + suffix
    }
}
