// The time zones of this machine, read as part of a scenario's input: the simulation itself asks nobody what time it is anywhere.

import Controllers
import Foundation
import KubernetesAPI

/// Why time zones could not be read.
package struct ZoneInfoError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// The compiled time zones of the IANA database, where Go's library looks for them too.
package enum ZoneInfoFolder {
    private static let folders = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"]

    /// Reads the zones of these names; names that are none are left out.
    package static func zones(named names: [String]) throws(ZoneInfoError) -> TimeZoneDatabase {
        var database = TimeZoneDatabase()
        for name in names where database.rules(named: name) == nil {
            if let rules = try zone(named: name) { database.add(rules, named: name) }
        }
        return database
    }

    /// The zone of a name, spelt as the database spells it; nil if there is none.
    static func zone(named name: String) throws(ZoneInfoError) -> TimeZoneRules? {
        if let rules = TimeZoneDatabase().rules(named: name) { return rules }
        guard !name.hasPrefix("/"), !name.contains("..") else { return nil }
        guard let folder = folders.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw ZoneInfoError(description: "this machine has no time zones: install the package tzdata")
        }
        // Beside the zones the folder holds lists and notes: those are no zones, and neither are its folders.
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) else { return nil }
        do throws(TimeZoneFileError) {
            return try TimeZoneRules(timeZoneFile: Array(data))
        } catch {
            if error == .notATimeZoneFile { return nil }
            throw ZoneInfoError(description: "\(folder)/\(name): \(error)")
        }
    }

    /// The names of the zones that CronJobs among the objects ask for, in a field or in front of their schedule.
    package static func names(in objects: [APIObject]) -> [String] {
        var names: [String] = []
        for object in objects {
            guard case .cronJob(let cronJob) = object else { continue }
            for name in self.names(schedule: cronJob.value.spec.schedule, timeZone: cronJob.value.spec.timeZone) where !names.contains(name)
            {
                names.append(name)
            }
        }
        return names
    }

    /// The zones one CronJob names.
    package static func names(schedule: String, timeZone: String?) -> [String] {
        var names = timeZone.map { [$0] } ?? []
        if schedule.contains("TZ="), let word = schedule.split(separator: " ").first, let equals = word.firstIndex(of: "=") {
            names.append(String(word[word.index(after: equals)...]))
        }
        return names
    }
}
