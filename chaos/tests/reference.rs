//! The book's page on faults says what the faults say.

use std::path::Path;

#[test]
fn the_reference_in_the_book_is_that_of_the_registered_faults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    let wanted = chaos::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == wanted,
        "docs/faults.md is not what the faults say of themselves; run `UPDATE_DOCS=1 cargo test -p chaos reference`"
    );
}

#[test]
fn the_reference_tells_every_fault_and_every_argument() {
    let page = chaos::reference();
    for spec in chaos::specs() {
        let start = page
            .find(&format!("\n## `{}`\n", spec.kind))
            .expect(spec.kind);
        let section = &page[start + 1..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        assert!(section.contains(spec.summary), "{}", spec.kind);
        assert!(section.contains(spec.recovery), "{}", spec.kind);
        for arg in spec.args {
            let row = section
                .lines()
                .find(|line| line.starts_with(&format!("| `{}` |", arg.name)));
            let row = row.expect(arg.name);
            assert!(row.contains(arg.help), "{row}");
            let default = arg.default.filter(|default| !default.is_empty());
            assert!(default.is_none_or(|default| row.contains(default)), "{row}");
        }
    }
}
