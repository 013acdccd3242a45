//! The registry: one line per fault.

use std::sync::Arc;

use crate::kind::{Injector, Registered};

macro_rules! registry {
    ($($file:ident :: $kind:ident,)*) => {
        $(mod $file;)*

        /// Every registered fault, in the order in which they are listed.
        pub(crate) fn all() -> Vec<Arc<dyn Injector>> {
            vec![$(Arc::new(Registered::<$file::$kind, _>::new())),*]
        }
    };
}

registry! {
    kill_pod::KillPod,
    crash::Crash,
    crash_loop::CrashLoop,
    missing_image::MissingImage,
    bad_release::BadRelease,
    misconfigure::Misconfigure,
    failing_probe::FailingProbe,
    impatient_probe::ImpatientProbe,
    starve::Starve,
    scale_to_zero::ScaleToZero,
    autoscaler::Autoscaler,
    flood::Flood,
    wrong_port::WrongPort,
    queue_limit::QueueLimit,
    lose_scrape_target::LoseScrapeTarget,
    hang::Hang,
    memory_leak::MemoryLeak,
    cpu_hog::CpuHog,
    slow_answers::SlowAnswers,
    failing_answers::FailingAnswers,
    slow_queries::SlowQueries,
    exhaust_pool::ExhaustPool,
    clock_skew::ClockSkew,
    noise::Noise,
    freeze::Freeze,
    latency::Latency,
    blackhole::Blackhole,
    refuse::Refuse,
    reset::Reset,
}

/// The fault of that kind.
pub(crate) fn find(kind: &str) -> Option<Arc<dyn Injector>> {
    all().into_iter().find(|fault| fault.spec().kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn kinds_are_unique_and_every_text_is_a_sentence() {
        let mut kinds: Vec<&str> = all().iter().map(|fault| fault.spec().kind).collect();
        for fault in all() {
            let spec = fault.spec();
            assert!(
                spec.summary.ends_with('.'),
                "{}: {}",
                spec.kind,
                spec.summary
            );
            assert!(
                spec.recovery.ends_with('.'),
                "{}: {}",
                spec.kind,
                spec.recovery
            );
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), all().len());
    }

    #[test]
    fn required_arguments_come_first_and_defaults_are_within_their_own_bounds() {
        for fault in all() {
            let spec = fault.spec();
            let first_optional = spec.args.iter().position(|arg| arg.default.is_some());
            let (required, optional) = spec
                .args
                .split_at(first_optional.unwrap_or(spec.args.len()));
            assert!(
                optional.iter().all(|arg| arg.default.is_some()),
                "{}",
                spec.kind
            );
            let mut given = serde_json::Map::new();
            for arg in required {
                let value = match arg.kind {
                    model::ArgKind::Period { min_ms, .. } => format!("{min_ms}ms"),
                    model::ArgKind::Count { min, .. } => min.to_string(),
                    model::ArgKind::Amount { unit, min, .. } => format!("{min}{unit}"),
                    model::ArgKind::Choice(words) => words[0].to_owned(),
                    model::ArgKind::Ratio => "50%".to_owned(),
                    model::ArgKind::Service | model::ArgKind::Text => "payment".to_owned(),
                };
                given.insert(arg.name.to_owned(), value.into());
            }
            let checked = args::check(&spec, &given);
            assert!(checked.is_ok(), "{}: {checked:?}", spec.kind);
            for arg in spec.args {
                assert!(!arg.help.is_empty(), "{}: {}", spec.kind, arg.name);
                assert!(!arg.help.ends_with('.'), "{}: {}", spec.kind, arg.name);
            }
        }
    }
}
