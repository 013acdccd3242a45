//! No process outlives a lab that is killed. This file is a program of its own, because it plays three parts: the
//! test, the lab that is killed, and the guard of the lab's containers.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test without the usual harness"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cluster::node::{Config, ImageRule, Node, guard};
use cluster::objects::{Kind, Objects};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn main() -> std::process::ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|arg| arg.to_str()) {
        Some("guard") => match guard::main(args) {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(error) => {
                println!("{error}");
                std::process::ExitCode::from(125)
            }
        },
        Some("lab") => {
            lab(Path::new(&args.next().expect("a folder")));
            std::process::ExitCode::SUCCESS
        }
        _ => {
            no_process_survives_a_lab_that_is_killed();
            the_next_lab_finds_what_a_killed_reaper_left();
            std::process::ExitCode::SUCCESS
        }
    }
}

/// A lab with a container that has children; it runs until it is killed.
fn lab(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let objects = Objects::new();
        let config = Config {
            images: vec![ImageRule {
                pattern: "sh".into(),
                program: "sh".into(),
                args: vec!["-c".into()],
                env: Vec::new(),
            }],
            guard: Some((std::env::current_exe().unwrap(), vec!["guard".into()])),
            lock_dir: dir.join("locks"),
            ..Config::new(dir)
        };
        let _node = Node::start(objects.clone(), config, &CancellationToken::new()).unwrap();
        let pod = json!({
            "metadata": {"name": "p", "namespace": "shop"},
            "spec": {"nodeName": "shoplab", "containers": [{
                "name": "c", "image": "sh",
                // It is stopped for its CPU limit most of the time, and must die all the same.
                "args": ["sleep 1000 & (sleep 1000 & wait) & while :; do :; done"],
                "resources": {"limits": {"cpu": "20m"}}
            }]}
        });
        objects.create(Kind::Pod, pod).unwrap();
        std::future::pending::<()>().await;
    });
}

/// Starts a lab and waits until its container's four processes are there.
fn start(dir: &Path) -> (Lab, BTreeSet<u32>) {
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("lab")
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lab = Lab(child);
    let mut group = BTreeSet::new();
    until("four processes", || {
        let Some(leader) = noted(dir) else {
            return false;
        };
        group = members(leader);
        group.len() == 4
    });
    (lab, group)
}

/// A lab of its own process; a test that fails leaves none behind.
struct Lab(Child);

impl Lab {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Mostly it was killed before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The pid in the only note of a running process.
fn noted(dir: &Path) -> Option<u32> {
    let entry = std::fs::read_dir(dir.join("run")).ok()?.next()?.ok()?;
    entry.path().file_stem()?.to_str()?.parse().ok()
}

fn members(group: u32) -> BTreeSet<u32> {
    processes()
        .filter(|(_, stat)| stat[2] == group.to_string() && stat[0] != "Z")
        .map(|(pid, _)| pid)
        .collect()
}

/// Pids and what follows the name in `/proc/<pid>/stat`: state, parent, group, ...
fn processes() -> impl Iterator<Item = (u32, Vec<String>)> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let after = stat.rsplit_once(')')?.1;
            Some((pid, after.split_whitespace().map(str::to_owned).collect()))
        })
}

fn until(what: &str, mut wanted: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn alive(pids: &BTreeSet<u32>) -> bool {
    processes().any(|(pid, stat)| pids.contains(&pid) && stat[0] != "Z")
}

fn no_process_survives_a_lab_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut lab, mut all) = start(dir.path());
    let parent = lab.0.id().to_string();
    all.extend(
        processes()
            .filter(|(_, stat)| stat[1] == parent)
            .map(|(pid, _)| pid),
    );
    assert_eq!(all.len(), 5, "the container's four and the reaper");
    lab.kill();
    until("all are gone", || !alive(&all));
    println!("test no_process_survives_a_lab_that_is_killed ... ok");
}

fn the_next_lab_finds_what_a_killed_reaper_left() {
    let dir = tempfile::tempdir().unwrap();
    let (mut lab, group) = start(dir.path());
    let parent = lab.0.id().to_string();
    let reaper = processes().find(|(pid, stat)| stat[1] == parent && !group.contains(pid));
    let (reaper, _) = reaper.expect("the lab has a reaper");
    let killed = Command::new("kill")
        .args(["-KILL", &reaper.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    lab.kill();
    // The leader died with the lab all the same; what it had started is nobody's child now.
    let (mut next, others) = start(dir.path());
    // It killed them before it started anything; a killed process may take a moment to be gone.
    until("those of the killed lab are gone", || !alive(&group));
    next.kill();
    until("the next lab's are gone", || !alive(&others));
    println!("test the_next_lab_finds_what_a_killed_reaper_left ... ok");
}
