//! The releases whose tables are told apart.

/// A release, by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    V0_1_0,
    V0_2_0,
}

impl Release {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Release::V0_1_0 => "0.1.0",
            Release::V0_2_0 => "0.2.0",
        }
    }
}
