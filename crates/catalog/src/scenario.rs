//! Reads a scenario and resolves every name in it.

mod actions;
mod expectations;
mod responders;
mod sense;

use model::{
    Hint, Load, LoadShape, Period, RowId, Scenario, ServiceName, ShopName, ShopVocabulary, Step,
    StepAction, Vocabulary,
};

use serde_json::Value;

use crate::decode::{Decoder, Fields, Reading, document, nearest};
use crate::fault::fault;
use crate::keys;
use crate::node::{Node, NodeKind};
use crate::problem::{Problems, Source};
use crate::rule::Rule;

/// The pass mark where none is authored.
pub(crate) const PASS_MARK: u64 = 60;
/// How long a drill may last where nothing is authored.
pub(crate) const TIME_LIMIT: Period = Period::from_secs(600);
/// How long SLOs must hold again where nothing is authored.
pub(crate) const RECOVERY_WINDOW: Period = Period::from_secs(10);

/// The names that exist for one scenario.
struct Names<'a> {
    shop: &'a ShopVocabulary,
    shop_name: &'a ShopName,
    all: &'a Vocabulary,
}

/// Reads a scenario; `vocabulary` holds the names that it may use.
///
/// # Errors
/// All [`Problems`] of the file that make it unusable.
pub fn scenario(source: &Source, vocabulary: &Vocabulary) -> Result<Scenario, Problems> {
    reading(source, vocabulary).result()
}

/// Reads a scenario, and looks whether what it says makes sense.
pub(crate) fn reading(source: &Source, vocabulary: &Vocabulary) -> Reading<Scenario> {
    let mut reading = document(source, |decoder, node| decode(decoder, node, vocabulary));
    if let (Some(scenario), Some(node)) = (&reading.value, &reading.node)
        && !reading.decoder.any_error()
    {
        sense::check(&mut reading.decoder, scenario, node, vocabulary);
    }
    reading
}

fn decode(decoder: &mut Decoder, node: &Node, vocabulary: &Vocabulary) -> Option<Scenario> {
    let mut fields = decoder.fields(node, "a scenario: a map", keys::SCENARIO)?;
    let nowhere = ShopVocabulary::default();
    let shops: Vec<&ShopName> = vocabulary.shops.keys().collect();
    let given = fields.need("shop");
    let shop = given.and_then(|node| decoder.one_of(node, "shop", &shops).copied());
    let shop = shop.or_else(|| meant(given, &shops));
    let parts = shop.and_then(|shop| vocabulary.shops.get(shop));
    let scenario = read(
        decoder,
        &mut fields,
        shop,
        parts.unwrap_or(&nowhere),
        vocabulary,
    );
    fields.finish(decoder);
    scenario
}

/// The shop that is probably meant by what is no shop: without one, no name
/// could be told right from wrong.
fn meant<'s>(given: Option<&Node>, shops: &[&'s ShopName]) -> Option<&'s ShopName> {
    match given.map(|node| &node.kind) {
        Some(NodeKind::Scalar(Value::String(text))) => nearest(text, shops).copied(),
        _ if shops.len() == 1 => shops.first().copied(),
        _ => None,
    }
}

fn read(
    decoder: &mut Decoder,
    fields: &mut Fields<'_>,
    shop_name: Option<&ShopName>,
    shop: &ShopVocabulary,
    all: &Vocabulary,
) -> Option<Scenario> {
    let name = fields.need("name").and_then(|n| name(decoder, n));
    let title = text(decoder, fields, "title");
    let briefing = text(decoder, fields, "briefing");
    let level = fields
        .need("level")
        .and_then(|node| decoder.count(node, 1, 5));
    let pass_mark = optional(decoder, fields, "pass-mark", |decoder, node| {
        decoder.count(node, 1, 100)
    });
    let time_limit = optional(decoder, fields, "time-limit", Decoder::positive);
    let recovery_window = optional(decoder, fields, "recovery-window", Decoder::positive);
    let load = fields.need("load").and_then(|n| load(decoder, n));
    let Some(shop_name) = shop_name else {
        fields.ignore_known();
        return None;
    };
    let names = Names {
        shop,
        shop_name,
        all,
    };
    let matrix = optional(decoder, fields, "matrix", |decoder, node| {
        names.row(decoder, node)
    });
    let steady_state = fields
        .need("steady-state")
        .and_then(|node| names.some_checks(decoder, node));
    let timeline = optional(decoder, fields, "timeline", |decoder, node| {
        decoder.list(node, "a list of steps", |decoder, node| {
            step(decoder, node, &names)
        })
    });
    let hypothesis = fields
        .need("hypothesis")
        .and_then(|node| expectations::hypothesis(decoder, node, &names));
    let answer = fields
        .need("answer")
        .and_then(|node| expectations::answer(decoder, node, &names));
    let hints = optional(decoder, fields, "hints", |decoder, node| {
        decoder.list(node, "a list of hints", hint)
    });
    let responders = fields
        .need("responders")
        .and_then(|node| responders::responders(decoder, node, &names));
    Some(Scenario {
        name: name?,
        title: title?,
        shop: shop_name.clone(),
        matrix: matrix?,
        level: level? as u8,
        briefing: briefing?,
        load: load?,
        steady_state: steady_state?,
        timeline: timeline?.unwrap_or_default(),
        hypothesis: hypothesis?,
        answer: answer?,
        hints: hints?.unwrap_or_default(),
        responders: responders?,
        pass_mark: pass_mark?.unwrap_or(PASS_MARK) as u32,
        time_limit: time_limit?.unwrap_or(TIME_LIMIT),
        recovery_window: recovery_window?.unwrap_or(RECOVERY_WINDOW),
    })
}

/// `Some(None)` where the key is not there, `None` where its value is wrong.
fn optional<T>(
    decoder: &mut Decoder,
    fields: &mut Fields<'_>,
    key: &'static str,
    read: impl FnOnce(&mut Decoder, &Node) -> Option<T>,
) -> Option<Option<T>> {
    match fields.take(key) {
        None => Some(None),
        Some(node) => read(decoder, node).map(Some),
    }
}

fn text(decoder: &mut Decoder, fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let node = fields.need(key)?;
    decoder.text(node, "text")
}

fn name(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let name = decoder.text(node, "a name in kebab case")?;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(kebab) {
        return decoder.wrong(node, "a name in kebab case, such as `payment-hangs`");
    }
    Some(name)
}

fn load(decoder: &mut Decoder, node: &Node) -> Option<Load> {
    let (key, place, value) = decoder.one_key(node, "a load shape")?;
    if key != "steady" {
        decoder.unknown_key(place, key, "load shape", keys::LOADS);
        return None;
    }
    let mut fields = decoder.fields(value, "a map with `users`", keys::LOAD)?;
    let users = fields
        .need("users")
        .and_then(|node| decoder.count(node, 1, 5_000));
    fields.finish(decoder);
    Some(Load {
        shape: LoadShape::Steady,
        users: users? as u32,
    })
}

fn step(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Step> {
    let mut fields =
        decoder.fields(node, "a step: a map with `at` and what happens", keys::STEP)?;
    let at = fields.need("at").and_then(|node| decoder.scalar(node));
    let inject = fields.take("inject");
    let change = fields.take("change");
    let lasts = fields.take("for");
    fields.finish(decoder);
    if let (None, Some(node), Some(_)) = (inject, lasts, change) {
        let message = "`for` goes with `inject`: a change stays".to_owned();
        return decoder.contradiction(&node.place, message);
    }
    let lasts = match lasts {
        Some(node) => decoder.positive(node).map(Some),
        None => Some(None),
    };
    let faults = &names.all.faults;
    let action = match (inject, change) {
        (Some(node), None) => {
            fault(decoder, node, faults, &names.shop.services).map(StepAction::Inject)
        }
        (None, Some(node)) => names.action(decoder, node).map(StepAction::Change),
        (Some(_), Some(change)) => {
            let message = "a step is either `inject` or `change`, not both".to_owned();
            decoder.contradiction(&change.place, message)
        }
        (None, None) => {
            let message = "`inject` or `change` is missing".to_owned();
            let help = "a step breaks something or changes something, such as `inject: { hang: { service: payment } }`";
            let start = node.place.start..node.place.start;
            decoder.problem(Rule::MissingKey, &start, message, Some(help.to_owned()));
            None
        }
    };
    Some(Step {
        at: at?,
        action: action?,
        lasts: lasts?,
    })
}

fn hint(decoder: &mut Decoder, node: &Node) -> Option<Hint> {
    let mut fields = decoder.fields(node, "a hint: a map", keys::HINT)?;
    let after = fields.need("after").and_then(|node| decoder.scalar(node));
    let cost = fields
        .need("cost")
        .and_then(|node| decoder.count(node, 0, 100));
    let text = text(decoder, &mut fields, "text");
    fields.finish(decoder);
    Some(Hint {
        after: after?,
        cost: cost? as u32,
        text: text?,
    })
}

impl Names<'_> {
    fn service(&self, decoder: &mut Decoder, node: &Node) -> Option<ServiceName> {
        let what = format!("service of {}", self.shop_name);
        decoder.one_of(node, &what, &self.shop.services).cloned()
    }

    fn some_checks(&self, decoder: &mut Decoder, node: &Node) -> Option<Vec<model::CheckName>> {
        decoder.some(node, "a list of checks", |decoder, node| {
            self.check(decoder, node)
        })
    }

    fn check(&self, decoder: &mut Decoder, node: &Node) -> Option<model::CheckName> {
        let names: Vec<&str> = self.shop.checks.iter().map(|c| c.name.as_str()).collect();
        let found = decoder.one_of(node, "check", &names)?;
        Some((*found).into())
    }

    fn alerts(&self, decoder: &mut Decoder, node: &Node) -> Option<Vec<model::AlertName>> {
        decoder.list(node, "a list of alerts", |decoder, node| {
            self.alert(decoder, node)
        })
    }

    fn alert(&self, decoder: &mut Decoder, node: &Node) -> Option<model::AlertName> {
        decoder.one_of(node, "alert", &self.shop.alerts).cloned()
    }

    fn row(&self, decoder: &mut Decoder, node: &Node) -> Option<RowId> {
        let rows: Vec<&RowId> = self
            .all
            .matrix
            .rows
            .iter()
            .filter(|row| row.shop == *self.shop_name)
            .map(|row| &row.id)
            .collect();
        decoder
            .one_of(node, "row of the failure matrix", &rows)
            .map(|id| (*id).clone())
    }
}
