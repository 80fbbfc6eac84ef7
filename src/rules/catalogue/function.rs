//! A function of the schema as it was found.

use serde::Deserialize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FunctionFacts {
    pub oid: i64,
    pub name: String,
    /// As `ALTER FUNCTION` takes it.
    pub signature: String,
    /// f function, p procedure.
    pub kind: String,
    pub language: String,
    pub owner: String,
    pub ours: bool,
    pub definer: bool,
    /// Has a `search_path` of its own.
    pub pinned: bool,
    pub for_public: bool,
    /// Roles that may execute it, beside its owner and PUBLIC.
    pub grantees: Vec<String>,
    /// How many of the last inputs may be left out.
    pub defaults: usize,
    pub arguments: Vec<FunctionArgument>,
    pub returns: String,
    pub body: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FunctionArgument {
    pub name: String,
    pub type_name: String,
    /// i in, o out, b both, v variadic, t column of the result.
    pub mode: String,
}

impl FunctionFacts {
    /// What a caller passes.
    #[must_use]
    pub fn inputs(&self) -> Vec<&FunctionArgument> {
        self.arguments.iter().filter(|argument| ["i", "b", "v"].contains(&argument.mode.as_str())).collect()
    }

    /// The columns of what comes back.
    #[must_use]
    pub fn outputs(&self) -> Vec<&FunctionArgument> {
        self.arguments.iter().filter(|argument| ["o", "b", "t"].contains(&argument.mode.as_str())).collect()
    }

    /// How many inputs a caller has to pass.
    #[must_use]
    pub fn required(&self) -> usize {
        self.inputs().len().saturating_sub(self.defaults)
    }
}
