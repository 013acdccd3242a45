//! Reads a scenario and resolves every name in it.

mod actions;
mod expectations;
mod responders;

use model::{
    Hint, Load, LoadShape, Period, RowId, Scenario, ServiceName, ShopName, ShopVocabulary, Step,
    StepAction, Vocabulary,
};

use crate::decode::{Decoder, Fields, document};
use crate::fault::fault;
use crate::node::Node;
use crate::problem::{Problems, Source};

/// The pass mark where none is authored.
const PASS_MARK: u64 = 60;
/// How long a drill may last where nothing is authored.
const TIME_LIMIT: Period = Period::from_secs(600);
/// How long SLOs must hold again where nothing is authored.
const RECOVERY_WINDOW: Period = Period::from_secs(10);

/// The names that exist for one scenario.
struct Names<'a> {
    shop: &'a ShopVocabulary,
    shop_name: &'a ShopName,
    all: &'a Vocabulary,
}

/// Reads a scenario; `vocabulary` holds the names that it may use.
///
/// # Errors
/// All [`Problems`] of the file.
pub fn scenario(source: &Source, vocabulary: &Vocabulary) -> Result<Scenario, Problems> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a scenario: a map")?;
        let nowhere = ShopVocabulary::default();
        let shops: Vec<&ShopName> = vocabulary.shops.keys().collect();
        let shop = fields
            .need(decoder, "shop")
            .and_then(|node| decoder.one_of(node, "shop", &shops).copied());
        // Without a shop no name below can be right or wrong: tell the rest first.
        let Some(shop) = shop else {
            let _ = read(decoder, fields, None, &nowhere, vocabulary);
            return None;
        };
        let parts = vocabulary.shops.get(shop).unwrap_or(&nowhere);
        read(decoder, fields, Some(shop), parts, vocabulary)
    })
}

fn read(
    decoder: &mut Decoder,
    mut fields: Fields<'_>,
    shop_name: Option<&ShopName>,
    shop: &ShopVocabulary,
    all: &Vocabulary,
) -> Option<Scenario> {
    let name = fields.need(decoder, "name").and_then(|n| name(decoder, n));
    let title = text(decoder, &mut fields, "title");
    let briefing = text(decoder, &mut fields, "briefing");
    let level = fields
        .need(decoder, "level")
        .and_then(|node| decoder.count(node, 1, 5));
    let pass_mark = optional(decoder, &mut fields, "pass-mark", |decoder, node| {
        decoder.count(node, 1, 100)
    });
    let time_limit = optional(decoder, &mut fields, "time-limit", Decoder::scalar);
    let recovery_window = optional(decoder, &mut fields, "recovery-window", Decoder::scalar);
    let load = fields.need(decoder, "load").and_then(|n| load(decoder, n));
    let shop_name = shop_name?;
    let names = Names {
        shop,
        shop_name,
        all,
    };
    let matrix = optional(decoder, &mut fields, "matrix", |decoder, node| {
        names.row(decoder, node)
    });
    let steady_state = fields
        .need(decoder, "steady-state")
        .and_then(|node| names.checks(decoder, node));
    let timeline = optional(decoder, &mut fields, "timeline", |decoder, node| {
        decoder.list(node, "a list of steps", |decoder, node| {
            step(decoder, node, &names)
        })
    });
    let hypothesis = fields
        .need(decoder, "hypothesis")
        .and_then(|node| expectations::hypothesis(decoder, node, &names));
    let answer = fields
        .need(decoder, "answer")
        .and_then(|node| expectations::answer(decoder, node, &names));
    let hints = optional(decoder, &mut fields, "hints", |decoder, node| {
        decoder.list(node, "a list of hints", hint)
    });
    let responders = fields
        .need(decoder, "responders")
        .and_then(|node| responders::responders(decoder, node, &names));
    fields.finish(decoder);
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
    let node = fields.need(decoder, key)?;
    decoder.text(node, "text")
}

fn name(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let name = decoder.text(node, "a name in kebab case")?;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(kebab) {
        return decoder.expected(node, "a name in kebab case, such as `payment-hangs`");
    }
    Some(name)
}

fn load(decoder: &mut Decoder, node: &Node) -> Option<Load> {
    let (key, place, value) = decoder.one_key(node, "a load shape")?;
    if key != "steady" {
        decoder.unknown(place, key, "load shape", &["steady"]);
        return None;
    }
    let mut fields = decoder.fields(value, "a map with `users`")?;
    let users = fields
        .need(decoder, "users")
        .and_then(|node| decoder.count(node, 1, 5_000));
    fields.finish(decoder);
    Some(Load {
        shape: LoadShape::Steady,
        users: users? as u32,
    })
}

fn step(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Step> {
    let mut fields = decoder.fields(node, "a step: a map with `at` and what happens")?;
    let at = fields
        .need(decoder, "at")
        .and_then(|node| decoder.scalar(node));
    let inject = fields.take("inject");
    let change = fields.take("change");
    let lasts = optional(decoder, &mut fields, "for", Decoder::scalar);
    fields.finish(decoder);
    if let (None, Some(Some(_))) = (inject, lasts) {
        let message = "`for` goes with `inject`: a change stays".to_owned();
        decoder.problem(&node.place, message, None);
        return None;
    }
    let action = match (inject, change) {
        (Some(node), None) => StepAction::Inject(fault(
            decoder,
            node,
            &names.all.faults,
            &names.shop.services,
        )?),
        (None, Some(node)) => StepAction::Change(names.action(decoder, node)?),
        _ => {
            let message = "a step wants either `inject` or `change`".to_owned();
            decoder.problem(&node.place, message, None);
            return None;
        }
    };
    Some(Step {
        at: at?,
        action,
        lasts: lasts?,
    })
}

fn hint(decoder: &mut Decoder, node: &Node) -> Option<Hint> {
    let mut fields = decoder.fields(node, "a hint: a map")?;
    let after = fields
        .need(decoder, "after")
        .and_then(|node| decoder.scalar(node));
    let cost = fields
        .need(decoder, "cost")
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

    fn checks(&self, decoder: &mut Decoder, node: &Node) -> Option<Vec<model::CheckName>> {
        decoder.list(node, "a list of checks", |decoder, node| {
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
