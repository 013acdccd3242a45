//! Reading `/proc`: who lives, since when, in which group, with how much.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

/// `/proc` counts processor time in these units on Linux, whatever the kernel's own (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// A process, from `/proc/<pid>/stat`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stat {
    pub(crate) group: i32,
    /// Its processor time so far, in seconds.
    pub(crate) cpu_seconds: f64,
    /// When it began, in ticks since boot. With the pid it names a process for good.
    pub(crate) start_ticks: u64,
    /// Whether it has ended and only waits to be collected.
    pub(crate) dead: bool,
}

/// A process by its pid, if it lives.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// All processes by their pid.
pub(crate) fn all() -> BTreeMap<i32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, stat(pid)?))
        })
        .collect()
}

/// The processor time of a process so far, to the nanosecond and much cheaper than [`stat`].
pub(crate) fn cpu_time(pid: i32) -> Option<Duration> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid)).ok()?;
    Some(Duration::from(clock.now().ok()?))
}

/// The arguments of a process.
pub(crate) fn command_line(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|byte| *byte == 0)
        .filter(|arg| !arg.is_empty())
        .map(|arg| String::from_utf8_lossy(arg).into_owned())
        .collect()
}

/// The id of this boot, so that a note of an earlier one is not believed.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Bytes that a process alone holds: what is resident without what is mapped from
/// files and shared. The program's own text counts once for all pods, as pages
/// of one image do on a real node.
pub(crate) fn own_memory(pid: i32) -> Option<u64> {
    own_memory_of(&fs::read_to_string(format!("/proc/{pid}/statm")).ok()?)
}

/// The same from the text of `/proc/<pid>/statm`.
pub(crate) fn own_memory_of(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1);
    let resident: u64 = fields.next()?.parse().ok()?;
    let shared: u64 = fields.next()?.parse().ok()?;
    Some(resident.saturating_sub(shared) * page_size())
}

/// The bytes and processors of this machine.
pub(crate) fn machine() -> (u64, usize) {
    let kibibytes: u64 = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_ascii_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (kibibytes * 1024, cores)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name stands in parentheses and may hold anything.
    let after = &text[text.rfind(')')? + 1..];
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        group: fields.get(2)?.parse().ok()?,
        cpu_seconds: (number(11)? + number(12)?) as f64 / TICKS_PER_SECOND,
        start_ticks: number(19)?,
        dead: matches!(fields.first(), Some(&("Z" | "X"))),
    })
}

/// The page size, from the auxiliary vector (AT_PAGESZ is 6).
fn page_size() -> u64 {
    static SIZE: OnceLock<u64> = OnceLock::new();
    *SIZE.get_or_init(|| {
        let auxv = fs::read("/proc/self/auxv").unwrap_or_default();
        let word = |bytes: &[u8]| bytes.try_into().map(u64::from_ne_bytes).unwrap_or(0);
        auxv.chunks_exact(16)
            .find(|entry| word(&entry[..8]) == 6)
            .map_or(4096, |entry| word(&entry[8..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_process_is_called() {
        let line = "77 (a b) c) S 1 50 2 0 -1 4194304 103 0 0 0 150 50 9 9 20 0 1 0 141874 3133440";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                group: 50,
                cpu_seconds: 2.0,
                start_ticks: 141_874,
                dead: false
            })
        );
        assert_eq!(parse_stat("77 (x"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(all().contains_key(&pid));
        assert!(own_memory(pid).unwrap() > 0);
        assert!(cpu_time(pid).unwrap() > Duration::ZERO);
        assert!(!command_line(pid).is_empty());
        let (memory, cores) = machine();
        assert!(memory > 1 << 20 && cores > 0);
    }
}
