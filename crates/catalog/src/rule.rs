//! The kinds of problem that an authored file can have.

use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of problem, by a stable id in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The bytes are no text.
    NotText,
    /// The text is no YAML, or YAML of a sort that is not taken.
    NotYaml,
    /// A key stands twice in one map.
    RepeatedKey,
    /// A key that has to be there is not.
    MissingKey,
    /// A key that nobody reads.
    UnknownKey,
    /// A map where a list was expected, and the like.
    WrongKind,
    /// A value that does not parse, or is out of its bounds.
    WrongValue,
    /// A name that nothing has.
    UnknownName,
    /// A variant that is not a map with exactly one key.
    NotOneKey,
    /// A query that its language refuses.
    BadQuery,
    /// Two statements that cannot both be true.
    Contradiction,
    /// A name that has to be unique, and is not.
    RepeatedName,
    /// A path that leads nowhere.
    MissingFile,
    /// The answer is not what the row of the failure matrix speaks of.
    OtherCause,
    /// Steps or hints that do not stand in the order of their times.
    OutOfOrder,
    /// Something that comes after the drill's end.
    NeverHappens,
    /// A prediction that proves nothing.
    NoProof,
    /// An expert that does not show how the scenario is solved.
    ExpertFalls,
    /// A text for the responder that names the cause.
    GivesAway,
    /// A text that was left to be filled in.
    Placeholder,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The file cannot be used.
    Error,
    /// The file can be used, and probably does not say what was meant.
    Warning,
}

impl Rule {
    /// Every rule, errors first.
    pub const ALL: [Self; 20] = [
        Self::NotText,
        Self::NotYaml,
        Self::RepeatedKey,
        Self::MissingKey,
        Self::UnknownKey,
        Self::WrongKind,
        Self::WrongValue,
        Self::UnknownName,
        Self::NotOneKey,
        Self::BadQuery,
        Self::Contradiction,
        Self::RepeatedName,
        Self::MissingFile,
        Self::OtherCause,
        Self::OutOfOrder,
        Self::NeverHappens,
        Self::NoProof,
        Self::ExpertFalls,
        Self::GivesAway,
        Self::Placeholder,
    ];

    /// The stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotText => "not-text",
            Self::NotYaml => "not-yaml",
            Self::RepeatedKey => "repeated-key",
            Self::MissingKey => "missing-key",
            Self::UnknownKey => "unknown-key",
            Self::WrongKind => "wrong-kind",
            Self::WrongValue => "wrong-value",
            Self::UnknownName => "unknown-name",
            Self::NotOneKey => "not-one-key",
            Self::BadQuery => "bad-query",
            Self::Contradiction => "contradiction",
            Self::RepeatedName => "repeated-name",
            Self::MissingFile => "missing-file",
            Self::OtherCause => "other-cause",
            Self::OutOfOrder => "out-of-order",
            Self::NeverHappens => "never-happens",
            Self::NoProof => "no-proof",
            Self::ExpertFalls => "expert-falls-short",
            Self::GivesAway => "gives-away",
            Self::Placeholder => "placeholder",
        }
    }

    /// What is wrong, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NotText => "The file is not UTF-8 text.",
            Self::NotYaml => "The text is not YAML, or uses what is not taken here.",
            Self::RepeatedKey => "A key stands twice in one map.",
            Self::MissingKey => "A key that has to be there is missing.",
            Self::UnknownKey => "A key is not known where it stands.",
            Self::WrongKind => {
                "A value has another form than is expected, such as a list for a map."
            }
            Self::WrongValue => "A value cannot be understood, or is out of its bounds.",
            Self::UnknownName => "A name is used that nothing has.",
            Self::NotOneKey => "A variant is not a map with exactly one key.",
            Self::BadQuery => "A query is refused by its language.",
            Self::Contradiction => "Two statements of the file cannot both be true.",
            Self::RepeatedName => "A name that has to be unique is used twice.",
            Self::MissingFile => "A path leads to no file.",
            Self::OtherCause => {
                "The row of the failure matrix speaks of another part than the answer."
            }
            Self::OutOfOrder => "Steps or hints do not stand in the order of their times.",
            Self::NeverHappens => "Something comes after the drill has ended.",
            Self::NoProof => "The prediction does not prove that the fault does anything.",
            Self::ExpertFalls => "The expert does not show how the scenario is solved.",
            Self::GivesAway => "A text for the responder names the cause.",
            Self::Placeholder => "A text was left to be filled in.",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::OtherCause
            | Self::OutOfOrder
            | Self::NeverHappens
            | Self::NoProof
            | Self::ExpertFalls
            | Self::GivesAway
            | Self::Placeholder => Level::Warning,
            _ => Level::Error,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
