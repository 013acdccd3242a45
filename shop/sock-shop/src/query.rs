//! Queries of URLs, read as the shop's first languages read them: of a name that stands
//! twice the first value counts, and what is not understood is no error.

/// The value of `name` in a query.
pub(crate) fn value(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let found = pairs.find(|(found, _)| found == name);
    found.map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn the_first_value_of_a_name_counts() {
        for (query, expected) in [
            (None, None),
            (Some("tag=a"), None),
            (Some("tags="), Some("")),
            (Some("page=2&tags=a%2Cb&tags=c"), Some("a,b")),
        ] {
            assert_eq!(value(query, "tags").as_deref(), expected, "{query:?}");
        }
    }
}
