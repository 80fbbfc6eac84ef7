//! The known faults of the functions that holdfast replaces: what shows them, in an answer or in a body.

use crate::rules::doctor::finding::{DoctorFinding, State};

/// `faults! { F1 "what it is" ["what doctor says of a body"]; … }`
macro_rules! faults {
    ($($name:ident $sentence:literal [$($words:literal),*];)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($name),* }

        /// Every one, in order.
        pub const FAULTS: &[Fault] = &[$(Fault::$name),*];

        impl Fault {
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Fault::$name => stringify!($name)),* }
            }

            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Fault::$name => $sentence),* }
            }

            /// Words of doctor's findings that give it away.
            fn words(self) -> &'static [&'static str] {
                match self { $(Fault::$name => &[$($words),*]),* }
            }
        }
    };
}

faults! {
    F1 "After a lost answer the same key is told that its hold is not found." [" deletes the hold"];
    F2 "A key that is used for another request gets the old answer." [];
    F3 "The same tables under a new key end in the raw error of an index." [];
    F4 "Once its tables are taken away, a booking is stuck: confirmed, without a table." [];
    F5 "A replay revives a booking that was cancelled meanwhile." [];
    F6 "A second confirm adds its tables to those of the first." [];
    F7 "A booking that is over, or seated, becomes confirmed." [];
    F8 "A confirm into a status that holds no tables takes them." [];
    F9 "A booking that is over keeps its table from others." [];
    F10 "A hold in the way ends in an error of the message, or a hold blocks its own confirm." [];
    F11 "A status that changed meanwhile ends in an ambiguous column." [];
    F12 "The clock is off by the session's time zone." [" shifts the clock by the session's time zone"];
    F13 "A hold that expires while the call waits is accepted." [" judges a deadline by the start of the transaction"];
    F14 "Tables that are not connected are accepted where that was asked for." [];
    F15 "A party that does not fit, or a table out of service, is accepted." [];
    F16 "A window far from the booking's is accepted." [];
    F17 "A hold that is closed, or does not say what its caller expects, is accepted." [];
    F18 "pgcrypto in another schema is not found." [" calls pgcrypto without its schema"];
    F19 "Confirms in one restaurant wait for each other, and deadlock." [" locks the restaurant's row"];
    F20 "Confirms of disjoint tables wait for each other." [" takes an advisory lock"];
    F21 "Each call makes a temporary table, or asks information_schema." [" creates a temporary table", " asks information_schema"];
    F22 "Any role may execute it." ["execute on "];
    F23 "A session setting switches a check off." [" lets a session setting decide"];
    F24 "An error is swallowed, and what it was about is lost." [" swallows errors"];
    F25 "The booking's hold is open after success." [];
    F26 "A hold without metadata cannot be confirmed." [];
    F27 "A blank key is accepted." [];
    F28 "The clean-up of a failure takes the tables of an earlier success." [];
}

impl Fault {
    /// What doctor found of it: the findings' names.
    #[must_use]
    pub fn found(self, findings: &[DoctorFinding]) -> Vec<&str> {
        let risky = findings.iter().filter(|finding| finding.state == State::Risky);
        let shows = |what: &str| {
            self.words().iter().any(|words| match words.strip_suffix(' ') {
                Some(_) => what.starts_with(words),
                None => what.starts_with("body of ") && what.ends_with(words),
            })
        };
        risky.map(|finding| finding.what.as_str()).filter(|what| shows(what)).collect()
    }
}
