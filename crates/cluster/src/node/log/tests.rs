//! Writing, rotating, reading and following logs.

use futures::StreamExt;

use super::*;

const SMALL: LogLimits = LogLimits {
    file_bytes: 600,
    files: 2,
};

fn log(dir: &tempfile::TempDir, limits: LogLimits) -> (ContainerLog, LogWriter) {
    ContainerLog::create(dir.path(), "0".into(), limits).unwrap()
}

async fn all(log: &ContainerLog, options: LogOptions) -> String {
    let pieces: Vec<_> = log.read(options).collect().await;
    String::from_utf8(pieces.concat()).unwrap()
}

#[tokio::test]
async fn lines_are_kept_in_the_cri_format_and_read_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(&dir, LogLimits::default());
    let mut out = writer.stream(Stream::Stdout);
    let mut err = writer.stream(Stream::Stderr);
    out.write(b"one\ntw");
    err.write(b"bad\n");
    out.write(b"o\nend");
    out.finish();
    let file = fs::read_to_string(dir.path().join("0.0.log")).unwrap();
    let line = file.lines().next().unwrap();
    assert_eq!(&line[30..], " stdout F one");
    assert!(line[..30].parse::<Timestamp>().is_ok(), "{line}");
    assert_eq!(
        all(&log, LogOptions::default()).await,
        "one\nbad\ntwo\nend\n"
    );
    let only = LogOptions {
        stream: Some(Stream::Stderr),
        ..LogOptions::default()
    };
    assert_eq!(all(&log, only).await, "bad\n");
    let stamped = LogOptions {
        timestamps: true,
        tail_lines: Some(1),
        ..LogOptions::default()
    };
    assert!(all(&log, stamped).await.ends_with("Z end\n"));
}

#[tokio::test]
async fn tail_since_and_limit_choose_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(&dir, SMALL);
    let mut out = writer.stream(Stream::Stdout);
    for count in 0..12 {
        out.write(format!("line {count}\n").as_bytes());
    }
    let tail = |lines| LogOptions {
        tail_lines: Some(lines),
        ..LogOptions::default()
    };
    assert_eq!(all(&log, tail(0)).await, "");
    assert_eq!(all(&log, tail(2)).await, "line 10\nline 11\n");
    assert!(all(&log, tail(1_000)).await.ends_with("line 11\n"));
    let later = LogOptions {
        since: Some(Timestamp::now() + jiff::SignedDuration::from_secs(60)),
        ..LogOptions::default()
    };
    assert_eq!(all(&log, later).await, "");
    let limited = LogOptions {
        limit_bytes: Some(5),
        ..tail(3)
    };
    assert_eq!(all(&log, limited).await, "line ");
}

#[tokio::test]
async fn rotation_bounds_the_files_and_the_oldest_lines_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(&dir, SMALL);
    let mut out = writer.stream(Stream::Stdout);
    for count in 0..100 {
        out.write(format!("line {count:03}\n").as_bytes());
    }
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 2);
    let text = all(&log, LogOptions::default()).await;
    assert!(text.ends_with("line 099\n") && !text.contains("line 001\n"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 12 && lines.len() <= 26, "{}", lines.len());
}

#[tokio::test]
async fn a_follower_sees_every_line_over_rotations_and_ends_with_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(
        &dir,
        LogLimits {
            file_bytes: 200,
            files: 100,
        },
    );
    let follow = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let reader = tokio::spawn({
        let log = log.clone();
        async move { all(&log, follow).await }
    });
    let mut out = writer.stream(Stream::Stdout);
    for count in 0..50 {
        out.write(format!("{count}\n").as_bytes());
        tokio::task::yield_now().await;
    }
    drop((out, writer));
    let expected: String = (0..50).map(|count| format!("{count}\n")).collect();
    assert_eq!(reader.await.unwrap(), expected);
}

#[tokio::test]
async fn a_very_long_line_comes_in_parts_and_is_read_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(&dir, LogLimits::default());
    let long = "x".repeat(40_000);
    let mut out = writer.stream(Stream::Stdout);
    out.write(format!("{long}\n").as_bytes());
    let file = fs::read_to_string(dir.path().join("0.0.log")).unwrap();
    assert_eq!(file.matches(" stdout P ").count(), 2);
    assert_eq!(all(&log, LogOptions::default()).await, format!("{long}\n"));
}
