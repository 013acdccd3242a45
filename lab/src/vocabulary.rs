//! The names that authors may use, from what there is.

use catalog::Problems;
use model::{AlertName, Backend, ShopName, ShopVocabulary, Vocabulary};
use store::RuleFile;

use crate::assets::{Assets, Folder};
use crate::error::LabError;

/// The file of a shop's folder that holds its SLOs, not a scenario.
pub(crate) const SLOS: &str = "slos.yaml";

/// Reads all names: services from manifests, alerts from rule files, journeys
/// from the load generator, checks from the shops' SLOs, faults from `chaos`.
pub(crate) fn read(assets: &Assets) -> Result<Vocabulary, LabError> {
    let gathered = gather(assets)?;
    let mut problems: Vec<String> = gathered.broken.iter().map(Problems::render).collect();
    problems.extend(gathered.elsewhere);
    if !problems.is_empty() {
        return Err(LabError::Authored(problems.join("\n")));
    }
    Ok(gathered.vocabulary)
}

/// The names that could be read, and what kept others from it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The names.
    pub(crate) vocabulary: Vocabulary,
    /// What is wrong with files that give names: SLOs and the failure matrix.
    pub(crate) broken: Vec<Problems>,
    /// What is wrong with manifests and rule files.
    pub(crate) elsewhere: Vec<String>,
}

/// Reads as many names as can be read.
pub(crate) fn gather(assets: &Assets) -> Result<Gathered, LabError> {
    let mut gathered = Gathered::default();
    matrix(assets, &mut gathered)?;
    let alerts = alerts(assets, &mut gathered)?;
    for slos in assets.yaml(Folder::Scenarios, "")? {
        let Some(shop) = shop_of_slos(slos.name()) else {
            continue;
        };
        let checks = catalog::checks(&slos, Some(check_query)).unwrap_or_else(|found| {
            gathered.broken.push(found);
            Vec::new()
        });
        let manifests = assets.yaml(Folder::K8s, shop.as_str())?;
        let services = match crate::manifests::read(&manifests) {
            Ok(manifests) => manifests.services(shop.as_str()),
            Err(error) => {
                gathered.elsewhere.push(error);
                Vec::new()
            }
        };
        let parts = ShopVocabulary {
            services,
            alerts: alerts.clone(),
            journeys: loadgen::journeys(&shop),
            checks,
        };
        gathered.vocabulary.shops.insert(shop, parts);
    }
    gathered.vocabulary.faults = chaos::specs();
    gathered.vocabulary.check_query = Some(check_query);
    Ok(gathered)
}

fn matrix(assets: &Assets, gathered: &mut Gathered) -> Result<(), LabError> {
    let sources = assets.yaml(Folder::Scenarios, "failure-matrix.yaml")?;
    match sources.first().map(catalog::matrix) {
        None => {}
        Some(Ok(matrix)) => gathered.vocabulary.matrix = matrix,
        Some(Err(found)) => gathered.broken.push(found),
    }
    Ok(())
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

/// Where the configuration of the lab's Alertmanager is, below `alerts/`.
const ALERTMANAGER: &str = "alertmanager";

/// The configuration of the lab's Alertmanager.
pub(crate) fn alertmanager(assets: &Assets) -> Result<Option<String>, LabError> {
    let files = assets.yaml(Folder::Alerts, ALERTMANAGER)?;
    Ok(files.first().map(|file| file.text().to_owned()))
}

/// The rule files, as the store takes them: all but their tests and the Alertmanager's configuration.
pub(crate) fn rule_files(assets: &Assets) -> Result<Vec<RuleFile>, LabError> {
    let mut files = assets.yaml(Folder::Alerts, "")?;
    files.retain(|file| {
        let of = |part: &str| file.name().contains(&format!("/{part}/"));
        !of("tests") && !of(ALERTMANAGER)
    });
    let files = files.iter().map(|file| RuleFile {
        name: file.name().to_owned(),
        text: file.text().to_owned(),
    });
    Ok(files.collect())
}

fn alerts(assets: &Assets, gathered: &mut Gathered) -> Result<Vec<AlertName>, LabError> {
    match store::rules::alert_names(&rule_files(assets)?) {
        Ok(names) => Ok(names.into_iter().map(AlertName::from).collect()),
        Err(errors) => {
            let errors = errors.iter().map(ToString::to_string);
            gathered.elsewhere.extend(errors);
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
