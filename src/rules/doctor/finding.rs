//! One thing that a doctor says of a schema, and what mends it.

/// How a requirement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Missing,
    Wrong,
    Risky,
    Ok,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Missing => "missing",
            State::Wrong => "wrong",
            State::Risky => "risky",
            State::Ok => "ok",
        }
    }
}

/// What a mend locks while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MendStep {
    /// There is nothing to run, or a person has to decide.
    Nothing,
    /// Locks no table of bookings: functions, grants, rows of rules.
    Free,
    /// Changes the catalogue only: an exclusive lock for an instant, which waits for running transactions.
    Brief { table: String },
    /// Builds or drops an index beside writers, outside of a transaction; a build that failed leaves an invalid one.
    Concurrently { table: String, index: String },
    /// Statements 1 and 2: `NOT VALID` for an instant, then validated beside writers.
    Validated { table: String, constraint: String },
    /// Statements 1 and 2: a unique index built beside writers, then made the constraint for an instant.
    UsingIndex { table: String, constraint: String, index: String },
    /// Reads the whole table under a lock that stops writers: an EXCLUDE constraint can be neither concurrent nor
    /// `NOT VALID`.
    Blocking { table: String, constraint: String },
    /// Builds an index or a unique key of a partitioned table: the server does neither beside writers.
    Partitioned { table: String },
    /// Done by `holdfast.attach`.
    Attach,
}

impl MendStep {
    /// In words, for the DBA.
    #[must_use]
    pub fn locks(&self) -> String {
        match self {
            MendStep::Nothing => "nothing".to_owned(),
            MendStep::Free => "no table of the application".to_owned(),
            MendStep::Brief { table } => format!("{table} for an instant"),
            MendStep::Concurrently { table, .. } => format!("{table}: nobody, outside of a transaction"),
            MendStep::Validated { table, .. } => format!("{table} for an instant, then nobody while it validates"),
            MendStep::UsingIndex { table, .. } => {
                format!("{table} for an instant, after an index was built beside writers")
            }
            MendStep::Blocking { table, .. } | MendStep::Partitioned { table } => {
                format!("{table}: every writer until it is done")
            }
            MendStep::Attach => "what holdfast.attach locks".to_owned(),
        }
    }
}

/// One requirement or known fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorFinding {
    /// Unique in a report, so that two reports can be compared.
    pub what: String,
    pub state: State,
    pub why: String,
    /// `G1` … `G10`; empty: none of them.
    pub promise: &'static str,
    /// Statements in order; empty: see `why`.
    pub mend: Vec<String>,
    /// The way back, in order.
    pub undo: Vec<String>,
    /// A query for the rows that would keep the mend from succeeding.
    pub violations: Option<String>,
    pub step: MendStep,
}

impl DoctorFinding {
    #[must_use]
    pub fn new(what: impl Into<String>, state: State, promise: &'static str, why: impl Into<String>) -> DoctorFinding {
        DoctorFinding {
            what: what.into(),
            state,
            why: why.into(),
            promise,
            mend: Vec::new(),
            undo: Vec::new(),
            violations: None,
            step: MendStep::Nothing,
        }
    }

    #[must_use]
    pub fn mend(mut self, step: MendStep, statements: impl IntoIterator<Item = impl Into<String>>) -> DoctorFinding {
        self.step = step;
        self.mend = statements.into_iter().map(Into::into).collect();
        self
    }

    #[must_use]
    pub fn undo(mut self, statement: impl Into<String>) -> DoctorFinding {
        self.undo.push(statement.into());
        self
    }

    #[must_use]
    pub fn violations(mut self, query: impl Into<String>) -> DoctorFinding {
        self.violations = Some(query.into());
        self
    }

    /// The statements as one text, or None where there are none.
    #[must_use]
    pub fn statement(&self) -> Option<String> {
        (!self.mend.is_empty()).then(|| self.mend.iter().map(|line| format!("{line};")).collect::<Vec<_>>().join("\n"))
    }
}
