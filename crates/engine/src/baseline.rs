//! Responders that must not win: they know nothing of the incident.

use model::{Action, Diagnosis, FailureMode, Move, ServiceName, Severity, Trigger};

/// A built-in responder that runs against every scenario and must stay below
/// its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Baseline {
    /// Does nothing.
    Nothing,
    /// Restarts every service.
    RestartEverything,
    /// Scales every service to zero.
    ScaleEverythingToZero,
    /// Rolls every service back.
    RollBackEverything,
    /// Always gives the same answer.
    ConstantAnswer,
    /// Says that monitoring is at fault, not the shop.
    BlameTheLab,
}

impl Baseline {
    /// Every baseline.
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::RestartEverything,
        Self::ScaleEverythingToZero,
        Self::RollBackEverything,
        Self::ConstantAnswer,
        Self::BlameTheLab,
    ];

    /// Its name, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::RestartEverything => "restart-everything",
            Self::ScaleEverythingToZero => "scale-everything-to-zero",
            Self::RollBackEverything => "roll-back-everything",
            Self::ConstantAnswer => "constant-answer",
            Self::BlameTheLab => "blame-the-lab",
        }
    }

    /// The baseline called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What `kind` does in a shop of `services`. All but the first take the page
/// as soon as it comes, declare it a page, and say at the end that it is over.
pub fn moves(kind: Baseline, services: &[ServiceName]) -> Vec<Move> {
    if kind == Baseline::Nothing {
        return Vec::new();
    }
    let mut moves = vec![
        Move::When(Trigger::Page),
        Move::Acknowledge,
        Move::Declare(Severity::Page),
    ];
    let act = |action: &dyn Fn(ServiceName) -> Action| -> Vec<Move> {
        let each = services.iter().cloned();
        each.map(|service| Move::Act(action(service))).collect()
    };
    let diagnose = |cause: Option<ServiceName>, mode| {
        vec![Move::Diagnose(Diagnosis {
            cause,
            mode,
            impact: None,
        })]
    };
    moves.extend(match kind {
        Baseline::Nothing => Vec::new(),
        Baseline::RestartEverything => act(&Action::RolloutRestart),
        Baseline::ScaleEverythingToZero => act(&|service| Action::Scale {
            service,
            replicas: 0,
        }),
        Baseline::RollBackEverything => act(&Action::RolloutUndo),
        Baseline::ConstantAnswer => diagnose(services.first().cloned(), FailureMode::Crash),
        Baseline::BlameTheLab => diagnose(None, FailureMode::Monitoring),
    });
    moves.push(Move::Resolve);
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_baseline_is_found_by_its_name_and_treats_every_service_alike() {
        let services = ["carts".into(), "orders".into(), "payment".into()];
        for kind in Baseline::ALL {
            assert_eq!(Baseline::named(kind.name()), Some(kind));
            let acts = moves(kind, &services)
                .iter()
                .filter(|step| matches!(step, Move::Act(_)))
                .count();
            assert!([0, services.len()].contains(&acts), "{kind:?}");
        }
        assert!(moves(Baseline::Nothing, &services).is_empty());
        assert_eq!(Baseline::named("expert"), None);
    }
}
