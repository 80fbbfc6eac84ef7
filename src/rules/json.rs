//! A jsonb as the server writes it. Nothing goes through a double, and no depth is too much: it is a text, looked into
//! one level at a time.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Equal when the server's jsonb calls them equal: spaces, the order of keys and idle zeros do not count.
#[derive(Debug, Clone)]
pub struct Json(String);

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.0 == other.0 || self.canonical() == other.canonical()
    }
}

impl Eq for Json {}

impl Default for Json {
    fn default() -> Json {
        Json("null".to_owned())
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Json {
        Json(value.to_string())
    }
}

/// Among the fields of a value that is written as one text.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Json {
    /// A text that is JSON: the server's, or one that was checked.
    #[must_use]
    pub fn of_text(text: String) -> Json {
        Json(text)
    }

    /// Written as one text, without a tree of values in between. What has no JSON, such as a map whose keys are no texts, is null.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Json {
        serde_json::to_string(value).map_or_else(|_| Json::default(), Json)
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Json)>) -> Json {
        let mut text = String::with_capacity(256);
        text.push('{');
        for (name, value) in fields {
            let comma = if text.len() == 1 { "" } else { "," };
            text.extend([comma, Json::of(&name).text(), ":", value.text()]);
        }
        text.push('}');
        Json(text)
    }

    #[must_use]
    pub fn array(items: impl IntoIterator<Item = Json>) -> Json {
        let items: Vec<String> = items.into_iter().map(|item| item.0).collect();
        Json(format!("[{}]", items.join(",")))
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.trim() == "null"
    }

    /// The fields of an object.
    #[must_use]
    pub fn fields(&self) -> Option<BTreeMap<String, Json>> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&self.0).ok()?;
        Some(fields.into_iter().map(|(name, value)| (name, Json(value.get().to_owned()))).collect())
    }

    /// The elements of an array.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Json>> {
        let items: Vec<&RawValue> = serde_json::from_str(&self.0).ok()?;
        Some(items.into_iter().map(|item| Json(item.get().to_owned())).collect())
    }

    /// What stands at a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<Json> {
        let step = |here, key: &&str| {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(here).ok()?;
            fields.get(*key).map(|value| value.get())
        };
        path.iter().try_fold(self.0.as_str(), step).map(|found| Json(found.to_owned()))
    }

    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        serde_json::from_str(&self.0).ok()
    }

    #[must_use]
    pub fn string(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }

    /// A scalar as its text, a number as it was written; None for null.
    #[must_use]
    pub fn scalar(&self) -> Option<String> {
        if self.is_null() { None } else { Some(self.string().unwrap_or_else(|| self.0.clone())) }
    }

    /// For a record that a person reads: what serde's numbers or its depth cannot keep stays a text.
    #[must_use]
    pub fn value(&self) -> Value {
        let value = serde_json::from_str(&self.0).unwrap_or_else(|_| Value::from(self.0.as_str()));
        if Json::from(value.clone()) == *self { value } else { Value::from(self.0.as_str()) }
    }

    /// The one text of all that jsonb calls equal: keys in order, no spaces, numbers without idle zeros. Walked, not
    /// recursed into: the server allows more levels than a stack may hold.
    #[must_use]
    pub fn canonical(&self) -> String {
        let token = self.0.trim();
        if !token.starts_with(['{', '[']) {
            return plain(token).to_owned();
        }
        let nodes = nodes(&self.0);
        let mut text = String::with_capacity(self.0.len());
        let mut rest = vec![Piece::Node(0)];
        while let Some(piece) = rest.pop() {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Node(at) => match nodes.get(at) {
                    Some(Node::Scalar(token)) => text.push_str(plain(token)),
                    Some(node) => rest.extend(node.pieces().into_iter().rev()),
                    None => {}
                },
            }
        }
        text
    }
}

/// A value of the text that is read; those inside others are known by their numbers.
enum Node<'a> {
    Scalar(&'a str),
    Array(Vec<usize>),
    /// By key, without its quotes: the token of the key, and the value.
    Object(BTreeMap<&'a str, (&'a str, usize)>),
}

/// What is written next.
enum Piece<'a> {
    Text(&'a str),
    Node(usize),
}

impl<'a> Node<'a> {
    fn pieces(&self) -> Vec<Piece<'a>> {
        let (open, close, inside): (_, _, Vec<(Option<&'a str>, usize)>) = match self {
            Node::Scalar(token) => return vec![Piece::Text(token)],
            Node::Array(items) => ("[", "]", items.iter().map(|item| (None, *item)).collect()),
            Node::Object(fields) => ("{", "}", fields.values().map(|(key, value)| (Some(*key), *value)).collect()),
        };
        let mut pieces = vec![Piece::Text(open)];
        for (at, (key, value)) in inside.into_iter().enumerate() {
            pieces.extend((at > 0).then_some(Piece::Text(",")));
            pieces.extend(key.into_iter().flat_map(|key| [Piece::Text(key), Piece::Text(":")]));
            pieces.push(Piece::Node(value));
        }
        pieces.push(Piece::Text(close));
        pieces
    }
}

/// Every value of a text, the outermost first.
fn nodes(text: &str) -> Vec<Node<'_>> {
    let mut nodes: Vec<Node> = Vec::new();
    // Objects and arrays that are not closed yet, and the key whose value comes next.
    let mut open: Vec<(usize, Option<&str>)> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        rest = after;
        let node = match first {
            '{' => Node::Object(BTreeMap::new()),
            '[' => Node::Array(Vec::new()),
            '}' | ']' => {
                open.pop();
                continue;
            }
            ',' | ':' => continue,
            space if space.is_ascii_whitespace() => continue,
            _ => Node::Scalar(token),
        };
        let number = nodes.len();
        if let Some((outer, key)) = open.last_mut() {
            match (&mut nodes[*outer], key.take()) {
                (Node::Object(_), None) => {
                    *key = Some(token);
                    continue;
                }
                (Node::Object(fields), Some(key)) => {
                    fields.insert(key.get(1..key.len() - 1).unwrap_or_default(), (key, number));
                }
                (Node::Array(items), _) => items.push(number),
                (Node::Scalar(_), _) => {}
            }
        }
        if !matches!(node, Node::Scalar(_)) {
            open.push((number, None));
        }
        nodes.push(node);
    }
    nodes
}

/// How many bytes the token has that begins here.
fn token_length(rest: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            let end = rest.bytes().skip(1).position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        space if space.is_ascii_whitespace() => 1,
        _ => rest.find(|c: char| ",:]}".contains(c) || c.is_ascii_whitespace()).unwrap_or(rest.len()),
    }
}

/// A number without the zeros that say nothing (the server writes none with an exponent); anything else as it is.
fn plain(token: &str) -> &str {
    let is_decimal = token.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && token.contains('.');
    if is_decimal && !token.contains(['e', 'E']) { token.trim_end_matches('0').trim_end_matches('.') } else { token }
}
