//! A new scenario has no problem, whatever fault it is about.

use catalog::{Source, Template, lint, template};

use crate::vocabulary::vocabulary;

fn new<'a>(name: &'a str, shop: Option<&'a str>, fault: &'a str) -> Template<'a> {
    Template {
        name,
        shop,
        fault,
        schema: "../schema/scenario.schema.json",
    }
}

#[test]
fn a_new_scenario_has_no_problem() {
    let vocabulary = vocabulary();
    for spec in &vocabulary.faults {
        let text = template(&new("mine", None, spec.kind), &vocabulary).expect(spec.kind);
        let told = lint(
            &[Source::new("mine.yaml", text.clone())],
            &vocabulary,
            &|_, _| true,
        );
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told.join("\n"), "", "{text}");
    }
}

#[test]
fn a_new_scenario_explains_itself() {
    for fault in ["hang", "noise"] {
        let text = template(&new("mine", Some("sock-shop"), fault), &vocabulary());
        insta::assert_snapshot!(format!("new-{fault}"), text.expect("a template"));
    }
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest_name() {
    let cases = [
        (new("Mine", None, "hang"), "kebab case"),
        (
            new("mine", Some("sok-shop"), "hang"),
            "did you mean `sock-shop`?",
        ),
        (new("mine", None, "hangs"), "did you mean `hang`?"),
        (new("mine", None, "meteorite"), "known: hang, slow"),
    ];
    for (asked, expected) in cases {
        let error = template(&asked, &vocabulary())
            .expect_err("refused")
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
