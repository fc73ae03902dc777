//! What a process costs. On Linux from `/proc`: the proportional share (PSS) of the whole group, since the program's
//! own pages are shared by all that run it. Elsewhere there is no such figure: the resident size that `ps` tells takes
//! its place, which counts shared pages once a process.

use std::path::Path;

use rustix::process::Pid;

/// The memory of all members of these process groups, in bytes. Reads for milliseconds: not on an async thread.
pub(super) fn of_groups(groups: &[Pid]) -> u64 {
    if Path::new("/proc/self/smaps_rollup").exists() { from_proc(groups) } else { from_ps(groups) }
}

/// The resident size of one process, in bytes: dearer than its share but told without walking through its pages.
pub(super) fn resident(process: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero()));
    status.map_or_else(|_| from_ps(&[process]), |text| kilobytes(&text, "VmRSS:") * 1024)
}

fn from_proc(groups: &[Pid]) -> u64 {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let members = entries.filter_map(|entry| {
        let folder = entry.path();
        let group = group_in(&std::fs::read_to_string(folder.join("stat")).ok()?)?;
        groups.iter().any(|wanted| wanted.as_raw_nonzero().get() == group).then_some(folder)
    });
    // One that is gone by now costs nothing.
    members
        .map(|folder| {
            std::fs::read_to_string(folder.join("smaps_rollup"))
                .map_or(0, |text| kilobytes(&text, "Pss:") * 1024)
        })
        .sum()
}

/// The process group in a `stat` line, whose second field may hold blanks and brackets.
fn group_in(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// The number after a name in the kernel's tables.
fn kilobytes(table: &str, name: &str) -> u64 {
    let line = table.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

fn from_ps(groups: &[Pid]) -> u64 {
    let mut ps = std::process::Command::new("/bin/ps");
    let listed = ps.env_clear().args(["-A", "-o", "pgid=,rss="]).output();
    listed.map_or(0, |output| sum_of_groups(&String::from_utf8_lossy(&output.stdout), groups))
}

fn sum_of_groups(listed: &str, groups: &[Pid]) -> u64 {
    let lines = listed.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let group: i32 = fields.next()?.parse().ok()?;
        let kilobytes: u64 = fields.next()?.parse().ok()?;
        groups.iter().any(|wanted| wanted.as_raw_nonzero().get() == group).then_some(kilobytes)
    });
    lines.sum::<u64>() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_measured_with_all_its_members() {
        let own = rustix::process::getpgrp();
        assert!(of_groups(&[own]) > 1 << 20);
        assert_eq!(of_groups(&[]), 0);
    }

    #[test]
    fn one_process_is_measured_without_its_group() {
        assert!(resident(rustix::process::getpid()) > 1 << 20);
    }

    #[test]
    fn both_sources_agree_on_the_size_of_this_group() {
        let own = [rustix::process::getpgrp()];
        let (shared, resident) = (from_proc(&own), from_ps(&own));
        assert!(shared <= resident * 2 && resident > 0, "{shared} {resident}");
    }

    #[test]
    fn a_name_with_blanks_and_brackets_hides_nothing() {
        assert_eq!(group_in("7 (a (b) c) S 1 42 7 0 -1"), Some(42));
        assert_eq!(kilobytes("Rss:  200 kB\nPss:        93 kB\nPss_Dirty: 1 kB\n", "Pss:"), 93);
        let group = Pid::from_raw(42).unwrap();
        assert_eq!(sum_of_groups("  42  100\n 7 5\n  42 1\n", &[group]), 101 * 1024);
    }
}
