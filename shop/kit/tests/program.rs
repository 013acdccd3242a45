//! A service as a program: its hooks on a port of their own, and what they do to its log.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::net::TcpListener;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context, ErrorBody, ErrorSite, Release, Service};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const SERVICE: Service = Service {
    name: "toy",
    app,
    errors: shape,
    releases: &[Release::good("v1.0.0")],
};
/// `secret`, hashed.
const KEY_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
const PATIENCE: Duration = Duration::from_secs(20);

fn app(_: Context) -> Result<Router, ConfigError> {
    Ok(Router::new().route("/thing", get(|| async { "a thing" })))
}

fn shape(error: &AppError, _: &ErrorSite<'_>) -> ErrorBody {
    ErrorBody {
        content_type: "application/json",
        json: json!({ "said": error.message }),
    }
}

/// Not a test: what the test below runs in a process of its own.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn the_program() {
    assert_eq!(shop_kit::run(&SERVICE), ExitCode::SUCCESS);
}

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    control: u16,
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Program {
    async fn start() -> Self {
        let (port, control) = (free_port(), free_port());
        let this = std::env::current_exe().expect("this program");
        let mut child = Command::new(this)
            .args(["--exact", "the_program", "--ignored", "--nocapture"])
            .env("PORT", port.to_string())
            .env("CONTROL_PORT", control.to_string())
            .env("CONTROL_KEY_SHA256", KEY_SHA256)
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut program = Self {
            child,
            lines,
            port,
            control,
        };
        program.line("listening").await;
        program
    }

    /// The next log line for which `wanted` is part of the level or the message.
    async fn line(&mut self, wanted: &str) -> Value {
        let found = async {
            loop {
                let line = self.lines.next_line().await.expect("a pipe");
                let line = line.expect("the program goes on");
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["msg"] == wanted || line["level"] == wanted {
                    return line;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("no line that says {wanted}"))
    }

    async fn hook(&self, method: reqwest::Method, hook: &str, body: Value) {
        let client = reqwest::Client::builder().no_proxy().build();
        let url = format!("http://127.0.0.1:{}/hooks/{hook}", self.control);
        let request = client.expect("a client").request(method, url);
        let request = request.header("x-lab-key", "secret").body(body.to_string());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{hook}");
    }

    /// How many seconds behind the log dates a request that is made now.
    async fn behind(&mut self) -> i64 {
        let client = reqwest::Client::builder().no_proxy().build();
        let url = format!("http://127.0.0.1:{}/thing", self.port);
        let request = client.expect("a client").get(url);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        let line = self.line("request").await;
        let said: Timestamp = line["ts"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a timestamp");
        Timestamp::now().duration_since(said).as_secs()
    }
}

#[tokio::test]
async fn hooks_skew_the_logs_clock_and_make_noise_in_it_until_they_end() {
    let mut program = Program::start().await;
    assert!(program.behind().await <= 2, "right");
    let skew = json!({ "lease_ms": 60_000, "skew_ms": -600_000 });
    program.hook(reqwest::Method::PUT, "clock", skew).await;
    let behind = program.behind().await;
    assert!((600..=602).contains(&behind), "{behind} s behind");
    program
        .hook(reqwest::Method::DELETE, "clock", Value::Null)
        .await;
    assert!(program.behind().await <= 2, "right again");

    let lease = json!({ "lease_ms": 60_000 });
    program.hook(reqwest::Method::PUT, "chatter", lease).await;
    let line = program.line("warn").await;
    let said = line["msg"].as_str().expect("a message");
    assert!(said.starts_with("DEPRECATED"), "{said}");

    let id = program.child.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-s", "TERM", &id]).status();
    assert!(told.await.expect("kill").success());
    assert!(program.child.wait().await.expect("ended").success());
}
