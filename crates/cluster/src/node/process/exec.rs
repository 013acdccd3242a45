//! Commands beside a container: to their end, or with somebody who listens.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;

use super::super::runtime::{ExecError, ExecOutput, StartError, Streams};
use super::{code, group, pid_of};
use crate::runtime::ExecStream;

/// Collects what a command prints until it ends, for no longer than `timeout`.
pub(super) async fn to_its_end(
    mut child: Child,
    command: String,
    timeout: Duration,
) -> Result<ExecOutput, ExecError> {
    let pid = pid_of(&child)?;
    // Until it is collected; a timeout or a caller that goes away kills it.
    let guard = KillGroup(pid);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = group::wait(&mut child, pid, || drop(guard));
    let all = async {
        let (_, _, status) = tokio::join!(
            read_all(out, &mut stdout),
            read_all(err, &mut stderr),
            ended
        );
        status
    };
    match tokio::time::timeout(timeout, all).await {
        Ok(Ok(status)) => Ok(ExecOutput {
            code: code(status),
            stdout,
            stderr,
        }),
        Ok(Err(error)) => Err(StartError::System(error.to_string()).into()),
        Err(_) => Err(ExecError::Timeout { command }),
    }
}

/// Passes a command's input and output on until it ends or nobody listens any more.
pub(super) async fn attached(mut child: Child, streams: Streams) -> Result<i32, ExecError> {
    let pid = pid_of(&child)?;
    let guard = KillGroup(pid);
    let Streams { stdin, output } = streams;
    let fed = feed(child.stdin.take(), stdin);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = group::wait(&mut child, pid, || drop(guard));
    let all = async {
        let (_, _, status) = tokio::join!(
            pass(out, ExecStream::Stdout, &output),
            pass(err, ExecStream::Stderr, &output),
            ended
        );
        status
    };
    let status = tokio::select! {
        status = all => status,
        never = fed => match never {},
        () = output.closed() => return Err(ExecError::Abandoned),
    };
    let status = status.map_err(|error| StartError::System(error.to_string()))?;
    Ok(code(status))
}

/// Writes what comes to a command's input, and closes it when nothing comes any more. Never returns: the command
/// decides when it has ended.
async fn feed(to: Option<ChildStdin>, from: Option<mpsc::Receiver<Bytes>>) -> Infallible {
    if let (Some(mut to), Some(mut from)) = (to, from) {
        while let Some(bytes) = from.recv().await {
            if to.write_all(&bytes).await.is_err() {
                // It reads no more; what still comes is thrown away, so that nobody waits for it.
                drop(to);
                while from.recv().await.is_some() {}
                break;
            }
        }
    }
    std::future::pending().await
}

async fn pass(
    from: Option<impl AsyncRead + Unpin>,
    stream: ExecStream,
    to: &mpsc::Sender<(ExecStream, Bytes)>,
) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = Bytes::copy_from_slice(&buffer[..length]);
        if to.send((stream, bytes)).await.is_err() {
            return;
        }
    }
}

async fn read_all(from: Option<impl AsyncRead + Unpin>, to: &mut Vec<u8>) {
    if let Some(from) = from {
        // What could be read is what there is to show.
        let _ = from.take(1 << 20).read_to_end(to).await;
    }
}

/// Kills a group when it goes out of scope.
struct KillGroup(Pid);

impl Drop for KillGroup {
    fn drop(&mut self) {
        group::kill_group(self.0);
    }
}
