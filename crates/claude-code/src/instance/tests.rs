use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use super::*;
use crate::scratch::Scratch;

fn base() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("ccp").tempdir().unwrap()
}

fn sleeper() -> Child {
    Command::new("/bin/sleep").arg("60").process_group(0).spawn().unwrap()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).unwrap()
}

/// The record of a process that is gone.
fn dead() -> String {
    let mut child = sleeper();
    let record = Identity::of(pid(&child)).unwrap().record();
    child.kill().unwrap();
    child.wait().unwrap();
    record
}

/// An instance's root as a SIGKILL leaves it: a record, and a scratch directory with the process it is of.
fn left_behind(base: &Path, name: &str, owner: &str, process: Option<&Child>) -> PathBuf {
    let root = base.join(name);
    std::fs::create_dir(&root).unwrap();
    std::fs::write(base.join(format!("{name}.instance")), owner).unwrap();
    let scratch = root.join("0123abcd");
    std::fs::create_dir_all(scratch.join("w/deep")).unwrap();
    if let Some(process) = process {
        note_process(&scratch, pid(process));
    }
    root
}

fn claim(base: &Path) -> Instance {
    let root = base.join("own");
    Scratch::prepare_root(&root).unwrap();
    Instance::claim(&root)
}

#[test]
fn a_dead_instance_is_swept_with_its_orphans() {
    let base = base();
    let mut orphan = sleeper();
    let root = left_behind(base.path(), "77", &dead(), Some(&orphan));
    let _own = claim(base.path());
    assert!(!root.exists() && !base.path().join("77.instance").exists());
    assert!(!orphan.wait().unwrap().success(), "it was killed");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_tool_of_an_orphan_started_in_a_group_of_its_own_is_swept_too() {
    let base = base();
    let tmp = base.path().join("77/0123abcd/t");
    let mut tool = Command::new("/bin/sleep").arg("60").env("TMPDIR", tmp).process_group(0).spawn().unwrap();
    let root = left_behind(base.path(), "77", &dead(), None);
    let _own = claim(base.path());
    assert!(!root.exists());
    assert!(!tool.wait().unwrap().success(), "it was killed");
}

#[test]
fn a_live_instance_is_not_touched_by_its_process_or_by_its_lock() {
    let base = base();
    let (mut owner, mut process) = (sleeper(), sleeper());
    let alive = Identity::of(pid(&owner)).unwrap().record();
    let by_process = left_behind(base.path(), "77", &alive, Some(&process));
    let by_lock = left_behind(base.path(), "78", &dead(), Some(&process));
    let lock = locked(&base.path().join("78.instance"), false).unwrap();
    let own = claim(base.path());
    for root in [&by_process, &by_lock] {
        assert!(root.join("0123abcd/w/deep").exists());
    }
    assert!(process.try_wait().unwrap().is_none());
    drop((lock, own));
    let _next = claim(base.path());
    assert!(by_process.exists() && !by_lock.exists(), "a lock is free when its holder is gone");
    for child in [&mut owner, &mut process] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn what_has_no_record_of_ours_is_not_touched() {
    let base = base();
    let foreign = [base.path().join("0123abcd"), base.path().join("99/0123abcd")];
    foreign.iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
    std::fs::create_dir(base.path().join("98")).unwrap();
    std::fs::write(base.path().join("98.instance"), "no record").unwrap();
    let root = left_behind(base.path(), "77", &dead(), None);
    std::fs::create_dir(root.join("someone's")).unwrap();
    let _own = claim(base.path());
    assert!(foreign.iter().all(|folder| folder.exists()) && base.path().join("98").exists());
    assert!(root.join("someone's").exists() && !root.join("0123abcd").exists());
}

#[test]
fn a_process_that_only_has_the_number_of_an_orphan_is_not_killed() {
    let base = base();
    let mut later = sleeper();
    let root = left_behind(base.path(), "77", &dead(), None);
    std::fs::write(root.join("0123abcd/process"), format!("{} 1\n", later.id())).unwrap();
    let _own = claim(base.path());
    assert!(!root.exists() && later.try_wait().unwrap().is_none());
    later.kill().unwrap();
    later.wait().unwrap();
}

#[test]
fn an_earlier_run_under_the_same_number_is_swept() {
    let base = base();
    let root = left_behind(base.path(), "own", &dead(), None);
    let own = claim(base.path());
    assert!(!root.join("0123abcd").exists() && root.exists());
    drop(own);
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0, "in order, nothing is left");
}

#[test]
fn a_second_owner_in_one_process_sweeps_and_removes_nothing() {
    let base = base();
    let first = claim(base.path());
    std::fs::create_dir(base.path().join("own/0123abcd")).unwrap();
    drop(claim(base.path()));
    assert!(base.path().join("own/0123abcd").exists());
    std::fs::remove_dir(base.path().join("own/0123abcd")).unwrap();
    drop(claim(base.path()));
    assert!(base.path().join("own").exists());
    drop(first);
}

#[test]
fn a_folder_that_others_may_write_is_not_swept() {
    let base = base();
    let mode =
        |mode| std::fs::set_permissions(base.path(), std::os::unix::fs::PermissionsExt::from_mode(mode));
    let root = left_behind(base.path(), "77", &dead(), None);
    mode(0o777).unwrap();
    let _own = claim(base.path());
    assert!(root.join("0123abcd").exists());
    mode(0o700).unwrap();
}
