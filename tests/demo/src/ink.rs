//! What the terminal can show: colours, line drawing, a line that is written over. Text stays readable without any.

use std::env;
use std::io::{IsTerminal, stdout};

/// Columns that every line fits into.
pub const WIDTH: usize = 100;

#[derive(Clone, Copy)]
pub struct Ink {
    pub colour: bool,
    pub unicode: bool,
    pub terminal: bool,
}

#[derive(Clone, Copy)]
pub enum Tone {
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
    /// A booking at a single table.
    Single,
    /// A booking at joined tables.
    Joined,
}

impl Ink {
    pub fn of_stdout() -> Self {
        let terminal = stdout().is_terminal();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| env::var(name).ok());
        let locale = locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        let plain = env::var("NO_COLOR").is_ok_and(|value| !value.is_empty())
            || env::var("TERM").is_ok_and(|value| value == "dumb");
        Self { colour: terminal && !plain, unicode: is_utf8(&locale), terminal }
    }

    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match tone {
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Warn => "33",
            Tone::Single => "36",
            Tone::Joined => "35",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The first where the terminal can draw, else the second.
    pub fn glyph(&self, drawn: &'static str, plain: &'static str) -> &'static str {
        if self.unicode { drawn } else { plain }
    }

    /// A heading with a rule up to the right edge.
    pub fn heading(&self, title: &str) -> String {
        let rule = self.glyph("─", "-").repeat(WIDTH - title.chars().count() - 1);
        format!("{} {}\n", self.paint(Tone::Bold, title), self.paint(Tone::Dim, &rule))
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Lines of at most `width` characters, broken between words.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

/// At most `width` characters; what was cut off is marked.
pub fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

#[cfg(test)]
pub const PLAIN: Ink = Ink { colour: false, unicode: false, terminal: false };
#[cfg(test)]
pub const DRAWN: Ink = Ink { colour: false, unicode: true, terminal: false };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_terminal_gets_plain_text() {
        assert_eq!(PLAIN.paint(Tone::Bad, "no"), "no");
        assert!(PLAIN.heading("Floor").is_ascii());
    }

    #[test]
    fn a_heading_fills_the_width() {
        assert_eq!(DRAWN.heading("Floor").trim_end().chars().count(), WIDTH);
    }

    #[test]
    fn locales_are_told_apart() {
        assert!(is_utf8("de_DE.UTF-8") && is_utf8("C.utf8"));
        assert!(!is_utf8("C") && !is_utf8("") && !is_utf8("en_US.ISO-8859-1"));
    }

    #[test]
    fn text_is_broken_between_words_and_clipped_visibly() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(clip("one two three", 9), "one two..");
        assert_eq!(clip("one", 9), "one");
    }
}
