//! Signatures: what a caller by name can call, and when two functions of one name get in each other's way.

use super::facts::{Facts, FunctionFacts};

/// A function of the contract as our scripts declare it, with the types of this application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub inputs: Vec<Input>,
    /// Name and type of each column of the result; a single value has no name.
    pub outputs: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    pub type_name: String,
    pub optional: bool,
}

/// Reads the signatures off a script of `create or replace function app.…` statements.
#[must_use]
pub fn declared(script: &str, facts: &Facts) -> Vec<Signature> {
    script.split("create or replace ").skip(1).filter_map(|text| one(text, facts)).collect()
}

fn one(text: &str, facts: &Facts) -> Option<Signature> {
    let text = text.strip_prefix("function app.").or_else(|| text.strip_prefix("procedure app."))?;
    let (name, rest) = text.split_once('(')?;
    let (arguments, rest) = in_brackets(rest)?;
    let returns = rest.trim_start().strip_prefix("returns ").unwrap_or_default();
    let outputs = match returns.split_once('(') {
        _ if returns.is_empty() => Vec::new(),
        Some((before, columns)) if before.trim() == "table" => columns_of(in_brackets(columns)?.0, facts),
        _ => {
            let single = returns.split([' ', '\n', ';']).next().unwrap_or_default();
            vec![(String::new(), full_type(single, facts))]
        }
    };
    let inputs = split(arguments).into_iter().filter_map(|argument| {
        let argument = argument.strip_prefix("inout ").unwrap_or(argument);
        let (name, rest) = argument.split_once(' ')?;
        let (type_name, optional) = match rest.split_once([' ', '=']) {
            Some((type_name, _)) => (type_name, true),
            None => (rest, false),
        };
        Some(Input { name: name.to_owned(), type_name: full_type(type_name.trim(), facts), optional })
    });
    Some(Signature { name: name.to_owned(), inputs: inputs.collect(), outputs })
}

fn columns_of(text: &str, facts: &Facts) -> Vec<(String, String)> {
    let column = |column: &str| {
        let (name, type_name) = column.split_once(' ')?;
        Some((name.to_owned(), full_type(type_name.trim(), facts)))
    };
    split(text).into_iter().filter_map(column).collect()
}

/// What stands before the bracket that closes, and what follows.
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_usize;
    let end = text.find(|c: char| {
        depth = match c {
            '(' => depth + 1,
            ')' => depth - 1,
            _ => depth,
        };
        depth == 0
    })?;
    Some((&text[..end], &text[end + 1..]))
}

fn split(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// A type as `format_type` writes it; the contract's own enum is that of the application's column.
fn full_type(short: &str, facts: &Facts) -> String {
    match short {
        "timestamptz" => "timestamp with time zone".to_owned(),
        "time" => "time without time zone".to_owned(),
        "app.booking_status" => facts
            .column("bookings", "status")
            .map_or_else(|| format!("{}.booking_status", facts.schema), |column| column.type_name.clone()),
        other => other.to_owned(),
    }
}

impl Signature {
    /// The types of the inputs, as SQL lists them.
    #[must_use]
    pub fn types(&self) -> String {
        self.inputs.iter().map(|input| input.type_name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn required(&self) -> usize {
        self.inputs.iter().filter(|input| !input.optional).count()
    }

    /// Why a caller of the contract would not get on with a function: nothing, when they would.
    #[must_use]
    pub fn differences(&self, function: &FunctionFacts) -> Vec<String> {
        let theirs = function.inputs();
        let mut found = Vec::new();
        for ours in &self.inputs {
            match theirs.iter().position(|their| their.name == ours.name) {
                None => found.push(format!("it has no {}", ours.name)),
                Some(at) if theirs[at].type_name != ours.type_name => {
                    found.push(format!("{} is {}, not {}", ours.name, theirs[at].type_name, ours.type_name));
                }
                Some(at) if at < function.required() && ours.optional => {
                    found.push(format!("{} may not be left out", ours.name));
                }
                Some(_) => {}
            }
        }
        for (at, their) in theirs.iter().enumerate() {
            let unknown = !self.inputs.iter().any(|ours| ours.name == their.name);
            if unknown && at < function.required() {
                let name = if their.name.is_empty() { format!("argument {}", at + 1) } else { their.name.clone() };
                found.push(format!("it also requires {name}"));
            }
        }
        found.extend(self.missing_outputs(function));
        found
    }

    /// Is this our own function as it is declared today, but for its body?
    #[must_use]
    pub fn is_current(&self, function: &FunctionFacts) -> bool {
        let names =
            |function: &FunctionFacts| function.inputs().iter().map(|input| input.name.clone()).collect::<Vec<_>>();
        let outputs: Vec<(String, String)> =
            function.outputs().iter().map(|output| (output.name.clone(), output.type_name.clone())).collect();
        let single = outputs.is_empty() && self.outputs.first().is_none_or(|(_, kind)| *kind == function.returns);
        self.is_same_as(function)
            && names(function).iter().eq(self.inputs.iter().map(|input| &input.name))
            && (outputs == self.outputs || single || self.outputs.is_empty())
    }

    fn missing_outputs(&self, function: &FunctionFacts) -> Vec<String> {
        let theirs = function.outputs();
        let mut found = Vec::new();
        for (name, type_name) in &self.outputs {
            if name.is_empty() {
                if function.returns != *type_name {
                    found.push(format!("it returns {}, not {type_name}", function.returns));
                }
            } else if !theirs.iter().any(|their| their.name == *name && their.type_name == *type_name) {
                found.push(format!("it does not return {name} {type_name}"));
            }
        }
        found
    }

    /// Do the two have one name and the same input types? Then there is room for one only.
    #[must_use]
    pub fn is_same_as(&self, function: &FunctionFacts) -> bool {
        let theirs = function.inputs();
        self.name == function.name
            && theirs.len() == self.inputs.len()
            && self.inputs.iter().zip(theirs).all(|(ours, their)| ours.type_name == their.type_name)
    }

    /// Is there a call that both would take, so that the server could not choose, or would choose the other?
    #[must_use]
    pub fn clashes_with(&self, function: &FunctionFacts) -> bool {
        self.name == function.name
            && (self.is_same_as(function) || self.same_by_name(function) || self.same_by_place(function))
    }

    /// A call by named arguments that has all that either requires, of names that both know.
    fn same_by_name(&self, function: &FunctionFacts) -> bool {
        let theirs = function.inputs();
        let known_to_them = |name: &str| theirs.iter().any(|their| their.name == name);
        let known_to_us = |name: &str| self.inputs.iter().any(|ours| ours.name == name);
        self.inputs.iter().filter(|ours| !ours.optional).all(|ours| known_to_them(&ours.name))
            && theirs.iter().take(function.required()).all(|their| known_to_us(&their.name))
    }

    /// A call by place, with as many arguments as both take, whose types are the same in both.
    fn same_by_place(&self, function: &FunctionFacts) -> bool {
        let theirs = function.inputs();
        let fewest = self.required().max(function.required());
        let most = self.inputs.len().min(theirs.len());
        let same =
            self.inputs.iter().zip(&theirs).take_while(|(ours, their)| ours.type_name == their.type_name).count();
        fewest <= most && fewest <= same
    }
}
