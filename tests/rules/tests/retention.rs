//! How long things are kept.

use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::upkeep::retention::{BATCH, LEDGER_DAYS, MAX_BATCH, MAX_DAYS, batch, cutoff, seconds};

const DAY_US: i64 = 24 * 3600 * 1_000_000;
const NOW: Instant = Instant(10_000 * DAY_US);

#[test]
fn the_setting_says_how_old_an_answer_grows() {
    assert_eq!(cutoff(NOW, None, LEDGER_DAYS), Ok(Instant(NOW.0 - 90 * DAY_US)));
    assert_eq!(cutoff(NOW, None, 1), Ok(Instant(NOW.0 - DAY_US)));
    assert_eq!(seconds(LEDGER_DAYS), 7_776_000, "ninety days");
    assert_eq!(seconds(MAX_DAYS), 36_500 * 24 * 3600);
}

#[test]
fn an_age_that_is_given_counts_instead() {
    assert_eq!(cutoff(NOW, Some(0), 90), Ok(NOW));
    assert_eq!(cutoff(NOW, Some(i128::from(DAY_US)), 90), Ok(Instant(NOW.0 - DAY_US)));
    assert_eq!(cutoff(NOW, Some(i128::MAX), 90), Ok(Instant::NEVER), "nothing is that old");
    let refusal = cutoff(NOW, Some(-1), 90).expect_err("an age below nothing would forget what is to come");
    assert_eq!(refusal.outcome, Outcome::ArgumentInvalid);
}

#[test]
fn a_batch_has_bounds() {
    assert_eq!(batch(None), Ok(BATCH));
    assert_eq!(batch(Some(1)), Ok(1));
    assert_eq!(batch(Some(MAX_BATCH)), Ok(MAX_BATCH));
    for wrong in [0, -1, MAX_BATCH + 1, i32::MIN] {
        assert_eq!(batch(Some(wrong)).expect_err("out of bounds").outcome, Outcome::ArgumentInvalid);
    }
}
