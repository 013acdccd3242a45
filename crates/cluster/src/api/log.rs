//! `pods/log`: a container's log, whole, in part, or followed.

use std::io::SeekFrom;
use std::path::Path;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Api;
use super::status::{ApiError, ApiResult};
use super::target::{Params, Target};
use crate::objects::{Kind, meta};
use crate::runtime::LogRun;

/// Which lines of a log are wanted, and how they are shown.
#[derive(Clone, Debug, Default)]
struct Wanted {
    since: Option<jiff::Timestamp>,
    tail: Option<usize>,
    limit: Option<usize>,
    stream: Option<String>,
    timestamps: bool,
}

/// Reads a log file on from where it stopped.
struct Reader {
    file: tokio::fs::File,
    /// The start of a line whose end is not written yet.
    rest: Vec<u8>,
    wanted: Wanted,
}

/// A log that is followed.
struct Follow {
    reader: Reader,
    first: Option<Bytes>,
    written: watch::Receiver<u64>,
    left: Option<usize>,
    cancel: CancellationToken,
    ended: bool,
}

/// `GET .../log`.
pub(super) async fn serve(api: &Api, target: &Target, params: &Params) -> ApiResult<Response> {
    let name = target.name.as_deref().unwrap_or("");
    let pod = api.objects.get(Kind::Pod, target.within(), name)?;
    let container = container(&pod, params.get("container"))?;
    let run = if params.flag("previous") {
        LogRun::Previous
    } else {
        LogRun::Current
    };
    let Some(source) = api.runtime.logs(target.within(), name, &container, run) else {
        return nothing(&pod, &container, run);
    };
    let wanted = Wanted::of(params)?;
    let limit = wanted.limit;
    let mut reader = Reader::open(&source.path, wanted).await.map_err(|error| {
        ApiError::unavailable(format!(
            "cannot read the log of container {container}: {error}"
        ))
    })?;
    let first = cut(reader.first().await.map_err(read_error)?, limit);
    let written = match source.written {
        Some(written) if params.flag("follow") => written,
        _ => return Ok(text(Body::from(first))),
    };
    let follow = Follow {
        reader,
        left: limit.map(|limit| limit.saturating_sub(first.len())),
        first: Some(first),
        written,
        cancel: api.cancel.clone(),
        ended: false,
    };
    let pieces = futures::stream::try_unfold(follow, |mut follow| async move {
        let piece = follow.next().await?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, follow)))
    });
    Ok(text(Body::from_stream(pieces)))
}

impl Wanted {
    fn of(params: &Params) -> ApiResult<Self> {
        let count = |key: &str| -> ApiResult<Option<usize>> {
            let number = params.number(key)?;
            number
                .map(|number| {
                    usize::try_from(number)
                        .map_err(|_| ApiError::bad_request(format!("{key}: must not be negative")))
                })
                .transpose()
        };
        let since = match (params.get("sinceTime"), params.number("sinceSeconds")?) {
            (Some(time), _) => Some(time.parse().map_err(|_| {
                ApiError::bad_request(format!(
                    "sinceTime: `{time}` is not a time such as 2026-01-31T12:00:00Z"
                ))
            })?),
            (None, Some(seconds)) => jiff::Timestamp::now()
                .checked_sub(jiff::SignedDuration::from_secs(seconds))
                .ok(),
            (None, None) => None,
        };
        Ok(Self {
            since,
            tail: count("tailLines")?,
            limit: count("limitBytes")?,
            stream: params
                .get("stream")
                .filter(|stream| *stream != "All")
                .map(str::to_lowercase),
            timestamps: params.flag("timestamps"),
        })
    }

    /// What is shown of a line of the file; `None` when it is not wanted.
    fn line(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let (time, stream, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let said = parts.next().unwrap_or(b"");
        if let Some(since) = self.since {
            let time = std::str::from_utf8(time)
                .ok()?
                .parse::<jiff::Timestamp>()
                .ok()?;
            if time < since {
                return None;
            }
        }
        if self
            .stream
            .as_deref()
            .is_some_and(|wanted| wanted.as_bytes() != stream)
        {
            return None;
        }
        let mut shown = Vec::with_capacity(line.len() + 1);
        if self.timestamps {
            shown.extend_from_slice(time);
            shown.push(b' ');
        }
        shown.extend_from_slice(said);
        if tag == b"F" || self.timestamps {
            shown.push(b'\n');
        }
        Some(shown)
    }
}

impl Reader {
    async fn open(path: &Path, wanted: Wanted) -> std::io::Result<Self> {
        Ok(Self {
            file: tokio::fs::File::open(path).await?,
            rest: Vec::new(),
            wanted,
        })
    }

    /// What is there already; only its end when `tailLines` is asked for.
    async fn first(&mut self) -> std::io::Result<Bytes> {
        let Some(tail) = self.wanted.tail else {
            return self.more().await;
        };
        let lines = self.lines().await?;
        let from = lines.len().saturating_sub(tail);
        Ok(lines[from..].concat().into())
    }

    /// What has been written since the last time.
    async fn more(&mut self) -> std::io::Result<Bytes> {
        Ok(self.lines().await?.concat().into())
    }

    async fn lines(&mut self) -> std::io::Result<Vec<Vec<u8>>> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.file.read_to_end(&mut bytes).await?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        self.rest = bytes.split_off(whole);
        Ok(bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .filter_map(|line| self.wanted.line(line))
            .collect())
    }

    /// Starts over when the file became shorter: it was cut.
    async fn rewind_if_cut(&mut self) -> std::io::Result<()> {
        let length = self.file.metadata().await?.len();
        if length < self.file.stream_position().await? {
            self.file.seek(SeekFrom::Start(0)).await?;
            self.rest.clear();
        }
        Ok(())
    }
}

impl Follow {
    /// The next piece that is not empty; `None` when the run has ended.
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        if let Some(first) = self.first.take()
            && !first.is_empty()
        {
            return Ok(Some(first));
        }
        while !self.ended && self.left != Some(0) {
            tokio::select! {
                () = self.cancel.cancelled() => return Ok(None),
                changed = self.written.changed() => self.ended = changed.is_err(),
            }
            self.reader.rewind_if_cut().await?;
            let piece = cut(self.reader.more().await?, self.left);
            if let Some(left) = &mut self.left {
                *left -= piece.len();
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

fn cut(piece: Bytes, limit: Option<usize>) -> Bytes {
    match limit {
        Some(limit) if piece.len() > limit => piece.slice(..limit),
        _ => piece,
    }
}

fn read_error(error: std::io::Error) -> ApiError {
    ApiError::unavailable(format!("the log cannot be read: {error}"))
}

fn text(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body).into_response()
}

/// The container that is meant.
fn container(pod: &Value, asked: Option<&str>) -> ApiResult<String> {
    let of = |list: &str| {
        let items = meta::items(pod, list).iter();
        items
            .map(|container| meta::text(container, "/name").to_owned())
            .collect::<Vec<_>>()
    };
    let (names, inits) = (of("/spec/containers"), of("/spec/initContainers"));
    let pod = meta::name(pod);
    match asked {
        Some(asked) if names.iter().chain(&inits).any(|name| name == asked) => Ok(asked.to_owned()),
        Some(asked) => Err(ApiError::bad_request(format!(
            "container {asked} is not valid for pod {pod}"
        ))),
        None => match names.as_slice() {
            [one] => Ok(one.clone()),
            many => Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {pod}, choose one of: [{}]",
                many.join(" ")
            ))),
        },
    }
}

/// There is no log: Kubernetes says why.
fn nothing(pod: &Value, container: &str, run: LogRun) -> ApiResult<Response> {
    let name = meta::name(pod);
    if run == LogRun::Previous {
        return Err(ApiError::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{name}\" not found"
        )));
    }
    let reason = meta::items(pod, "/status/containerStatuses")
        .iter()
        .find(|status| status["name"] == container)
        .map_or("ContainerCreating", |status| {
            meta::text(status, "/state/waiting/reason")
        });
    Err(ApiError::bad_request(format!(
        "container \"{container}\" in pod \"{name}\" is waiting to start: {}",
        if reason.is_empty() {
            "ContainerCreating"
        } else {
            reason
        }
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-01-01T00:00:01.5Z stdout F one\n2026-01-01T00:00:02.5Z stderr F two words\n\
                       2026-01-01T00:00:03.5Z stdout F three\n2026-01-01T00:00:04Z stdout F unfini";

    async fn read(query: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), LOG).unwrap();
        let wanted = Wanted::of(&Params::parse(Some(query))).unwrap();
        let limit = wanted.limit;
        let mut reader = Reader::open(file.path(), wanted).await.unwrap();
        String::from_utf8(cut(reader.first().await.unwrap(), limit).to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_wanted_lines_are_shown() {
        for (query, expected) in [
            ("", "one\ntwo words\nthree\n"),
            ("tailLines=1", "three\n"),
            ("tailLines=0", ""),
            ("sinceTime=2026-01-01T00:00:02Z", "two words\nthree\n"),
            (
                "tailLines=1&timestamps=true",
                "2026-01-01T00:00:03.5Z three\n",
            ),
            ("stream=Stderr", "two words\n"),
            ("limitBytes=5", "one\nt"),
        ] {
            assert_eq!(read(query).await, expected, "{query}");
        }
    }

    #[tokio::test]
    async fn a_followed_log_ends_when_its_writer_does() {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let (sender, written) = watch::channel(0);
        let mut follow = Follow {
            reader: Reader::open(file.path(), Wanted::default()).await.unwrap(),
            first: None,
            written,
            left: None,
            cancel: CancellationToken::new(),
            ended: false,
        };
        file.write_all(LOG.as_bytes()).unwrap();
        sender.send_replace(1);
        assert_eq!(
            follow.next().await.unwrap().unwrap(),
            "one\ntwo words\nthree\n"
        );
        file.write_all(b"shed\n").unwrap();
        drop(sender);
        assert_eq!(follow.next().await.unwrap().unwrap(), "unfinished\n");
        assert_eq!(follow.next().await.unwrap(), None);
    }
}
