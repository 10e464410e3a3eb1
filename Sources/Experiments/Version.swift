// The version of the whole program, named in `--version` and in every `run.json`.

/// The version of Seatrial, as in CHANGELOG.md.
public enum SeatrialVersion {
    public static let current = "0.1.0"
}
