//! The functions of the contract as our scripts declare them.

use super::facts::Facts;
use super::signature::{Input, Signature};

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
