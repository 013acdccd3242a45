//! Whatever a file holds, reading it does not panic, and says something of use.

use catalog::{Source, lint};

use crate::vocabulary::vocabulary;

const WHOLE: &str = include_str!("../whole.yaml");

#[test]
fn every_beginning_of_a_file_is_read_or_refused_in_words() {
    let vocabulary = vocabulary();
    let mut refused = 0;
    for end in 0..=WHOLE.len() {
        let source = Source::new("x.yaml", &WHOLE[..end]);
        let told = lint(&[source], &vocabulary, &|_, _| true);
        refused += usize::from(!told.is_empty());
        sound(&told, &format!("the first {end} bytes"));
    }
    assert!(refused > WHOLE.len() / 2, "{refused}");
}

#[test]
fn five_hundred_random_changes_are_read_or_refused_in_words() {
    let vocabulary = vocabulary();
    let mut random = Random(0x5eed);
    let mut refused = 0;
    for round in 0..500 {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            change(&mut bytes, &mut random);
        }
        let told = match Source::of_bytes("x.yaml", bytes) {
            Ok(source) => lint(&[source], &vocabulary, &|_, _| true),
            Err(problems) => vec![problems],
        };
        refused += usize::from(!told.is_empty());
        sound(&told, &format!("round {round}"));
        assert!(told.iter().all(|problems| !problems.render().is_empty()));
    }
    assert!(refused > 250, "only {refused} of 500 changes were noticed");
}

/// Renders, and every place is inside of the file.
fn sound(told: &[catalog::Problems], what: &str) {
    for problems in told {
        assert!(!problems.to_string().is_empty(), "{what}");
        for problem in problems.list() {
            assert!(
                problem.line >= 1 && problem.column >= 1,
                "{what}: {problem}"
            );
            assert!(!problem.message.is_empty(), "{what}: {problem}");
            let end = (problem.end_line, problem.end_column);
            assert!((problem.line, problem.column) <= end, "{what}: {problem}");
        }
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    const MARKS: &[u8] = b"{}[]:,-&*!|>'\"%@`#?~ \t\n\r\0\xff\xc3<>=0a";
    let at = random.below(bytes.len());
    let mark = MARKS[random.below(MARKS.len())];
    match random.below(5) {
        0 => bytes[at] = mark,
        1 => bytes.insert(at, mark),
        2 => drop(bytes.remove(at)),
        3 => {
            let end = (at + random.below(40)).min(bytes.len());
            drop(bytes.drain(at..end));
        }
        _ => {
            let end = (at + random.below(40)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            let to = random.below(bytes.len());
            drop(bytes.splice(to..to, copy));
        }
    }
}

/// Steele and Vigna's SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
