//! Tests of templates.

use super::{Scope, Template};

struct Line;

impl Scope for Line {
    fn label(&self, name: &str) -> Option<String> {
        match name {
            "status" => Some("200".to_owned()),
            "path" => Some("/cart/x".to_owned()),
            "took" => Some("26.0ms".to_owned()),
            _ => None,
        }
    }

    fn labels(&self) -> Vec<(String, String)> {
        vec![("status".to_owned(), "200".to_owned())]
    }

    fn line(&self) -> &str {
        "the line"
    }

    fn timestamp(&self) -> i64 {
        1_760_436_000_000_000_000
    }
}

#[test]
fn a_template_is_rendered_as_go_renders_it() {
    for (source, shown) in [
        ("{{.status}} - {{ .nope }}x", "200 - x"),
        ("{{ if eq .status \"200\" }}ok{{ else }}bad{{ end }}", "ok"),
        ("{{ .path | replace \"/\" \"_\" | trunc 5 }}", "_cart"),
        ("{{ add 1 2 }} {{ div 7 2 }} {{ mulf 1.5 2 }}", "3 3 3"),
        ("{{ default \"none\" .error }}", "none"),
        (
            "{{ title \"it's a_b c-d éa ßé 1st\" }}",
            "It'S A_b C-D Éa ßé 1st",
        ),
        ("{{ duration .took }}", "0.026"),
        ("{{ __line__ | upper }}", "THE LINE"),
        (
            "{{ __timestamp__ | date \"2006-01-02T15:04:05Z07:00\" }}",
            "2025-10-14T10:00:00Z",
        ),
        ("a {{- 1 -}} b", "a1b"),
        (
            "{{ printf \"%05.1f|%-4s|%d\" 3.14159 \"ab\" 7 }}",
            "003.1|ab  |7",
        ),
        ("{{ $x := .status }}{{ $x }}", "200"),
        (
            "{{ range $i, $v := fromJson \"[1,2]\" }}{{ $i }}={{ $v }} {{ end }}",
            "0=1 1=2 ",
        ),
        ("{{ (eq 1 1) | not }}", "false"),
        (
            "{{ addf 0.1 0.2 }} {{ int \"3.7\" }} {{ int \"7.0\" }}",
            "0.3 0 7",
        ),
        ("{{ round -2.4 0 }} {{ round 2.45 1 }}", "-3 2.5"),
        (
            "{{ printf \"%d %s\" .status 5 }}",
            "%!d(string=200) %!s(int=5)",
        ),
        ("{{ printf \"%d\" 1 2 }}", "1%!(EXTRA int=2)"),
        ("{{ \"YWI\" | b64dec }}", "ab"),
        ("{{ date \"2006\" 0 }}", "1970"),
    ] {
        let template = Template::parse("line", source).expect(source);
        assert_eq!(template.render(&Line).expect(source), shown, "{source}");
    }
}

#[test]
fn what_a_function_cannot_do_is_told_with_its_place() {
    for (source, message) in [
        (
            "{{ div 1 0 }}",
            "template: line:1:3: executing \"line\" at <div 1 0>: error calling div: runtime error: integer divide by zero",
        ),
        (
            "a\n {{ .path | printf \"%s\" | duration }}",
            "template: line:2:26: executing \"line\" at <duration>: error calling duration: time: invalid duration \"/cart/x\"",
        ),
        (
            "{{ if (lt .status 5) }}x{{ end }}",
            "template: line:1:7: executing \"line\" at <lt .status 5>: error calling lt: incompatible types for comparison",
        ),
        (
            "{{ regexReplaceAll \"(a long one that is wrong\" .path \"\" }}",
            "template: line:1:3: executing \"line\" at <regexReplaceAll \"(a ...>: error calling regexReplaceAll: error parsing regexp: missing closing ): `(a long one that is wrong`",
        ),
    ] {
        let template = Template::parse("line", source).expect(source);
        assert_eq!(template.render(&Line), Err(message.to_owned()), "{source}");
    }
}

#[test]
fn a_wrong_template_is_refused_in_the_words_of_go() {
    for (source, message) in [
        ("{{.x", "template: line:1: unclosed action"),
        (
            "{{ nope | upper }}",
            "template: line:1: function \"nope\" not defined",
        ),
        ("{{ if .x }}", "template: line:1: unexpected EOF"),
    ] {
        let error = Template::parse("line", source).err();
        assert_eq!(error.as_deref(), Some(message));
    }
}

#[test]
fn a_template_takes_neither_all_memory_nor_all_time_nor_all_of_the_stack() {
    let list = format!("[{}]", vec!["1"; 60].join(","));
    let nested =
        |inner: &str, n: usize| format!("{{{{ {}{inner}{} }}}}", "(".repeat(n), ")".repeat(n));
    let blocks = |n: usize| "{{ if .x }}".repeat(n) + &"{{ end }}".repeat(n);
    let ranges = |n: usize| {
        format!("{{{{ range fromJson \"{list}\" }}}}").repeat(n) + &"{{ end }}".repeat(n)
    };
    let doubled = "{{ $x := \"ab\" }}".to_owned() + &"{{ $x = print $x $x $x $x }}".repeat(20);
    let grown = "strings: Repeat output length overflow";
    for (source, told) in [
        ("{{ repeat 9223372036854775807 \"ab\" }}".to_owned(), grown),
        ("{{ \"x\" | repeat 9999 | repeat 9999 }}".to_owned(), grown),
        (
            "{{ $x := repeat 9999 \"x\" }}{{ replace \"\" $x $x }}".to_owned(),
            grown,
        ),
        (
            "{{ $x := repeat 9999 \"x\" }}{{ regexReplaceAll \"\" $x $x }}".to_owned(),
            grown,
        ),
        ("{{ indent 9999999 .path }}".to_owned(), grown),
        (doubled, grown),
        (ranges(4), "range over more than 100000 items"),
        (nested("1", 9_999), "max expression depth exceeded"),
        (blocks(9_999), "max expression depth exceeded"),
    ] {
        let told_by = Template::parse("line", &source).and_then(|it| it.render(&Line));
        let told_by = told_by.expect_err(&source);
        assert!(told_by.ends_with(told), "{told_by}");
    }
    for source in [nested("1", 90), blocks(90), ranges(2)] {
        let template = Template::parse("line", &source).expect(&source);
        assert!(template.render(&Line).is_ok(), "{source}");
    }
}

#[test]
fn widths_are_read_as_far_as_go_reads_them() {
    for (source, length) in [
        ("{{ printf \"%9999d|\" 1 }}", 10_000),
        ("{{ printf \"%99999.99999s|\" \"a\" }}", 10_001),
        ("{{ printf \"%.70000f\" 1.5 }}", 10_002),
        // Beyond a million Go finds no verb.
        (
            "{{ printf \"%1000001d\" 1 }}",
            "%!(NOVERB)%!(EXTRA int=1)".len(),
        ),
        (
            "{{ printf \"%99999999999999999999d\" 1 }}",
            "%!(NOVERB)%!(EXTRA int=1)".len(),
        ),
        ("{{ unixToTime \"9999999999\" | unixEpoch }}", 10),
    ] {
        let template = Template::parse("line", source).expect(source);
        let shown = template.render(&Line).expect(source);
        assert_eq!(
            shown.len(),
            length,
            "{source}: {}",
            &shown[..shown.len().min(40)]
        );
    }
}
