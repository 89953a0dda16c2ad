//! Symbolic sizes: integer polynomials over named symbols, with floor division, minimum and maximum.
//!
//! A [`Dim`] is kept in one normal form, so that equal polynomials compare equal: `2*N + N` is `3*N`.
//! What a reader would get wrong: arithmetic saturates instead of overflowing, so a size that saturated is
//! caught where it becomes bytes, not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

/// A size that may depend on symbols such as `batch`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Known(i64),
    /// A sum of products; never a bare number.
    Sum(Arc<Terms>),
}

/// Product of atoms (sorted) → coefficient (never 0). The empty product is the constant term.
type Terms = BTreeMap<Vec<Atom>, i64>;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Atom {
    Symbol(Arc<str>),
    Floor(Dim, Dim),
    Min(Dim, Dim),
    Max(Dim, Dim),
}

impl Dim {
    /// A symbol of that name.
    pub fn symbol(name: &str) -> Dim {
        Dim::atom(Atom::Symbol(name.into()))
    }

    /// The number, where it is one.
    pub fn known(&self) -> Option<i64> {
        match self.0 {
            Repr::Known(n) => Some(n),
            Repr::Sum(_) => None,
        }
    }

    /// The number as a size, where it is one and not negative.
    pub fn size(&self) -> Option<usize> {
        self.known().and_then(|n| usize::try_from(n).ok())
    }

    /// Whether no values of its symbols, which are sizes, make it negative; `false` where that is not plain.
    pub fn is_never_negative(&self) -> bool {
        match &self.0 {
            Repr::Known(n) => *n >= 0,
            Repr::Sum(terms) => {
                terms.iter().all(|(atoms, c)| *c >= 0 && atoms.iter().all(Atom::is_never_negative))
            }
        }
    }

    /// Rounded down, as `self / by` is for positive numbers. Division by a known zero gives a zero.
    pub fn div_floor(&self, by: &Dim) -> Dim {
        match (self.known(), by.known()) {
            (_, Some(0)) => Dim::from(0),
            (Some(a), Some(b)) => Dim::from(floor(a, b)),
            (_, Some(1)) => self.clone(),
            (_, Some(b)) if self.terms().values().all(|c| c.wrapping_rem(b) == 0) => {
                Dim::from_terms(self.terms().into_iter().map(|(k, c)| (k, c.wrapping_div(b))).collect())
            }
            _ if self == by => Dim::from(1),
            _ => {
                self.divided_by_factor(by).unwrap_or_else(|| Dim::atom(Atom::Floor(self.clone(), by.clone())))
            }
        }
    }

    /// Rounded up.
    pub fn div_ceil(&self, by: &Dim) -> Dim {
        -(-self.clone()).div_floor(by)
    }

    /// Whether it is `other`, but at most some number of two or more.
    pub fn caps(&self, other: &Dim) -> bool {
        let Repr::Sum(terms) = &self.0 else { return false };
        let mut terms = terms.iter();
        let (Some((atoms, 1)), None) = (terms.next(), terms.next()) else { return false };
        match &atoms[..] {
            [Atom::Min(a, b)] => {
                [(a, b), (b, a)].iter().any(|(x, cap)| *x == other && cap.known() >= Some(2))
            }
            _ => false,
        }
    }

    /// The smaller of the two.
    pub fn smaller(&self, other: &Dim) -> Dim {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Dim::from(a.min(b)),
            _ if (other.clone() - self.clone()).is_never_negative() => self.clone(),
            _ if (self.clone() - other.clone()).is_never_negative() => other.clone(),
            _ => Dim::atom(Atom::Min(self.clone(), other.clone())),
        }
    }

    /// The larger of the two.
    pub fn larger(&self, other: &Dim) -> Dim {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Dim::from(a.max(b)),
            _ if (self.clone() - other.clone()).is_never_negative() => self.clone(),
            _ if (other.clone() - self.clone()).is_never_negative() => other.clone(),
            _ => Dim::atom(Atom::Max(self.clone(), other.clone())),
        }
    }

    /// The number it is under the given values of symbols; `None` where one is missing.
    pub fn eval(&self, symbols: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        let terms = match &self.0 {
            Repr::Known(n) => return Some(*n),
            Repr::Sum(terms) => terms,
        };
        let mut sum = 0i64;
        for (atoms, &coefficient) in terms.iter() {
            let mut product = coefficient;
            for atom in atoms {
                let x = match atom {
                    Atom::Symbol(name) => symbols(name)?,
                    Atom::Floor(a, b) => match b.eval(symbols)? {
                        0 => 0,
                        b => floor(a.eval(symbols)?, b),
                    },
                    Atom::Min(a, b) => a.eval(symbols)?.min(b.eval(symbols)?),
                    Atom::Max(a, b) => a.eval(symbols)?.max(b.eval(symbols)?),
                };
                product = product.saturating_mul(x);
            }
            sum = sum.saturating_add(product);
        }
        Some(sum)
    }

    /// The names of its symbols, added to a set.
    pub fn symbols(&self, into: &mut BTreeSet<String>) {
        let Repr::Sum(terms) = &self.0 else { return };
        for atom in terms.keys().flatten() {
            match atom {
                Atom::Symbol(name) => {
                    into.insert(name.to_string());
                }
                Atom::Floor(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                    a.symbols(into);
                    b.symbols(into);
                }
            }
        }
    }

    fn atom(atom: Atom) -> Dim {
        Dim(Repr::Sum(Arc::new(BTreeMap::from([(vec![atom], 1)]))))
    }

    fn terms(&self) -> Terms {
        match &self.0 {
            Repr::Known(0) => Terms::new(),
            Repr::Known(n) => BTreeMap::from([(vec![], *n)]),
            Repr::Sum(terms) => (**terms).clone(),
        }
    }

    fn from_terms(mut terms: Terms) -> Dim {
        terms.retain(|_, c| *c != 0);
        match terms.len() {
            0 => Dim::from(0),
            1 if terms.contains_key(&[][..]) => Dim::from(terms[&[][..]]),
            _ => Dim(Repr::Sum(Arc::new(terms))),
        }
    }

    /// `self / by` where `by` is one product that divides every term: `4*N*S / (2*N)` is `2*S`.
    fn divided_by_factor(&self, by: &Dim) -> Option<Dim> {
        let divisor = by.terms();
        let (factors, &coefficient) = divisor.iter().next().filter(|_| divisor.len() == 1)?;
        let mut out = Terms::new();
        for (mut atoms, c) in self.terms() {
            for factor in factors {
                let at = atoms.iter().position(|a| a == factor)?;
                atoms.remove(at);
            }
            if c % coefficient != 0 {
                return None;
            }
            out.insert(atoms, c / coefficient);
        }
        Some(Dim::from_terms(out))
    }
}

impl Atom {
    fn is_never_negative(&self) -> bool {
        match self {
            Atom::Symbol(_) => true,
            Atom::Floor(a, b) | Atom::Min(a, b) => a.is_never_negative() && b.is_never_negative(),
            Atom::Max(a, b) => a.is_never_negative() || b.is_never_negative(),
        }
    }
}

fn floor(a: i64, b: i64) -> i64 {
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

impl From<i64> for Dim {
    fn from(n: i64) -> Dim {
        Dim(Repr::Known(n))
    }
}

impl From<i32> for Dim {
    fn from(n: i32) -> Dim {
        Dim(Repr::Known(n.into()))
    }
}

impl From<usize> for Dim {
    fn from(n: usize) -> Dim {
        Dim(Repr::Known(i64::try_from(n).unwrap_or(i64::MAX)))
    }
}

impl Add for Dim {
    type Output = Dim;
    fn add(self, other: Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.known(), other.known()) {
            return Dim::from(a.saturating_add(b));
        }
        let mut terms = self.terms();
        for (atoms, c) in other.terms() {
            let sum = terms.entry(atoms).or_default();
            *sum = sum.saturating_add(c);
        }
        Dim::from_terms(terms)
    }
}

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, other: Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.known(), other.known()) {
            return Dim::from(a.saturating_mul(b));
        }
        let mut terms = Terms::new();
        for (a, c) in self.terms() {
            for (b, d) in other.terms() {
                let mut atoms = [a.clone(), b].concat();
                atoms.sort();
                let sum = terms.entry(atoms).or_default();
                *sum = sum.saturating_add(c.saturating_mul(d));
            }
        }
        Dim::from_terms(terms)
    }
}

impl Neg for Dim {
    type Output = Dim;
    fn neg(self) -> Dim {
        self * Dim::from(-1)
    }
}

impl Sub for Dim {
    type Output = Dim;
    fn sub(self, other: Dim) -> Dim {
        self + -other
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = match &self.0 {
            Repr::Known(n) => return write!(f, "{n}"),
            Repr::Sum(terms) => terms,
        };
        // The constant term sorts first but reads best last.
        let (constant, products): (Vec<_>, Vec<_>) = terms.iter().partition(|(atoms, _)| atoms.is_empty());
        for (i, (atoms, c)) in products.into_iter().chain(constant).enumerate() {
            let sign = match (i, *c < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            f.write_str(sign)?;
            let mut factors: Vec<String> = atoms.iter().map(Atom::to_string).collect();
            if c.unsigned_abs() != 1 || atoms.is_empty() {
                factors.insert(0, c.unsigned_abs().to_string());
            }
            f.write_str(&factors.join("*"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Symbol(name) => f.write_str(name),
            Atom::Floor(a, b) => write!(f, "floor(({a}) / ({b}))"),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
            Atom::Max(a, b) => write!(f, "max({a}, {b})"),
        }
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Dim {
        Dim::symbol("N")
    }

    fn s() -> Dim {
        Dim::symbol("S")
    }

    #[test]
    fn equal_polynomials_are_equal() {
        assert_eq!(n() + n() + n(), n() * Dim::from(3));
        assert_eq!((n() + Dim::from(1)) - Dim::from(1), n());
        assert_eq!(n() - n(), Dim::from(0));
        assert_eq!((n() * s() * Dim::from(4)).div_floor(&(n() * Dim::from(2))), s() * Dim::from(2));
    }

    #[test]
    fn division_rounds_toward_the_named_side() {
        let seven = Dim::from(7);
        assert_eq!(seven.div_floor(&Dim::from(2)), Dim::from(3));
        assert_eq!(seven.div_ceil(&Dim::from(2)), Dim::from(4));
        assert_eq!(Dim::from(-7).div_floor(&Dim::from(2)), Dim::from(-4));
        let half_up = n().div_ceil(&Dim::from(2));
        assert_eq!(half_up.eval(&|_| Some(7)), Some(4));
        assert_eq!(half_up.eval(&|_| None), None);
    }

    #[test]
    fn sizes_are_never_negative_and_differences_may_be() {
        assert!((n() * s() + Dim::from(1)).is_never_negative());
        assert!(Dim::larger(&(n() - s()), &Dim::from(0)).is_never_negative());
        assert!(!(n() - Dim::from(1)).is_never_negative());
    }

    #[test]
    fn plain_minima_and_maxima_vanish() {
        assert_eq!(Dim::smaller(&n(), &(n() + s())), n());
        assert!(Dim::smaller(&n(), &Dim::from(512)).caps(&n()) && !n().caps(&n()));
        assert!(!Dim::smaller(&n(), &Dim::from(1)).caps(&n()) && !Dim::smaller(&n(), &s()).caps(&n()));
        assert_eq!(Dim::larger(&n(), &Dim::from(0)), n());
        assert_eq!(Dim::smaller(&(n() + Dim::from(3)), &Dim::from(3)), Dim::from(3));
        assert_eq!(Dim::larger(&(n() - Dim::from(1)), &Dim::from(0)).eval(&|_| Some(0)), Some(0));
    }

    #[test]
    fn symbols_are_found_inside_atoms() {
        let mut names = BTreeSet::new();
        (n().div_floor(&Dim::from(2)) * s() + Dim::from(1)).symbols(&mut names);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["N", "S"]);
    }

    #[test]
    fn text_reads_as_one_would_write_it() {
        assert_eq!((n() * Dim::from(2) - s() + Dim::from(1)).to_string(), "2*N - S + 1");
    }

    #[test]
    fn huge_numbers_saturate() {
        assert_eq!(Dim::from(i64::MAX) * Dim::from(2), Dim::from(i64::MAX));
        assert_eq!(Dim::from(i64::MIN).div_floor(&Dim::from(-1)), Dim::from(i64::MIN));
    }
}
