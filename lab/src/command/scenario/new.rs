//! `shoplab scenario new`: a scenario to start from.

use std::io::Write;
use std::path::{Path, PathBuf};

use catalog::{DocumentKind, Template};

use crate::assets::Assets;
use crate::cli::NewScenario;
use crate::error::LabError;
use crate::vocabulary;

/// Writes a new scenario; answers where it is and what to do next.
pub(super) fn new(args: &NewScenario) -> Result<String, LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let shop = args.shop.clone().or_else(|| {
        let first = vocabulary.shops.keys().next();
        first.map(ToString::to_string)
    });
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => usual(shop.as_deref().unwrap_or_default()),
    };
    let beside = !dir.join("../schema").join(SCHEMA).is_file();
    let schema = if beside {
        SCHEMA.to_owned()
    } else {
        format!("../schema/{SCHEMA}")
    };
    let template = Template {
        name: &args.name,
        shop: shop.as_deref(),
        fault: &args.fault,
        schema: &schema,
    };
    let text = catalog::template(&template, &vocabulary)
        .map_err(|error| LabError::Authored(error.to_string()))?;
    let path = dir.join(format!("{}.yaml", args.name));
    write_new(&path, &text)?;
    if beside && !dir.join(SCHEMA).exists() {
        let schema = catalog::schema(DocumentKind::Scenario, &vocabulary);
        write_new(&dir.join(SCHEMA), &format!("{schema:#}\n"))?;
    }
    let path = path.display();
    Ok(format!(
        "{path}\n\nWrite into it what breaks and what you predict, then:\n  shoplab lint {path}\n  \
         shoplab scenario preview {path}\n  shoplab scenario test {path}\n"
    ))
}

/// The schema's file.
const SCHEMA: &str = "scenario.schema.json";

/// Where scenarios of `shop` stand, or here.
fn usual(shop: &str) -> PathBuf {
    let folder = Path::new("scenarios").join(shop);
    if folder.is_dir() {
        folder
    } else {
        PathBuf::from(".")
    }
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), LabError> {
    if path.exists() {
        return Err(LabError::Authored(format!(
            "{} is there already; choose another name, or delete it",
            path.display()
        )));
    }
    std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| LabError::File {
            path: path.to_owned(),
            doing: "written",
            source,
            next: "give a folder that is there with --dir",
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Lint, LintFormat, Places};
    use crate::command::lint::lint;
    use crate::exit::Exit;

    fn places() -> Places {
        Places {
            assets: None,
            state: None,
        }
    }

    fn asked(name: &str, fault: &str, dir: &Path) -> NewScenario {
        NewScenario {
            name: name.to_owned(),
            shop: None,
            fault: fault.to_owned(),
            dir: Some(dir.to_owned()),
            places: places(),
        }
    }

    #[test]
    fn a_new_scenario_of_every_fault_has_no_problem() {
        let dir = tempfile::tempdir().expect("a folder");
        for spec in chaos::specs() {
            let name = format!("about-{}", spec.kind);
            new(&asked(&name, spec.kind, dir.path())).expect(spec.kind);
        }
        let args = Lint {
            paths: vec![dir.path().display().to_string()],
            format: LintFormat::Text,
            deny_warnings: true,
            places: places(),
        };
        let (text, exit) = lint(&args).expect("linted");
        assert_eq!(exit, Exit::Passed, "{text}");
        assert!(dir.path().join(SCHEMA).is_file());
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = new(&asked("mine", "hang", dir.path())).expect("written");
        assert!(first.contains("mine.yaml"), "{first}");
        let error = new(&asked("mine", "crash", dir.path())).expect_err("refused");
        assert!(error.to_string().contains("is there already"), "{error}");
    }

    #[test]
    fn a_new_scenario_of_this_shop_explains_itself() {
        let dir = tempfile::tempdir().expect("a folder");
        new(&asked("mine", "latency", dir.path())).expect("written");
        let text = std::fs::read_to_string(dir.path().join("mine.yaml")).expect("there");
        insta::assert_snapshot!(text);
    }
}
