//! StringConcat, StringSplit, StringNormalizer, RegexFullMatch: strings in, strings or truths out.
//!
//! StringNormalizer is of opset 10, the others of 20; none changed since.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// Two strings as one, broadcast.
#[derive(Clone, Debug)]
pub struct StringConcat;

impl Operator for StringConcat {
    fn parse(a: &mut Attrs) -> Result<StringConcat> {
        a.arity(2..=2, 1..=1)?;
        Ok(StringConcat)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        strings(cx, 0)?;
        strings(cx, 1)?;
        let dims = cx.broadcast([0, 1])?;
        cx.set_tensor(0, DType::Str, dims);
        Ok(())
    }
}

/// Pieces of strings along a new last axis, and how many there are of each.
#[derive(Clone, Debug)]
pub struct StringSplit {
    /// Between the pieces; `None` means any run of white space.
    pub delimiter: Option<String>,
    /// How often a string is split at most.
    pub most: usize,
}

impl Operator for StringSplit {
    fn parse(a: &mut Attrs) -> Result<StringSplit> {
        a.arity(1..=1, 1..=2)?;
        let most = a.int("maxsplit")?;
        // As in Python, a negative number means no limit.
        let most = most.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        Ok(StringSplit { delimiter: a.str("delimiter")?.filter(|d| !d.is_empty()), most })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        strings(cx, 0)?;
        let dims = cx.dims(0).cloned();
        cx.set_tensor(1, DType::I64, dims.clone());
        let pieces = cx.unknown_dim();
        cx.set_tensor(0, DType::Str, dims.map(|d| d.into_iter().chain([pieces]).collect()));
        Ok(())
    }
}

/// What becomes of the case of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Case {
    Keep,
    Lower,
    Upper,
}

/// Without stop words, and in one case.
#[derive(Clone, Debug)]
pub struct StringNormalizer {
    /// What becomes of the case of letters.
    pub case: Case,
    /// Whether stop words are compared as they are written.
    pub case_sensitive: bool,
    /// What is left out; in lower case unless `case_sensitive`.
    pub stopwords: Vec<String>,
}

impl Operator for StringNormalizer {
    fn parse(a: &mut Attrs) -> Result<StringNormalizer> {
        a.arity(1..=1, 1..=1)?;
        // Letters change their case as Unicode says, whatever the locale.
        a.ignore(&["locale"]);
        let case_sensitive = a.flag("is_case_sensitive", false)?;
        let mut stopwords = a.strs("stopwords")?.unwrap_or_default();
        if !case_sensitive {
            stopwords.iter_mut().for_each(|w| *w = w.to_lowercase());
        }
        let cases = [("NONE", Case::Keep), ("LOWER", Case::Lower), ("UPPER", Case::Upper)];
        Ok(StringNormalizer { case: a.choice("case_change_action", &cases)?, case_sensitive, stopwords })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        strings(cx, 0)?;
        let dims = match cx.dims(0).map(|d| d.as_slice()) {
            None => None,
            Some([_]) => Some(Dims::from_iter([cx.unknown_dim()])),
            Some([one, _]) if one.known().is_none_or(|d| d == 1) => {
                Some(Dims::from_iter([Dim::from(1), cx.unknown_dim()]))
            }
            Some(other) => bail!(InvalidModel, "expected strings of shape [C] or [1, C], got {other:?}"),
        };
        cx.set_tensor(0, DType::Str, dims);
        Ok(())
    }
}

/// Whether a whole string matches a pattern.
#[derive(Clone, Debug)]
pub struct RegexFullMatch {
    /// The pattern, between the start and the end.
    pub pattern: regex_lite::Regex,
}

/// Bytes that a compiled pattern may take; what is meant for one string is far smaller.
const MAX_PATTERN_BYTES: usize = 1 << 20;

impl Operator for RegexFullMatch {
    fn parse(a: &mut Attrs) -> Result<RegexFullMatch> {
        a.arity(1..=1, 1..=1)?;
        let pattern = a.str_or("pattern", "")?;
        let compile = |pattern: &str| {
            regex_lite::RegexBuilder::new(pattern)
                .size_limit(MAX_PATTERN_BYTES)
                .build()
                .map_err(|e| err!(Unsupported, "pattern '{pattern}' cannot be used: {e}"))
        };
        // By itself first: parentheses that do not match must not pair up with ours.
        compile(&pattern)?;
        Ok(RegexFullMatch { pattern: compile(&format!("^(?:{pattern})$"))? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        strings(cx, 0)?;
        let dims = cx.dims(0).cloned();
        cx.set_tensor(0, DType::Bool, dims);
        Ok(())
    }
}

fn strings(cx: &Infer<'_>, i: usize) -> Result<()> {
    let dtype = cx.dtype(i)?;
    ensure!(dtype == DType::Str, InvalidModel, "input {i} must hold strings, got {dtype}");
    Ok(())
}
