//! The few Python literals that a `.npy` header is made of.

use edgewise_core::{Result, err};

/// A value in a header.
pub enum Literal {
    Text(String),
    Bool(bool),
    /// Of sizes.
    Tuple(Vec<usize>),
    Dict(Vec<(String, Literal)>),
    /// Anything in brackets; records are described so.
    List,
}

/// Parses a literal that fills the text, white space aside.
pub fn parse(text: &str) -> Result<Literal> {
    let mut rest = text.trim();
    let value = literal(&mut rest, 0).filter(|_| rest.trim().is_empty());
    value.ok_or_else(|| err!(InvalidInput, "the .npy header cannot be read"))
}

fn literal(rest: &mut &str, depth: usize) -> Option<Literal> {
    match rest.trim_start().chars().next()? {
        '{' if depth == 0 => dict(rest),
        '(' => tuple(rest),
        '\'' | '"' => quoted(rest).map(Literal::Text),
        '[' => list(rest),
        _ if take(rest, "True") => Some(Literal::Bool(true)),
        _ if take(rest, "False") => Some(Literal::Bool(false)),
        _ => None,
    }
}

fn dict(rest: &mut &str) -> Option<Literal> {
    take(rest, "{");
    let mut entries = Vec::new();
    while !take(rest, "}") {
        let key = quoted(rest)?;
        take(rest, ":").then_some(())?;
        entries.push((key, literal(rest, 1)?));
        if !take(rest, ",") {
            return take(rest, "}").then_some(Literal::Dict(entries));
        }
    }
    Some(Literal::Dict(entries))
}

fn tuple(rest: &mut &str) -> Option<Literal> {
    take(rest, "(");
    let mut sizes = Vec::new();
    while !take(rest, ")") {
        let digits = rest.trim_start();
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        sizes.push(digits[..end].parse().ok()?);
        *rest = &digits[end..];
        // Python 2 wrote long integers with an L.
        take(rest, "L");
        if !take(rest, ",") {
            return take(rest, ")").then_some(Literal::Tuple(sizes));
        }
    }
    Some(Literal::Tuple(sizes))
}

fn list(rest: &mut &str) -> Option<Literal> {
    let mut open = 0;
    for (i, c) in rest.char_indices() {
        match c {
            '[' => open += 1,
            ']' => open -= 1,
            _ => continue,
        }
        if open == 0 {
            *rest = &rest[i + 1..];
            return Some(Literal::List);
        }
    }
    None
}

fn quoted(rest: &mut &str) -> Option<String> {
    let text = rest.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let end = text[1..].find(quote)?;
    *rest = &text[end + 2..];
    Some(text[1..=end].to_string())
}

fn take(rest: &mut &str, what: &str) -> bool {
    match rest.trim_start().strip_prefix(what) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}
