//! The targets take their own seeds, so that none falls behind what it tests.

#![expect(clippy::expect_used, reason = "helpers of a test fail it by panicking")]

use std::collections::BTreeSet;

use fuzz::TARGETS;

/// Some seeds are as deep as may be, for which builds without optimisation take more stack.
fn with_stack(work: fn()) {
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let done = thread.spawn(work).expect("a thread").join();
    assert!(done.is_ok(), "see above");
}

#[test]
fn every_target_has_seeds_and_takes_them() {
    with_stack(|| {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in seeds {
                (target.run)(&seed);
            }
        }
    });
}

#[test]
fn every_target_takes_what_is_no_text_and_what_is_cut_off() {
    for target in TARGETS {
        for bytes in [b"".as_slice(), b"\xff\xfe\x00", b"\n", b"\x01\x01\x01\x01"] {
            (target.run)(bytes);
        }
        for seed in (target.seeds)().iter().take(3) {
            (target.run)(&seed[..seed.len() / 2]);
        }
    }
}

#[test]
fn every_target_is_called_by_its_name() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), TARGETS.len());
    assert!(names.iter().all(|name| fuzz::target(name).is_some()));
}
