//! The reference of all faults, written from their own descriptions.

use model::{ArgSpec, FaultSpec};

use crate::specs;

const HEAD: &str = "# Faults

What a scenario can `inject`. Each is named with its arguments: `inject: { hang: { service: payment } }`.

This page is written by the program, from what each fault says of itself: `UPDATE_DOCS=1 cargo test -p chaos reference`.

| fault | what breaks |
|---|---|
";

/// A page of Markdown on every registered fault: what breaks, what ends it,
/// its arguments with bounds and defaults.
pub fn reference() -> String {
    let specs = specs();
    let mut page = HEAD.to_owned();
    for spec in &specs {
        let kind = spec.kind;
        page += &format!("| [`{kind}`](#{kind}) | {} |\n", spec.summary);
    }
    for spec in &specs {
        page += &section(spec);
    }
    page
}

fn section(spec: &FaultSpec) -> String {
    let mut section = format!(
        "\n## `{}`\n\n{}\n\n**What ends it:** {}\n",
        spec.kind, spec.summary, spec.recovery
    );
    if spec.args.is_empty() {
        return section + "\nIt takes no arguments.\n";
    }
    section += "\n| argument | takes | default | meaning |\n|---|---|---|---|\n";
    for arg in spec.args {
        section += &row(arg);
    }
    section
}

fn row(arg: &ArgSpec) -> String {
    let default = match arg.default {
        None => "required".to_owned(),
        Some("") => "none".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    let (name, takes) = (arg.name, arg.kind.expected());
    format!("| `{name}` | {takes} | {default} | {} |\n", arg.help)
}
