//! What a table and a column of the list say.

use super::Kind;
use crate::rules::release::Release;

/// A table of the contract.
#[derive(Debug)]
pub struct ApplicationTable {
    pub name: &'static str,
    /// The feature that an optional table carries; empty: a confirm cannot do without it.
    pub feature: &'static str,
    pub about: &'static str,
    pub columns: &'static [ApplicationColumn],
    /// What the reference schema says of the table beside its columns.
    pub rules: &'static [&'static str],
}

/// A column of such a table.
#[derive(Debug, Clone, Copy)]
pub struct ApplicationColumn {
    pub name: &'static str,
    pub kind: Kind,
    /// Our inserts fill it.
    pub given: bool,
    /// Our inserts leave it to its default, which attach gives it.
    pub made: Option<&'static str>,
    /// A call may leave it NULL.
    pub null: bool,
    /// Attach adds it where it is missing, declared like this.
    pub added: Option<&'static str>,
    /// A call goes without it where it is not there.
    pub optional: bool,
    /// Our statements do not know it: only the reference schema has it.
    pub beside: bool,
    /// What our statements write or compare; empty: any value will do.
    pub values: &'static [&'static str],
    /// How the reference schema declares it after its type; None: it gets it from attach.
    pub reference: Option<&'static str>,
    pub about: &'static str,
}

pub(super) const fn asked(name: &'static str, kind: Kind, reference: &'static str) -> ApplicationColumn {
    ApplicationColumn {
        name,
        kind,
        given: false,
        made: None,
        null: false,
        added: None,
        optional: false,
        beside: false,
        values: &[],
        reference: Some(reference),
        about: "",
    }
}

impl ApplicationColumn {
    pub(super) const fn given(self) -> ApplicationColumn {
        ApplicationColumn { given: true, ..self }
    }

    pub(super) const fn null(self) -> ApplicationColumn {
        ApplicationColumn { null: true, ..self }
    }

    pub(super) const fn made(self, default: &'static str) -> ApplicationColumn {
        ApplicationColumn { made: Some(default), ..self }
    }

    pub(super) const fn added(self, declared: &'static str) -> ApplicationColumn {
        ApplicationColumn { added: Some(declared), ..self }
    }

    pub(super) const fn optional(self) -> ApplicationColumn {
        ApplicationColumn { optional: true, ..self }
    }

    pub(super) const fn beside(self) -> ApplicationColumn {
        ApplicationColumn { beside: true, ..self }
    }

    pub(super) const fn by_attach_alone(self) -> ApplicationColumn {
        ApplicationColumn { reference: None, ..self }
    }

    pub(super) const fn values(self, values: &'static [&'static str]) -> ApplicationColumn {
        ApplicationColumn { values, ..self }
    }

    pub(super) const fn about(self, about: &'static str) -> ApplicationColumn {
        ApplicationColumn { about, ..self }
    }

    /// Has to be there for a call to work; before attach, what attach can add does not count.
    #[must_use]
    pub fn is_required(&self, attached: bool) -> bool {
        !self.optional && (attached || self.as_added().is_none())
    }

    /// How attach declares it after its type where it is missing; None: which value old rows get is the application's to say.
    #[must_use]
    pub fn as_added(&self) -> Option<&'static str> {
        self.added.or(if self.null { Some("") } else { None })
    }
}

impl ApplicationTable {
    /// The columns that our statements know.
    pub fn asked(&self) -> impl Iterator<Item = &'static ApplicationColumn> + use<> {
        self.columns.iter().filter(|column| !column.beside)
    }
}

/// A table that attach makes in the schema of the application, owned by the owner of the bookings.
#[derive(Debug)]
pub struct HoldfastTable {
    pub name: &'static str,
    pub about: &'static str,
    pub since: Release,
    /// What release 0.1.0 called it, where it had it.
    pub once: Option<&'static str>,
    /// What calls can do without until attach is called again; empty: attach of every release made it.
    pub feature: &'static str,
    pub columns: &'static [HoldfastColumn],
    /// What is said of the table beside its columns.
    pub rules: &'static [&'static str],
    /// Names and columns.
    pub indexes: &'static [(&'static str, &'static str)],
    /// What COMMENT says of it.
    pub comment: &'static str,
    /// A statement for the rows that it begins with; rows that are there are the owner's.
    pub rows: Option<&'static str>,
    /// Detach leaves it, unless it is told otherwise.
    pub kept: bool,
}

/// A column of such a table.
#[derive(Debug, Clone, Copy)]
pub struct HoldfastColumn {
    pub name: &'static str,
    pub kind: Kind,
    pub null: bool,
    pub fill: Fill,
    pub key: bool,
    pub check: Option<&'static str>,
    /// Texts that it may be; empty: any.
    pub one_of: &'static [&'static str],
    /// A table, and how it goes on.
    pub references: Option<(&'static str, &'static str)>,
    pub since: Release,
    pub about: &'static str,
}

/// What a column gets when an insert leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    Nothing,
    Default(&'static str),
    Identity,
}

pub(super) const fn owned(name: &'static str, kind: Kind) -> HoldfastColumn {
    HoldfastColumn {
        name,
        kind,
        null: false,
        fill: Fill::Nothing,
        key: false,
        check: None,
        one_of: &[],
        references: None,
        since: Release::V0_2_0,
        about: "",
    }
}

impl HoldfastColumn {
    pub(super) const fn null(self) -> HoldfastColumn {
        HoldfastColumn { null: true, ..self }
    }

    pub(super) const fn default(self, value: &'static str) -> HoldfastColumn {
        HoldfastColumn { fill: Fill::Default(value), ..self }
    }

    pub(super) const fn identity(self) -> HoldfastColumn {
        HoldfastColumn { fill: Fill::Identity, key: true, ..self }
    }

    pub(super) const fn key(self) -> HoldfastColumn {
        HoldfastColumn { key: true, ..self }
    }

    pub(super) const fn check(self, condition: &'static str) -> HoldfastColumn {
        HoldfastColumn { check: Some(condition), ..self }
    }

    pub(super) const fn one_of(self, texts: &'static [&'static str]) -> HoldfastColumn {
        HoldfastColumn { one_of: texts, ..self }
    }

    pub(super) const fn references(self, table: &'static str, rest: &'static str) -> HoldfastColumn {
        HoldfastColumn { references: Some((table, rest)), ..self }
    }

    /// Of a release after the table's: it needs a default or may be NULL, for rows that are there.
    pub(super) const fn since(self, since: Release) -> HoldfastColumn {
        HoldfastColumn { since, ..self }
    }

    pub(super) const fn about(self, about: &'static str) -> HoldfastColumn {
        HoldfastColumn { about, ..self }
    }
}
