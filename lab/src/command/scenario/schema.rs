//! `shoplab scenario schema`: what editors check authored files with.

use catalog::DocumentKind;

use crate::assets::Assets;
use crate::cli::{SchemaKind, SchemaOf};
use crate::error::LabError;
use crate::vocabulary;

/// The JSON Schema that is asked for.
pub(super) fn schema(args: &SchemaOf) -> Result<String, LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let kind = match args.kind {
        SchemaKind::Scenario => DocumentKind::Scenario,
        SchemaKind::Suite => DocumentKind::Suite,
        SchemaKind::Matrix => DocumentKind::Matrix,
        SchemaKind::Slos => DocumentKind::Slos,
    };
    Ok(format!("{:#}\n", catalog::schema(kind, &vocabulary)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use boon::{Compiler, Schemas};
    use serde_json::Value;

    use super::*;
    use crate::assets::Folder;
    use crate::cli::Places;

    const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    const KINDS: [(SchemaKind, DocumentKind, &str); 4] = [
        (SchemaKind::Scenario, DocumentKind::Scenario, "scenario"),
        (SchemaKind::Suite, DocumentKind::Suite, "suite"),
        (SchemaKind::Matrix, DocumentKind::Matrix, "failure-matrix"),
        (SchemaKind::Slos, DocumentKind::Slos, "slos"),
    ];

    fn printed(kind: SchemaKind) -> String {
        let places = Places {
            assets: None,
            state: None,
        };
        schema(&SchemaOf { kind, places }).expect("a schema")
    }

    fn file(name: &str) -> String {
        format!("{SCENARIOS}/schema/{name}.schema.json")
    }

    #[test]
    fn the_schemas_beside_the_scenarios_are_those_that_are_printed() {
        for (kind, _, name) in KINDS {
            let (path, printed) = (file(name), printed(kind));
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &printed).expect("written");
            }
            let stored = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                stored == printed,
                "scenarios/schema/{name}.schema.json is not what `shoplab scenario schema` prints; run `just schemas`"
            );
        }
    }

    #[test]
    fn every_authored_file_is_valid_by_its_schema_and_names_it_in_its_first_line() {
        let sources = Assets::default().yaml(Folder::Scenarios, "").expect("read");
        assert!(sources.len() > 10);
        for (_, kind, name) in KINDS {
            let mut schemas = Schemas::new();
            let mut compiler = Compiler::new();
            let index = compiler
                .compile(&file(name), &mut schemas)
                .expect("a schema");
            let own = sources
                .iter()
                .filter(|source| DocumentKind::of(source.name()) == kind);
            for source in own {
                let value: Value = serde_saphyr::from_str(source.text()).expect("YAML");
                if let Err(error) = schemas.validate(&value, index) {
                    panic!("{}: {error:#}", source.name());
                }
                let first = source.text().lines().next().unwrap_or_default();
                let named = first.strip_prefix("# yaml-language-server: $schema=");
                let folder = Path::new(source.name()).parent().expect("a folder");
                let folder = Path::new(SCENARIOS).join("..").join(folder);
                let path = folder.join(named.unwrap_or_default());
                let right = path.canonicalize().ok() == Path::new(&file(name)).canonicalize().ok();
                assert!(named.is_some() && right, "{}: {first}", source.name());
            }
        }
    }
}
