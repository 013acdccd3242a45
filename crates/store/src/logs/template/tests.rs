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
