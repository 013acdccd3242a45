//! The names that authors may use, from what there is.

use std::collections::BTreeMap;

use model::{AlertName, Backend, FailureMatrix, ShopName, ShopVocabulary, Vocabulary};
use store::RuleFile;

use crate::assets::{Assets, Folder};
use crate::error::LabError;

/// The file of a shop's folder that holds its SLOs, not a scenario.
pub(crate) const SLOS: &str = "slos.yaml";

/// Reads all names: services from manifests, alerts from rule files, journeys
/// from the load generator, checks from the shops' SLOs, faults from `chaos`.
pub(crate) fn read(assets: &Assets) -> Result<Vocabulary, LabError> {
    let mut problems = Vec::new();
    let matrix = matrix(assets, &mut problems)?;
    let alerts = alerts(assets, &mut problems)?;
    let mut shops = BTreeMap::new();
    for slos in assets.yaml(Folder::Scenarios, "")? {
        let Some(shop) = shop_of_slos(slos.name()) else {
            continue;
        };
        let checks = catalog::checks(&slos, Some(check_query)).unwrap_or_else(|found| {
            problems.push(found.render());
            Vec::new()
        });
        let manifests = assets.yaml(Folder::K8s, shop.as_str())?;
        let services = match crate::manifests::read(&manifests) {
            Ok(manifests) => manifests.services(shop.as_str()),
            Err(error) => {
                problems.push(error);
                Vec::new()
            }
        };
        let vocabulary = ShopVocabulary {
            services,
            alerts: alerts.clone(),
            journeys: loadgen::journeys(&shop),
            checks,
        };
        shops.insert(shop, vocabulary);
    }
    if !problems.is_empty() {
        return Err(LabError::Authored(problems.join("\n")));
    }
    Ok(Vocabulary {
        shops,
        faults: chaos::specs(),
        matrix,
        check_query: Some(check_query),
    })
}

fn matrix(assets: &Assets, problems: &mut Vec<String>) -> Result<FailureMatrix, LabError> {
    let sources = assets.yaml(Folder::Scenarios, "failure-matrix.yaml")?;
    let Some(source) = sources.first() else {
        return Ok(FailureMatrix::default());
    };
    Ok(catalog::matrix(source).unwrap_or_else(|found| {
        problems.push(found.render());
        FailureMatrix::default()
    }))
}

/// Reads a query as the store would.
pub(crate) fn check_query(backend: Backend, text: &str) -> Result<(), String> {
    match backend {
        Backend::Metrics => store::metrics::promql::parse(text)
            .map(drop)
            .map_err(|e| e.to_string()),
        Backend::Logs => store::logs::logql::parse(text)
            .map(drop)
            .map_err(|e| e.to_string()),
        Backend::Traces => store::traces::traceql::parse(text)
            .map(drop)
            .map_err(|e| e.to_string()),
    }
}

/// The rule files, as the store takes them: all but their tests.
pub(crate) fn rule_files(assets: &Assets) -> Result<Vec<RuleFile>, LabError> {
    let mut files = assets.yaml(Folder::Alerts, "")?;
    files.retain(|file| !file.name().contains("/tests/"));
    let files = files.iter().map(|file| RuleFile {
        name: file.name().to_owned(),
        text: file.text().to_owned(),
    });
    Ok(files.collect())
}

fn alerts(assets: &Assets, problems: &mut Vec<String>) -> Result<Vec<AlertName>, LabError> {
    match store::rules::alert_names(&rule_files(assets)?) {
        Ok(names) => Ok(names.into_iter().map(AlertName::from).collect()),
        Err(errors) => {
            problems.extend(errors.iter().map(ToString::to_string));
            Ok(Vec::new())
        }
    }
}

/// `sock-shop` for `.../sock-shop/slos.yaml`.
fn shop_of_slos(path: &str) -> Option<ShopName> {
    let folder = path.strip_suffix(SLOS)?.strip_suffix('/')?;
    Some(folder.rsplit('/').next()?.into())
}

/// Whether a file below `scenarios/` is a scenario of its own.
pub(crate) fn is_scenario(path: &str) -> bool {
    !path.ends_with(SLOS) && !path.ends_with("failure-matrix.yaml") && !path.contains("/suites/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_place() {
        assert_eq!(
            shop_of_slos("scenarios/sock-shop/slos.yaml"),
            Some("sock-shop".into())
        );
        assert_eq!(shop_of_slos("scenarios/sock-shop/payment-hangs.yaml"), None);
        for (path, expected) in [
            ("scenarios/sock-shop/payment-hangs.yaml", true),
            ("scenarios/sock-shop/slos.yaml", false),
            ("scenarios/failure-matrix.yaml", false),
            ("scenarios/suites/first-six.yaml", false),
        ] {
            assert_eq!(is_scenario(path), expected, "{path}");
        }
    }
}
