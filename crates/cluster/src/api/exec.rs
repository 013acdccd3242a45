//! `kubectl exec`: a command beside a container's processes, over a WebSocket with numbered channels.
//!
//! The protocol is `v5.channel.k8s.io`: the first byte of each message is its channel (0 input, 1 output, 2 errors,
//! 3 the end as a Status, 4 the terminal's size, 255 the end of a channel). `v4` is the same without 255. Clients
//! before kubectl 1.31 speak SPDY, which is told to them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use futures::{SinkExt, StreamExt};
use http::header;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::status::{ApiError, ApiResult};
use super::target::{Target, decode};
use super::{Api, Call};
use crate::objects::{Kind, meta};
use crate::runtime::{ExecRequest, ExecStream};

const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// The channels of the protocol.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const END: u8 = 3;
const CLOSE: u8 = 255;

/// Keys.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
/// The exit code of a command that was ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// How much may wait between the container and the client.
const WAITING: usize = 16;

/// Upgrades the request and runs the command that it names.
pub(super) async fn serve(api: Arc<Api>, call: Call, request: Request) -> ApiResult<Response> {
    let (mut parts, _) = request.into_parts();
    // What is wrong with the request comes first: clients try both protocols and show the last error.
    let request = exec_request(&api, &call.target, parts.uri.query().unwrap_or(""))?;
    let upgrade = parts
        .headers
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_ascii_lowercase();
    if upgrade != "websocket" {
        return Err(ApiError::bad_request(
            "exec is served over WebSocket only, which kubectl 1.31 and newer speak; older ones ask for SPDY",
        ));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|rejection| ApiError::bad_request(rejection.body_text()))?
        .protocols(PROTOCOLS);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let cancel = api.cancel.clone();
        let work = talk(api, request, socket);
        // The server waits for its connections: one that goes on would hold it.
        cancel.run_until_cancelled(work).await;
    }))
}

/// What the query asks for, with the container that is meant.
fn exec_request(api: &Api, target: &Target, query: &str) -> ApiResult<ExecRequest> {
    let mut command = Vec::new();
    let (mut container, mut with_stdin, mut tty) = (String::new(), false, false);
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = decode(&value.replace('+', " "));
        match key {
            "command" => command.push(value),
            "container" => container = value,
            "stdin" => with_stdin = is_set(&value),
            "tty" => tty = is_set(&value),
            _ => {}
        }
    }
    if command.is_empty() {
        return Err(ApiError::bad_request(
            "you must specify at least 1 command for the container",
        ));
    }
    let (namespace, name) = (target.within(), target.name.as_deref().unwrap_or(""));
    let pod = api.objects.get(Kind::Pod, namespace, name)?;
    if container.is_empty() {
        container = meta::text(&pod, "/spec/containers/0/name").to_owned();
    }
    let known = meta::items(&pod, "/spec/containers");
    if !known.iter().any(|known| known["name"] == container) {
        return Err(ApiError::bad_request(format!(
            "container {container} is not valid for pod {name}"
        )));
    }
    Ok(ExecRequest {
        namespace: namespace.to_owned(),
        pod: name.to_owned(),
        container,
        command,
        with_stdin,
        tty,
    })
}

fn is_set(value: &str) -> bool {
    matches!(value, "true" | "1")
}

async fn talk(api: Arc<Api>, request: ExecRequest, socket: WebSocket) {
    let (mut to_client, mut from_client) = socket.split();
    let (input, stdin) = mpsc::channel(WAITING);
    let (stdout, mut output) = mpsc::channel(WAITING);
    let tty = request.tty;
    let run = api.runtime.exec(request, stdin, stdout);
    tokio::pin!(run);
    let mut input = Some(input);
    let ended = loop {
        tokio::select! {
            ended = &mut run => break ended,
            Some((stream, bytes)) = output.recv() => {
                if to_client.send(framed(stream, &bytes, tty)).await.is_err() {
                    // Nobody listens any more; dropping the run kills the command.
                    return;
                }
            }
            message = from_client.next() => match message {
                Some(Ok(Message::Binary(bytes))) => match hear(&mut input, &bytes, tty).await {
                    Heard::Nothing => {}
                    Heard::Typed(echo) => {
                        let echo = framed(ExecStream::Stdout, &echo, tty);
                        if to_client.send(echo).await.is_err() {
                            return;
                        }
                    }
                    // Dropping the run kills the command.
                    Heard::Interrupt => break Ok(INTERRUPTED),
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    };
    while let Ok((stream, bytes)) = output.try_recv() {
        if to_client.send(framed(stream, &bytes, tty)).await.is_err() {
            return;
        }
    }
    let status = match ended {
        Ok(code) => end(code),
        Err(error) => failure(&error.to_string()),
    };
    let mut last = vec![END];
    last.extend_from_slice(status.to_string().as_bytes());
    // A client that is gone does not want to know.
    let _ = to_client.send(Message::Binary(Bytes::from(last))).await;
    let close = CloseFrame {
        code: close_code::NORMAL,
        reason: "".into(),
    };
    let _ = to_client.send(Message::Close(Some(close))).await;
}

/// What the client said, beside input that was passed on.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// A person typed this, and wants to see it.
    Typed(Vec<u8>),
    /// A person pressed Ctrl-C.
    Interrupt,
}

/// What the client says: input, or the end of it. A terminal's client is raw: keys mean what a terminal makes of them.
async fn hear(input: &mut Option<mpsc::Sender<Bytes>>, bytes: &Bytes, tty: bool) -> Heard {
    match bytes.first() {
        Some(&STDIN) if bytes.len() > 1 => {
            let said = bytes.slice(1..);
            if !tty {
                give(input, said).await;
                return Heard::Nothing;
            }
            if said.contains(&CTRL_C) {
                return Heard::Interrupt;
            }
            let ends = said.contains(&CTRL_D);
            let line: Vec<u8> = said
                .iter()
                .filter(|byte| **byte != CTRL_D)
                .map(|byte| if *byte == b'\r' { b'\n' } else { *byte })
                .collect();
            give(input, Bytes::from(line.clone())).await;
            if ends {
                *input = None;
            }
            Heard::Typed(line)
        }
        Some(&CLOSE) if bytes.get(1) == Some(&STDIN) => {
            *input = None;
            Heard::Nothing
        }
        _ => Heard::Nothing,
    }
}

async fn give(input: &Option<mpsc::Sender<Bytes>>, bytes: Bytes) {
    if let Some(input) = input {
        // A command that does not read is not fed.
        let _ = input.send(bytes).await;
    }
}

/// A message of a stream. A terminal has one stream, and its lines end with a carriage return.
fn framed(stream: ExecStream, bytes: &[u8], tty: bool) -> Message {
    let channel = match stream {
        ExecStream::Stderr if !tty => STDERR,
        ExecStream::Stdout | ExecStream::Stderr => STDOUT,
    };
    let mut all = Vec::with_capacity(bytes.len() + 1);
    all.push(channel);
    for byte in bytes {
        if tty && *byte == b'\n' {
            all.push(b'\r');
        }
        all.push(*byte);
    }
    Message::Binary(Bytes::from(all))
}

/// The Status of a command that ended.
fn end(code: i32) -> Value {
    if code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}

/// The Status of one that could not be run.
fn failure(message: &str) -> Value {
    json!({
        "metadata": {},
        "status": "Failure",
        "reason": "InternalError",
        "message": format!("Internal error occurred: {message}"),
        "code": 500,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_command_is_told_as_clients_read_it() {
        assert_eq!(end(0)["status"], "Success");
        let failed = end(4);
        assert_eq!(failed["reason"], "NonZeroExitCode");
        assert_eq!(failed["details"]["causes"][0]["message"], "4");
    }

    #[tokio::test]
    async fn input_is_passed_on_until_it_ends() {
        let (sender, mut input) = mpsc::channel(4);
        let mut sender = Some(sender);
        let heard = hear(&mut sender, &Bytes::from_static(b"\0hello"), false).await;
        assert_eq!(heard, Heard::Nothing);
        assert_eq!(input.recv().await.unwrap(), "hello");
        hear(&mut sender, &Bytes::from_static(b"\x04{}"), false).await;
        assert!(sender.is_some());
        hear(&mut sender, &Bytes::from_static(b"\xff\0"), false).await;
        assert!(sender.is_none());
        assert_eq!(input.recv().await, None);
    }

    #[tokio::test]
    async fn the_keys_of_a_terminal_mean_what_they_usually_do() {
        let (sender, mut input) = mpsc::channel(4);
        let mut sender = Some(sender);
        let typed = hear(&mut sender, &Bytes::from_static(b"\0ls\r"), true).await;
        assert_eq!(typed, Heard::Typed(b"ls\n".to_vec()));
        assert_eq!(input.recv().await.unwrap(), "ls\n");
        let stopped = hear(&mut sender, &Bytes::from_static(b"\0\x03"), true).await;
        assert_eq!(stopped, Heard::Interrupt);
        hear(&mut sender, &Bytes::from_static(b"\0\x04"), true).await;
        assert!(sender.is_none());
        let shown = framed(ExecStream::Stderr, b"no\n", true);
        assert_eq!(shown, Message::Binary(Bytes::from_static(b"\x01no\r\n")));
        let shown = framed(ExecStream::Stderr, b"no\n", false);
        assert_eq!(shown, Message::Binary(Bytes::from_static(b"\x02no\n")));
    }
}
