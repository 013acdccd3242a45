//! A scenario to start from: commented, valid, and true enough to be tried.

mod habits;

use std::fmt::Write;

use model::{
    Bound, FailureMode, FaultSpec, MatrixRow, ServiceName, ShopName, ShopVocabulary, Vocabulary,
};

use crate::decode::nearest;
use habits::Habit;

/// What a new scenario is about.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// Its name, in kebab case.
    pub name: &'a str,
    /// The shop that is broken; the first one if left out.
    pub shop: Option<&'a str>,
    /// The kind of fault.
    pub fault: &'a str,
    /// Where its schema is, as seen from the file.
    pub schema: &'a str,
}

/// Why there is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The name is not in kebab case.
    #[error("`{0}` is no name in kebab case, such as `payment-hangs`")]
    Name(String),
    /// There is no such shop or fault.
    #[error("there is no {what} called `{found}`; {help}")]
    Unknown {
        /// Of what there is none.
        what: &'static str,
        /// What was asked for.
        found: String,
        /// The nearest, or all.
        help: String,
    },
}

/// The text of a new scenario.
///
/// # Errors
/// [`TemplateError`] where the name is none, or shop or fault do not exist.
pub fn template(new: &Template<'_>, vocabulary: &Vocabulary) -> Result<String, TemplateError> {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if new.name.is_empty() || !new.name.chars().all(kebab) {
        return Err(TemplateError::Name(new.name.to_owned()));
    }
    let (shop_name, shop) = shop(new.shop, vocabulary)?;
    let spec = vocabulary.faults.iter().find(|spec| spec.kind == new.fault);
    let Some(spec) = spec else {
        let kinds: Vec<&str> = vocabulary.faults.iter().map(|spec| spec.kind).collect();
        return Err(unknown("fault", new.fault, &kinds));
    };
    let habit = habits::of(spec, &shop.services);
    let row = vocabulary.matrix.rows.iter().find(|row| {
        row.shop == *shop_name && habit.mode != FailureMode::None && row.failed == habit.cause
    });
    Ok(Draft {
        new,
        shop_name,
        shop,
        spec,
        habit,
        row,
    }
    .text())
}

fn shop<'v>(
    asked: Option<&str>,
    vocabulary: &'v Vocabulary,
) -> Result<(&'v ShopName, &'v ShopVocabulary), TemplateError> {
    let found = vocabulary
        .shops
        .iter()
        .find(|(name, _)| asked.is_none_or(|asked| name.as_str() == asked));
    found.ok_or_else(|| {
        let names: Vec<&ShopName> = vocabulary.shops.keys().collect();
        unknown("shop", asked.unwrap_or_default(), &names)
    })
}

fn unknown<T: AsRef<str>>(what: &'static str, found: &str, names: &[T]) -> TemplateError {
    let all = || {
        names
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<&str>>()
            .join(", ")
    };
    let help = nearest(found, names).map_or_else(
        || format!("known: {}", all()),
        |name| format!("did you mean `{}`?", name.as_ref()),
    );
    TemplateError::Unknown {
        what,
        found: found.to_owned(),
        help,
    }
}

/// Everything that the text is made of.
struct Draft<'a> {
    new: &'a Template<'a>,
    shop_name: &'a ShopName,
    shop: &'a ShopVocabulary,
    spec: &'a FaultSpec,
    habit: Habit,
    row: Option<&'a MatrixRow>,
}

impl Draft<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String does not fail.
        let _ = self.head(&mut out);
        let _ = self.timeline(&mut out);
        let _ = match self.habit.mode {
            FailureMode::None => self.nothing_wrong(&mut out),
            _ => self.something_wrong(&mut out),
        };
        out
    }

    fn head(&self, out: &mut String) -> std::fmt::Result {
        let Self { new, shop_name, .. } = self;
        writeln!(out, "# yaml-language-server: $schema={}", new.schema)?;
        writeln!(out, "# What is to be learnt, in one sentence.")?;
        writeln!(out, "name: {}", new.name)?;
        writeln!(
            out,
            "# What customers complain of. Name no service and no cause."
        )?;
        writeln!(out, "title: Customers say that something is wrong")?;
        writeln!(out, "shop: {shop_name}")?;
        match self.row {
            Some(row) => {
                let quoted = row.experience.replace('\n', " ");
                writeln!(out, "# The documented failure: {}, {quoted}.", row.impact)?;
                writeln!(out, "matrix: {}", row.id)?;
            }
            None => writeln!(
                out,
                "# matrix: the row of the failure matrix that it stands for"
            )?,
        }
        writeln!(out, "# From 1 (obvious) to 5.\nlevel: 2")?;
        writeln!(
            out,
            "# What the responder is told at the start: when, who says what."
        )?;
        writeln!(out, "briefing: |")?;
        writeln!(
            out,
            "  Tuesday, 14:10. The hotline has had three calls in five minutes."
        )?;
        writeln!(out, "  Find out what customers notice, and end it.")?;
        writeln!(out, "load: {{ steady: {{ users: 20 }} }}")?;
        writeln!(out, "# What must hold before anything is broken.")?;
        writeln!(out, "steady-state: [{}]", self.shares().join(", "))
    }

    fn timeline(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "# Times count from the steady state.")?;
        writeln!(out, "timeline:")?;
        writeln!(out, "  # {}", self.spec.summary)?;
        for arg in self.spec.args {
            let default = match arg.default {
                None => "has to be there".to_owned(),
                Some("") => "may be left out".to_owned(),
                Some(default) => format!("{default} if left out"),
            };
            writeln!(out, "  #   {}: {} ({default})", arg.name, arg.help)?;
        }
        writeln!(
            out,
            "  # `for: 30s` beside `inject` would end it after that time."
        )?;
        writeln!(out, "  - at: 5s")?;
        let args = habits::arguments(self.spec, &self.shop.services);
        writeln!(out, "    inject: {{ {}: {{ {args} }} }}", self.spec.kind)
    }

    fn something_wrong(&self, out: &mut String) -> std::fmt::Result {
        let Habit { cause, mode, fixes } = &self.habit;
        let checks = self.shares();
        let check = checks
            .iter()
            .find(|check| check.contains(cause.as_str()))
            .or_else(|| checks.iter().find(|check| check.contains("checkout")))
            .or(checks.first());
        let alert = self.alert();
        writeln!(
            out,
            "# What you predict. `shoplab scenario test` shows whether it is so."
        )?;
        writeln!(out, "hypothesis:")?;
        writeln!(
            out,
            "  # Shown when the check is lost; `below: 50%` would ask for more."
        )?;
        match check {
            Some(check) => writeln!(out, "  symptoms: [{{ slo: {check} }}]")?,
            None => writeln!(out, "  symptoms: [{{ alert: {alert} }}]")?,
        }
        writeln!(out, "  within: 40s")?;
        writeln!(out, "  alerts: [{alert}]")?;
        writeln!(out, "  # Alerts of parts that are well: silent: [...]")?;
        writeln!(out, "answer:")?;
        writeln!(out, "  cause: {cause}")?;
        writeln!(out, "  # {}", mode.meaning())?;
        writeln!(out, "  mode: {mode}")?;
        writeln!(out, "  # {}", self.spec.recovery)?;
        writeln!(out, "  fixes: [{}]", fixes.join(", "))?;
        writeln!(out, "  # What looks right and is not: wrong: [...]")?;
        writeln!(out, "hints:")?;
        writeln!(out, "  - after: 1m\n    cost: 5")?;
        writeln!(
            out,
            "    text: \"Follow one request that failed: who answered last?\""
        )?;
        writeln!(out, "# The expert proves that it can be solved.")?;
        writeln!(out, "responders:\n  expert:")?;
        writeln!(out, "    - when: {{ alert: {alert} }}")?;
        writeln!(out, "    - acknowledge: {{}}\n    - declare: page")?;
        self.queries(out, cause)?;
        let impact = self
            .row
            .map_or(String::new(), |row| format!(", impact: {}", row.id));
        writeln!(
            out,
            "    - diagnose: {{ cause: {cause}, mode: {mode}{impact} }}"
        )?;
        if let Some(fix) = fixes.first() {
            let fix = fix.trim_start_matches("{ ");
            writeln!(out, "    - {}", fix.strip_suffix(" }").unwrap_or(fix))?;
        }
        writeln!(out, "    - when: {{ recovered: {{}} }}")?;
        writeln!(
            out,
            "    - update: \"It is over: customers are served again.\""
        )?;
        writeln!(out, "    - resolve: {{}}")
    }

    fn nothing_wrong(&self, out: &mut String) -> std::fmt::Result {
        let alerts: Vec<&str> = self
            .shop
            .alerts
            .iter()
            .map(|alert| alert.as_str())
            .collect();
        writeln!(
            out,
            "# Nothing is wrong: who raises an alarm, or repairs, loses points."
        )?;
        writeln!(out, "hypothesis:\n  silent: [{}]", alerts.join(", "))?;
        writeln!(
            out,
            "answer:\n  cause: none\n  mode: none\n  severity: info"
        )?;
        writeln!(out, "  # What somebody in a hurry would do: wrong: [...]")?;
        writeln!(out, "time-limit: 5m")?;
        writeln!(out, "responders:\n  expert:")?;
        writeln!(out, "    - when: {{ elapsed: 15s }}\n    - declare: info")?;
        self.queries(out, &self.habit.cause)?;
        writeln!(out, "    - diagnose: {{ cause: none, mode: none }}")?;
        writeln!(out, "    - update: \"Customers notice nothing.\"")?;
        writeln!(out, "    - resolve: {{}}")
    }

    fn queries(&self, out: &mut String, service: &ServiceName) -> std::fmt::Result {
        let shop = self.shop_name;
        writeln!(out, "    - query: {{ metrics: 'up{{job=\"{service}\"}}' }}")?;
        writeln!(
            out,
            "    - query: {{ logs: '{{namespace=\"{shop}\", app=\"{service}\"}}' }}"
        )
    }

    /// The checks that are shares of what customers asked for.
    fn shares(&self) -> Vec<&str> {
        let shares = self.shop.checks.iter();
        shares
            .filter(|check| matches!(check.bound, Bound::AtLeast(_)))
            .map(|check| check.name.as_str())
            .collect()
    }

    /// The alert that speaks of the cause, or the shop's first.
    fn alert(&self) -> &str {
        let mut wanted: String = self.habit.cause.as_str().split('-').map(capital).collect();
        wanted.push_str("Down");
        let alerts = &self.shop.alerts;
        let found = alerts.iter().find(|alert| alert.as_str() == wanted);
        found.or(alerts.first()).map_or("", |alert| alert.as_str())
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
