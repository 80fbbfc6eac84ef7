//! What a person wants to see when the evening is over. Pure: facts in, text out.

use crate::check::Finding;
use crate::ink::{Ink, Tone, WIDTH, clip, wrap};
use crate::journal::{Journal, KILLED, Latencies, REPLAYED, Tale, percentile};
use std::time::Duration;

/// A row of the extension's catalogue.
pub struct Outcome {
    pub code: String,
    pub sqlstate: String,
    pub disposition: String,
    pub sentence: String,
}

/// How many guests got a table in the end.
pub fn closing(journal: &Journal, bookings: usize) -> String {
    let lost = journal.kills.iter().filter(|kill| !kill.came_back).count();
    let cancelled = journal.tales.get(&Tale::CancelledKey).map_or(0, |told| told.1);
    format!(
        " At closing time: {} of {bookings} bookings seated, {cancelled} cancelled, {} found no table, {lost} never came back",
        journal.seated, journal.turned_away
    )
}

/// Counts by outcome, in the order of their codes.
pub fn outcomes(ink: Ink, catalogue: &[Outcome], journal: &Journal) -> String {
    let mut text = ink.heading("What the calls came to");
    let titles = format!(" {:<6}{:<9}{:>6}{:>10}{:>8}", "code", "sqlstate", "holds", "confirms", "others");
    text.push_str(&format!("{}\n", ink.paint(Tone::Dim, &titles)));
    let (known, own): (Vec<_>, Vec<_>) = journal.outcomes.iter().partition(|(code, _)| code.starts_with("HF"));
    for (code, counts) in known.into_iter().chain(own) {
        let (shown, sqlstate, sentence, tone) = explained(catalogue, code);
        let cell = |count: u64| if count == 0 { String::new() } else { count.to_string() };
        text.push_str(&format!(
            " {shown:<6}{sqlstate:<9}{:>6}{:>10}{:>8}   {}\n",
            cell(counts[0]),
            cell(counts[1]),
            cell(counts[2]),
            ink.paint(tone, &clip(sentence, 60)),
        ));
    }
    text
}

/// Code, SQLSTATE, sentence and tone; what the catalogue does not know came from the server itself.
fn explained<'a>(catalogue: &'a [Outcome], code: &'a str) -> (&'a str, &'a str, &'a str, Tone) {
    if code == REPLAYED {
        return ("HF001", "00000", "The same answer again (replayed).", Tone::Good);
    }
    match catalogue.iter().find(|outcome| outcome.code == code) {
        Some(outcome) => {
            let tone = match outcome.disposition.as_str() {
                "success" => Tone::Good,
                "transient" => Tone::Warn,
                _ => Tone::Bad,
            };
            (&outcome.code, &outcome.sqlstate, &outcome.sentence, tone)
        }
        None if code == KILLED => ("-", code, "The session was killed before its COMMIT.", Tone::Bad),
        None if matches!(code, "40001" | "40P01" | "55P03") => {
            ("-", code, "The server asked to try again, which was done.", Tone::Warn)
        }
        None => ("-", code, "The server's own error.", Tone::Bad),
    }
}

/// The mishaps, each with what must come of it.
pub fn tales(ink: Ink, journal: &Journal) -> String {
    let mut text = ink.heading("What befell the guests");
    for (tale, (kept, told)) in &journal.tales {
        let (what, then) = tale.told();
        let tone = if kept == told || !tale.is_certain() { Tone::Good } else { Tone::Bad };
        let arrow = ink.glyph("→", "->");
        let share = match kept {
            _ if kept == told => "all".to_string(),
            _ if tale.is_certain() => format!("only {kept}"),
            _ => format!("{kept}; {} to others", told - kept),
        };
        text.push_str(&format!(" {told:>3}  {what:<40} {arrow} {then} {}\n", ink.paint(tone, &format!("({share})"))));
    }
    text
}

/// How fast the confirms were.
pub fn speed(ink: Ink, sessions: usize, latencies: &Latencies, took: Duration) -> String {
    let mut text = ink.heading("How fast");
    let confirms = latencies.confirms.len() + latencies.first_confirms.len();
    let rate = confirms as f64 / took.as_secs_f64().max(0.001);
    text.push_str(&format!(
        " {confirms} confirms by {sessions} sessions in {:.2} s, {rate:.0} a second, among holds, retries and refusals\n",
        took.as_secs_f64()
    ));
    let kinds = [
        ("a confirm", &latencies.confirms),
        ("a session's first confirm", &latencies.first_confirms),
        ("the same again (replay)", &latencies.replays),
    ];
    for (kind, samples) in kinds {
        let value = |percent| percentile(samples, percent).map_or("-".to_string(), millis);
        text.push_str(&format!(" {kind:<27} p50 {:>8}   p99 {:>8}   of {}\n", value(50), value(99), samples.len()));
    }
    text
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Each question, the answer, and how it is known.
pub fn findings(ink: Ink, findings: &[Finding]) -> String {
    let mut text = ink.heading("What is left, checked");
    let intro = "Plain SQL over the tables and over what the guests were told. No function of holdfast is called, and \
        no constraint is trusted.";
    for line in wrap(intro, WIDTH - 2) {
        text.push_str(&format!(" {}\n", ink.paint(Tone::Dim, &line)));
    }
    text.push_str(&ink.paint(Tone::Dim, &format!("{:>87}{:>12}", "rows seen", "violations")));
    text.push('\n');
    for finding in findings {
        text.push_str(&one(ink, finding));
    }
    text
}

fn one(ink: Ink, finding: &Finding) -> String {
    let mark = if finding.holds() {
        ink.paint(Tone::Good, ink.glyph("✓ no ", "no   "))
    } else if finding.violations == 0 {
        ink.paint(Tone::Bad, ink.glyph("✗ ???", "??? "))
    } else {
        ink.paint(Tone::Bad, ink.glyph("✗ YES", "YES  "))
    };
    let violations = format!("{:>12}", finding.violations);
    let violations = if finding.violations > 0 { ink.paint(Tone::Bad, &violations) } else { violations };
    let mut text = format!(" {mark} {:<71}{:>9}{violations}\n", finding.question.words, finding.examined);
    text.push_str(&format!("       {}\n", ink.paint(Tone::Dim, finding.question.how)));
    if let Some(note) = &finding.note {
        let tone = if finding.violations > 0 { Tone::Bad } else { Tone::Warn };
        for line in wrap(note, WIDTH - 7) {
            text.push_str(&format!("       {}\n", ink.paint(tone, &line)));
        }
    }
    text
}

/// The last lines: is all well?
pub fn verdict(ink: Ink, findings: &[Finding]) -> String {
    let failed = findings.iter().filter(|finding| !finding.holds()).count();
    let rows: i64 = findings.iter().map(|finding| finding.examined).sum();
    let (tone, text) = if failed == 0 {
        let all = findings.len();
        (
            Tone::Good,
            format!(
                "Nothing is double booked and nothing is orphaned: {all} questions over {rows} rows, no violation."
            ),
        )
    } else {
        (Tone::Bad, format!("{failed} of {} questions found something wrong.", findings.len()))
    };
    format!("\n {}\n", ink.paint(tone, &text))
}

/// After `--break`: every question must have noticed what was planted for it.
pub fn breakage(ink: Ink, findings: &[Finding]) -> Result<String, String> {
    let blind: Vec<_> = findings.iter().filter(|f| f.violations == 0).map(|f| f.question.words).collect();
    if !blind.is_empty() {
        return Err(format!("planted, but not noticed: {}", blind.join(" ")));
    }
    let text = format!("A fault was planted for each of the {} questions, and each question noticed.", findings.len());
    Ok(format!(" {}\n", ink.paint(Tone::Good, &text)))
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
