//! Times in templates, by Go's layouts.
//!
//! Source: <https://pkg.go.dev/time#pkg-constants>.

use super::Val;

/// Writes a time by a Go layout (`2006-01-02T15:04:05Z07:00`), in UTC.
pub(super) fn go_time(layout: &str, nanos: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_nanosecond(i128::from(nanos)) else {
        return nanos.to_string();
    };
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    let fraction = nanos.rem_euclid(1_000_000_000);
    let mut out = String::new();
    let mut rest = layout;
    while !rest.is_empty() {
        let parts: [(&str, String); 16] = [
            ("2006", time.strftime("%Y").to_string()),
            ("January", time.strftime("%B").to_string()),
            ("Jan", time.strftime("%b").to_string()),
            ("Monday", time.strftime("%A").to_string()),
            ("Mon", time.strftime("%a").to_string()),
            ("MST", "UTC".to_owned()),
            ("Z07:00", "Z".to_owned()),
            ("-0700", "+0000".to_owned()),
            ("-07:00", "+00:00".to_owned()),
            ("01", time.strftime("%m").to_string()),
            ("02", time.strftime("%d").to_string()),
            ("15", time.strftime("%H").to_string()),
            ("03", time.strftime("%I").to_string()),
            ("04", time.strftime("%M").to_string()),
            ("05", time.strftime("%S").to_string()),
            ("PM", time.strftime("%p").to_string()),
        ];
        if let Some((word, text)) = parts.iter().find(|(word, _)| rest.starts_with(word)) {
            out.push_str(text);
            rest = &rest[word.len()..];
            continue;
        }
        let digits = rest[1..]
            .bytes()
            .take_while(|b| *b == b'0' || *b == b'9')
            .count();
        if rest.starts_with('.') && digits > 0 {
            let all = format!("{fraction:09}");
            let shown = &all[..digits.min(9)];
            if rest[1..].starts_with('9') {
                let shown = shown.trim_end_matches('0');
                if !shown.is_empty() {
                    out.push('.');
                    out.push_str(shown);
                }
            } else {
                out.push('.');
                out.push_str(shown);
            }
            rest = &rest[1 + digits..];
            continue;
        }
        let len = rest.chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// Reads a time by a Go layout, in UTC.
pub(super) fn parse_time(layout: &str, text: &str) -> Result<Val, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Val::Time(time.as_nanosecond() as i64));
    }
    let format = layout
        .replace("2006", "%Y")
        .replace("01", "%m")
        .replace("02", "%d")
        .replace("15", "%H")
        .replace("04", "%M")
        .replace("05", "%S");
    jiff::civil::DateTime::strptime(&format, text)
        .or_else(|_| jiff::civil::Date::strptime(&format, text).map(|d| d.at(0, 0, 0, 0)))
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| Val::Time(time.timestamp().as_nanosecond() as i64))
        .map_err(|_| format!("parsing time {text:?} as {layout:?}: cannot parse"))
}
