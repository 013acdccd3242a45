//! The list of candidates under a query that is being written.

use crate::completion::{Candidate, Completion, Subject};

use super::Input;

/// The list of candidates, and which of them was taken.
#[derive(Clone, Debug)]
pub(crate) struct Offers {
    completion: Completion,
    /// The line as it was written, without a candidate.
    written: Input,
    taken: Option<usize>,
}

impl Offers {
    pub(crate) fn new(completion: Completion, written: Input) -> Self {
        Self {
            completion,
            written,
            taken: None,
        }
    }

    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.completion.candidates
    }

    /// Where the candidates begin in the line, in characters.
    pub(crate) fn column(&self) -> usize {
        self.completion.range.start
    }

    /// What the backend was to be asked for.
    pub(crate) fn wants(&self) -> &[Subject] {
        &self.completion.wants
    }

    /// Which candidate stands in the line.
    pub(crate) fn taken(&self) -> Option<usize> {
        self.taken
    }

    /// The line as it was written.
    pub(crate) fn written(&self) -> &Input {
        &self.written
    }

    /// Takes the candidate `step` places on; the line with it.
    pub(crate) fn turn(&mut self, step: isize) -> Option<Input> {
        let count = self.completion.candidates.len() as isize;
        if count == 0 {
            return None;
        }
        let next = match self.taken {
            Some(taken) => (taken as isize + step).rem_euclid(count),
            None if step < 0 => count - 1,
            None => 0,
        };
        self.taken = Some(next as usize);
        let text = &self.completion.candidates[next as usize].text;
        Some(self.written.replaced(self.completion.range.clone(), text))
    }
}
