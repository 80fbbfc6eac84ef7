//! What holdfast knows to go wrong in an application's schema: from facts to findings.
//!
//! `holdfast.doctor` shows the findings, `holdfast.migration` renders those with a mend into a script.

pub mod application_table;
pub mod finding;
pub mod hold;
pub mod holdfast_table;
pub mod server;
pub mod shape;
pub mod status;
pub mod worker;

use crate::rules::attach::rights;
use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::name::{is_control, shown};
use crate::rules::index::{foreign_key, key, lookup};
use crate::rules::legacy::{body, caller, function};
use finding::{DoctorFinding, MendStep};

/// Everything there is to say about a schema, what is amiss first within each topic.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<DoctorFinding> {
    let topics: [fn(&Facts) -> Vec<DoctorFinding>; 13] = [
        application_table::findings,
        holdfast_table::findings,
        shape::findings,
        rights::findings,
        hold::findings,
        key::findings,
        lookup::findings,
        foreign_key::findings,
        status::findings,
        caller::findings,
        function::findings,
        body::findings,
        server::findings,
    ];
    topics
        .into_iter()
        .flat_map(|topic| {
            let mut found = topic(facts);
            found.sort_by_key(|finding| finding.state);
            found
        })
        .map(printable)
        .collect()
}

/// A name with a control character is shown escaped, and no statement is said that would have it.
fn printable(finding: DoctorFinding) -> DoctorFinding {
    // Definitions may be of several lines.
    let hostile = |text: &String| text.chars().any(|c| c != '\n' && is_control(c));
    let mut finding = DoctorFinding { what: shown(&finding.what), why: shown(&finding.why), ..finding };
    if finding.mend.iter().chain(&finding.undo).chain(&finding.violations).any(hostile) {
        finding.why += "; a name has a control character: no statement is printed";
        (finding.mend, finding.undo, finding.violations, finding.step) = (vec![], vec![], None, MendStep::Nothing);
    }
    finding
}
