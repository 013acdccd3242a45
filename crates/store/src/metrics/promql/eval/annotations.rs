//! Warnings and infos that an answer carries beside its data.

/// Each message once, in the order of its first appearance.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl Annotations {
    pub(super) fn warn(&mut self, message: String) {
        add(&mut self.warnings, message);
    }

    pub(super) fn info(&mut self, message: String) {
        add(&mut self.infos, message);
    }

    pub(super) fn into_lists(self) -> (Vec<String>, Vec<String>) {
        (self.warnings, self.infos)
    }
}

fn add(list: &mut Vec<String>, message: String) {
    if !list.contains(&message) {
        list.push(message);
    }
}
