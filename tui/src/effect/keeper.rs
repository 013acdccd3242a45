//! The files in which queries are kept between drills: one for each language,
//! a query a line, oldest first.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::sync::Mutex;

use crate::completion::Language;
use crate::state::History;

/// Reads and writes the files of a folder.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    /// One file is changed at a time.
    standing: Mutex<Standing>,
}

/// Whether files can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Well,
    /// It did not work once, and was said: it is not tried again.
    GivenUp,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            standing: Mutex::new(Standing::Well),
        }
    }

    /// The queries of `language`, oldest first; none where there is no file that
    /// can be read.
    pub(super) async fn read(&self, language: Language) -> Vec<String> {
        read(&self.file(language)).await.unwrap_or_default()
    }

    /// Adds `query` to its file. What another console added meanwhile stays.
    ///
    /// # Errors
    /// Why it cannot be kept; the first time only.
    pub(super) async fn keep(&self, language: Language, query: String) -> Result<(), String> {
        let mut standing = self.standing.lock().await;
        if *standing == Standing::GivenUp {
            return Ok(());
        }
        let file = self.file(language);
        let added = async {
            // A file that cannot be read now is not overwritten.
            let earlier = read(&file).await?;
            let history = History::of(earlier.into_iter().chain([query]));
            let mut text = history.queries().join("\n");
            text.push('\n');
            replace(&self.folder, &file, text).await
        };
        added.await.map_err(|error| {
            *standing = Standing::GivenUp;
            let folder = self.folder.display();
            format!("queries are not kept for later drills: {folder}: {error}")
        })
    }

    fn file(&self, language: Language) -> PathBuf {
        self.folder.join(language.title().to_lowercase())
    }
}

/// The queries in `file`; none where there is no such file.
async fn read(file: &Path) -> io::Result<Vec<String>> {
    match fs::read(file).await {
        Ok(bytes) => Ok(History::of(lines(&bytes)).queries().to_vec()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Writes `file` as a whole or not at all.
async fn replace(folder: &Path, file: &Path, text: String) -> io::Result<()> {
    fs::create_dir_all(folder).await?;
    // Consoles that write at the same time have a file each.
    let new = file.with_extension(std::process::id().to_string());
    fs::write(&new, text).await?;
    fs::rename(&new, file).await
}

/// The lines of `bytes` that can be queries.
fn lines(bytes: &[u8]) -> impl Iterator<Item = String> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let texts = lines.filter_map(|line| std::str::from_utf8(line).ok());
    texts
        .filter(|text| !text.trim().is_empty() && !text.contains(char::is_control))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn queries_are_kept_from_drill_to_drill() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state/history");
        let keeper = Keeper::new(path.clone());
        assert!(keeper.read(Language::LogQl).await.is_empty());
        for query in ["{a=\"b\"}", "{c=\"ü\"}", "{a=\"b\"}"] {
            keeper
                .keep(Language::LogQl, query.into())
                .await
                .expect("kept");
        }
        let next = Keeper::new(path.clone());
        assert_eq!(next.read(Language::LogQl).await, ["{c=\"ü\"}", "{a=\"b\"}"]);
        assert!(next.read(Language::PromQl).await.is_empty());
        let files = std::fs::read_dir(path).expect("a folder").count();
        assert_eq!(files, 1, "nothing else is left behind");
    }

    #[tokio::test]
    async fn what_is_broken_in_a_file_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("promql");
        std::fs::write(file, b"up\n\xff\xfe\n\n  \n\x1b[31m\nsum(up)").expect("written");
        let keeper = Keeper::new(folder.path().to_owned());
        assert_eq!(keeper.read(Language::PromQl).await, ["up", "sum(up)"]);
        keeper
            .keep(Language::PromQl, "down".into())
            .await
            .expect("kept");
        assert_eq!(
            keeper.read(Language::PromQl).await,
            ["up", "sum(up)", "down"]
        );
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_said_once() {
        let keeper = Keeper::new("/proc/none".into());
        let why = keeper.keep(Language::PromQl, "up".into()).await;
        assert!(why.is_err_and(|why| why.contains("/proc/none")));
        assert_eq!(keeper.keep(Language::PromQl, "up".into()).await, Ok(()));
    }
}
