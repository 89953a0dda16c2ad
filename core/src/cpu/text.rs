//! The operators on strings, on the CPU.

use super::{Io, Kernel, broadcast};
use crate::ops::text::{Case, RegexFullMatch, StringConcat, StringNormalizer, StringSplit};
use crate::{DType, Result, Shape, Truth};

impl Kernel for StringConcat {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let shape = broadcast::broadcast_shape(&[a.shape(), b.shape()])?;
        let y = io.make(0, DType::Str, &shape)?.into_strings()?;
        let (a, b) = ((a.strings()?, a.shape()), (b.strings()?, b.shape()));
        broadcast::zip(
            io.context(),
            (y, &shape),
            a,
            b,
            &broadcast::pair(|a: &String, b: &String| [a.as_str(), b].concat()),
        )
    }
}

impl Kernel for StringSplit {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let split: Vec<Vec<&str>> = x.strings()?.iter().map(|s| self.split(s)).collect();
        if io.wants(1) {
            let counts = io.make(1, DType::I64, x.shape())?.into_slice::<i64>()?;
            counts.iter_mut().zip(&split).for_each(|(c, s)| *c = s.len() as i64);
        }
        if !io.wants(0) {
            return Ok(());
        }
        let most = split.iter().map(Vec::len).max().unwrap_or(0);
        let shape: Shape = x.shape().iter().copied().chain([most]).collect();
        let y = io.make(0, DType::Str, &shape)?.into_strings()?;
        for (y, pieces) in y.chunks_mut(most.max(1)).zip(&split) {
            y.iter_mut().zip(pieces).for_each(|(y, s)| *y = (*s).into());
        }
        Ok(())
    }
}

impl StringSplit {
    fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        if let Some(delimiter) = &self.delimiter {
            return text.splitn(self.most.saturating_add(1), delimiter.as_str()).collect();
        }
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while pieces.len() < self.most && !rest.is_empty() {
            let (piece, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            pieces.push(piece);
            rest = after.trim_start();
        }
        if !rest.is_empty() {
            pieces.push(rest);
        }
        pieces
    }
}

impl Kernel for StringNormalizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let keeps = |s: &&String| match self.case_sensitive {
            true => !self.stopwords.contains(s),
            false => !self.stopwords.contains(&s.to_lowercase()),
        };
        let change = |s: &String| match self.case {
            Case::Keep => s.clone(),
            Case::Lower => s.to_lowercase(),
            Case::Upper => s.to_uppercase(),
        };
        let mut kept: Vec<String> = x.strings()?.iter().filter(keeps).map(change).collect();
        if kept.is_empty() {
            kept.push(String::new());
        }
        let shape: &[usize] = if x.rank() == 1 { &[kept.len()] } else { &[1, kept.len()] };
        let y = io.make(0, DType::Str, shape)?.into_strings()?;
        y.iter_mut().zip(kept).for_each(|(y, s)| *y = s);
        Ok(())
    }
}

impl Kernel for RegexFullMatch {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?.into_slice::<Truth>()?;
        for (y, s) in y.iter_mut().zip(x.strings()?) {
            io.check()?;
            *y = self.pattern.is_match(s).into();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Truth, Value};

    fn strings(shape: &[usize], s: &[&str]) -> Option<Value> {
        Some(Tensor::from_strings(shape, s.iter().map(|s| s.to_string()).collect()).unwrap().into())
    }

    fn split(text: &str, delimiter: &str, most: i64) -> Vec<String> {
        let attrs = [("delimiter", Attr::Str(delimiter.into())), ("maxsplit", Attr::Int(most))];
        let y = run(("", "StringSplit", 20), &attrs, &[strings(&[], &[text])], 2).unwrap();
        let pieces = y[0].tensor().unwrap().view().strings().unwrap().to_vec();
        assert_eq!(y[1].tensor().unwrap().slice::<i64>().unwrap(), [pieces.len() as i64]);
        pieces
    }

    #[test]
    fn white_space_around_is_no_part_of_any_piece() {
        assert_eq!(split("  a  b c ", "", -1), ["a", "b", "c"]);
        assert_eq!(split("  a  b c ", "", 1), ["a", "b c"]);
        assert_eq!(split(" a ", "", 1), ["a"]);
        assert!(split("", "", -1).is_empty());
        assert_eq!(split(" a ", "", 0), ["a"]);
    }

    #[test]
    fn a_delimiter_splits_off_empty_strings() {
        assert_eq!(split("--a--", "-", -1), ["", "", "a", "", ""]);
        assert_eq!(split("", "-", -1), [""]);
        assert_eq!(split("a-b-c", "-", 1), ["a", "b-c"]);
    }

    fn matches(pattern: &str, text: &str) -> Result<bool> {
        let attrs = [("pattern", Attr::Str(pattern.into()))];
        let y = run(("", "RegexFullMatch", 20), &attrs, &[strings(&[1], &[text])], 1)?;
        Ok(y[0].tensor()?.slice::<Truth>()?[0].get())
    }

    #[test]
    fn only_whole_strings_match() {
        assert!(matches("a|ab", "ab").unwrap());
        assert!(!matches("a|b", "ab").unwrap());
        assert!(!matches("a", "a\n").unwrap());
        assert!(matches("", "").unwrap());
        assert!(matches("a)(b", "ab").is_err());
        assert!(matches("(((a{999}){999}){999})", "a").is_err());
    }

    #[test]
    fn nothing_left_is_one_empty_string() {
        let attrs = [("stopwords", Attr::Strs(vec!["A".into()]))];
        let y = run(("", "StringNormalizer", 10), &attrs, &[strings(&[1, 2], &["a", "A"])], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().view().strings().unwrap(), [""]);
        assert_eq!(y[0].tensor().unwrap().shape(), [1, 1]);
    }
}
