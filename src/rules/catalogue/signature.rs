//! Signatures: what a caller by name can call, and when two functions of one name get in each other's way.

use super::function::FunctionFacts;

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
