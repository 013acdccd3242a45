//! The real program in a pseudo-terminal, and without one, from the page to the grade.

use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZeroU16;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

use crate::lab::{Place, wait_until};

/// A terminal with the program in it.
struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _pair: Box<dyn portable_pty::MasterPty + Send>,
}

/// A screen of 120 by 40.
fn screen_parser() -> vt100::Parser {
    let rows = NonZeroU16::new(40).expect("not zero");
    let columns = NonZeroU16::new(120).expect("not zero");
    vt100::Parser::new(rows, columns, 0)
}

impl Terminal {
    fn open(place: &Place, args: &[&str]) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_shoplab"));
        command.args(args);
        command.env("XDG_STATE_HOME", place.path("state"));
        command.env("TERM", "xterm-256color");
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the program starts");
        let mut output = pair.master.try_clone_reader().expect("its output");
        let screen = Arc::new(Mutex::new(screen_parser()));
        let drawn = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(count) = output.read(&mut bytes) {
                if count == 0 {
                    break;
                }
                drawn.lock().expect("the screen").process(&bytes[..count]);
            }
        });
        Self {
            screen,
            keys: pair.master.take_writer().expect("its keys"),
            child,
            _pair: pair.master,
        }
    }

    fn shows(&self) -> String {
        self.screen.lock().expect("the screen").screen().contents()
    }

    fn wait_for(&self, text: &str, seconds: u64) {
        wait_until(Duration::from_secs(seconds), || {
            let shown = self.shows();
            if shown.contains(text) {
                Ok(())
            } else {
                Err(format!("no `{text}` on the screen:\n{shown}"))
            }
        });
    }

    fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("keys are taken");
        self.keys.flush().expect("keys are taken");
    }

    /// Turns a field of the form to the next value until it shows `value`, so many times at most.
    fn turn_to(&mut self, value: &str, most: usize) {
        for _ in 0..most {
            if self.shows().contains(value) {
                break;
            }
            self.press("l");
            std::thread::park_timeout(Duration::from_millis(60));
        }
        self.wait_for(value, 5);
    }
}

#[test]
fn a_trainee_is_paged_finds_the_cause_and_is_graded() {
    let place = Place::take();
    let out = place.path("out");
    let out = out.to_str().expect("a path");
    let mut terminal = Terminal::open(
        &place,
        &[
            "train",
            "payment-scaled-to-zero",
            "--quiet",
            "3s",
            "--out",
            out,
        ],
    );
    terminal.wait_for("● steady", 180);
    terminal.wait_for("PAGE PaymentDown", 60);
    terminal.press("a");
    terminal.wait_for("✓ yours", 10);
    // Looks at metrics and logs.
    terminal.press("2");
    terminal.wait_for("series", 20);
    terminal.press("3");
    terminal.wait_for("lines, newest first", 20);
    terminal.press("5");
    terminal.wait_for("READY", 20);
    // Answers: payment is scaled down.
    terminal.press("7");
    terminal.wait_for("your answer", 10);
    terminal.turn_to("‹ payment ›", 30);
    terminal.press("j");
    terminal.turn_to("‹ scaled-down ›", 20);
    terminal.press("\r");
    terminal.wait_for("submitted: payment, scaled-down", 10);
    // Acts.
    terminal.press(":scale deployment/payment --replicas=1\r");
    terminal.wait_for("change the shop?", 10);
    terminal.press("y");
    terminal.wait_for("recovered", 120);
    terminal.press("R");
    terminal.wait_for("resolve?", 10);
    terminal.press("y");
    terminal.wait_for("of 100", 60);
    let debrief = terminal.shows();
    assert!(debrief.contains("named payment"), "{debrief}");
    terminal.press("q");
    let status = wait_until(Duration::from_secs(30), || {
        let ended = terminal.child.try_wait().expect("a child");
        ended.ok_or_else(|| terminal.shows())
    });
    let left = terminal.shows();
    assert!(left.contains("grade again: shoplab grade"), "{left}");
    assert!(status.exit_code() <= 1, "{status:?}\n{left}");
    place.wait_until_empty(Duration::from_secs(10));
}

#[test]
fn a_program_is_paged_finds_the_cause_and_is_graded() {
    let place = Place::take();
    let out = place.path("out");
    let train = [
        "train",
        "payment-scaled-to-zero",
        "--mode",
        "json",
        "--quiet",
        "3s",
        "--out",
        out.to_str().expect("a path"),
    ];
    let mut child = place
        .command(&train)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut commands = child.stdin.take().expect("its input");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let mut facts = output.lines().map(|line| {
        let line = line.expect("a line");
        serde_json::from_str::<Value>(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    });
    let mut fact = |kind: &str| -> Value {
        let found = facts.by_ref().find(|fact| fact["kind"] == kind);
        found.unwrap_or_else(|| panic!("nothing of the kind {kind} was told"))
    };
    let mut obey = |command: &str| writeln!(commands, "{command}").expect("it is read");
    while fact("alert-fired")["alert"] != "PaymentDown" {}
    for (command, kind) in [
        ("ack", "done"),
        (
            "metrics kube_deployment_spec_replicas{deployment=\"payment\"}",
            "series",
        ),
        ("logs {app=\"orders\"} | json | level=\"error\"", "lines"),
        ("update Checkouts fail: payment has no pods.", "done"),
        (
            "answer cause=payment mode=scaled-down impact=M06 severity=page",
            "done",
        ),
        ("scale deployment/payment --replicas=1 yes", "done"),
    ] {
        obey(command);
        let told = fact(kind);
        assert_ne!(told["count"], 0, "{command}: {told}");
    }
    fact("recovered");
    obey("update Payment has its pod again.");
    obey("{\"do\": \"resolve\", \"confirm\": true}");
    let grade = fact("grade");
    assert_eq!(grade["passed"], true, "{grade}");
    assert_eq!(fact("debrief")["cause"], "payment");
    fact("report");
    let ended = child.wait().expect("its end");
    assert_eq!(ended.code(), Some(0));
    place.wait_until_empty(Duration::from_secs(10));
}
