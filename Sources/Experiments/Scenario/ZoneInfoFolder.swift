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

    /// Reads the zones of these names; names without a file are left out.
    package static func zones(named names: [String]) throws(ZoneInfoError) -> TimeZoneDatabase {
        var database = TimeZoneDatabase()
        let wanted = names.filter { !$0.isEmpty && !$0.hasPrefix("/") && !$0.contains("..") && database.rules(named: $0) == nil }
        if wanted.isEmpty { return database }
        guard let folder = folders.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw ZoneInfoError(description: "this machine has no time zones: install the package tzdata")
        }
        for name in wanted {
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) else { continue }
            do throws(TimeZoneFileError) {
                database.add(try TimeZoneRules(timeZoneFile: Array(data)), named: name)
            } catch {
                throw ZoneInfoError(description: "\(folder)/\(name): \(error)")
            }
        }
        return database
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
