//! How times, ratios and memory are told.

use std::time::{Duration, Instant};

/// What work came to and how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// How many times as long something took.
pub fn ratio(took: Duration, yardstick: Duration) -> String {
    let hundredths = took.as_nanos() * 100 / yardstick.as_nanos().max(1);
    format!("{}.{:02} x the yardstick", hundredths / 100, hundredths % 100)
}

/// Peak resident memory so far, in MB.
pub fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".into(), |kilobytes| format!("{} MB", kilobytes / 1024))
}
