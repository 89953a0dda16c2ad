//! Numbers for people: tensors in a line or two, bars, bytes, times.

use edgewise::models::package::Class;
use edgewise::{DType, Tensor, Value};
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// How many elements a summary shows.
const FIRST: usize = 6;
/// How many classes are shown.
pub const TOP: usize = 5;
/// How long the longest bar is.
const BAR: usize = 24;

/// What a tensor holds, in short.
#[derive(Serialize)]
pub struct Summary {
    pub dtype: String,
    pub shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// How many elements are not numbers, or infinite.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_finite: usize,
    /// The first elements.
    pub first: Vec<serde_json::Value>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Summary {
    pub fn of(tensor: &Tensor) -> Summary {
        let numbers = numbers(tensor);
        let finite = || numbers.iter().copied().filter(|x| x.is_finite());
        let count = finite().count();
        let some = |x: f64| (count > 0).then_some(x);
        Summary {
            dtype: tensor.dtype().to_string(),
            shape: tensor.shape().to_vec(),
            min: some(finite().fold(f64::INFINITY, f64::min)),
            max: some(finite().fold(f64::NEG_INFINITY, f64::max)),
            mean: some(finite().sum::<f64>() / count.max(1) as f64),
            not_finite: numbers.len() - count,
            first: first(tensor),
        }
    }

    /// One line of facts, one of elements.
    pub fn text(&self) -> String {
        let mut out = format!("{}{:?}", self.dtype, self.shape);
        if let (Some(min), Some(max), Some(mean)) = (self.min, self.max, self.mean) {
            let _ = write!(out, "  min {}  max {}  mean {}", short(min), short(max), short(mean));
        }
        if self.not_finite > 0 {
            let _ = write!(out, "  not finite: {}", self.not_finite);
        }
        let shown: Vec<String> =
            self.first.iter().map(|v| v.as_f64().map_or_else(|| v.to_string(), short)).collect();
        let more = if self.shape.iter().product::<usize>() > self.first.len() { ", …" } else { "" };
        let _ = write!(out, "\n  {}{more}", shown.join(", "));
        out
    }
}

/// Every tensor in a value, with what to add to the value's name.
pub fn tensors(value: &Value) -> Vec<(String, Tensor)> {
    match value {
        Value::Tensor(t) => vec![(String::new(), t.clone())],
        Value::Sequence(_, items) => {
            let inner =
                |(i, item)| tensors(item).into_iter().map(move |(name, t)| (format!(".{i}{name}"), t));
            items.iter().enumerate().flat_map(inner).collect()
        }
        Value::Optional(_, item) => item.iter().flat_map(|item| tensors(item)).collect(),
        Value::Map(map) => {
            let keys = match &map.keys {
                edgewise::MapKeys::Ints(keys) => Tensor::new(&[keys.len()], keys),
                edgewise::MapKeys::Strings(keys) => Tensor::from_strings(&[keys.len()], keys.clone()),
            };
            let keys = keys.into_iter().map(|t| (".keys".into(), t));
            keys.chain([(".values".into(), map.values.clone())]).collect()
        }
    }
}

/// Elements as f64; none for strings and complex numbers.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::Str | DType::C64 | DType::C128 => Vec::new(),
        DType::F64 => tensor.slice::<f64>().unwrap_or_default().to_vec(),
        DType::U64 => tensor.slice::<u64>().unwrap_or_default().iter().map(|&x| x as f64).collect(),
        d if d.is_integer() => {
            tensor.view().to_i64s().unwrap_or_default().iter().map(|&x| x as f64).collect()
        }
        _ => tensor.view().to_f32s().unwrap_or_default().iter().map(|&x| x.into()).collect(),
    }
}

fn first(tensor: &Tensor) -> Vec<serde_json::Value> {
    let view = tensor.view();
    match tensor.dtype() {
        DType::Str => {
            view.strings().unwrap_or_default().iter().take(FIRST).map(|s| s.as_str().into()).collect()
        }
        DType::C64 => view.units::<f32>().iter().take(FIRST).map(|&x| x.into()).collect(),
        DType::C128 => view.units::<f64>().iter().take(FIRST).map(|&x| x.into()).collect(),
        DType::Bool => view.bytes().iter().take(FIRST).map(|&b| (b != 0).into()).collect(),
        d if d.is_integer() => {
            view.to_i64s().unwrap_or_default().into_iter().take(FIRST).map(Into::into).collect()
        }
        _ => numbers(tensor).into_iter().take(FIRST).map(Into::into).collect(),
    }
}

/// The likeliest classes, with bars.
pub fn bars(classes: &[Class]) -> String {
    let shown = &classes[..classes.len().min(TOP)];
    let width = shown.iter().map(|c| c.label.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for class in shown {
        // Eighths of a character, so that short bars can still be told apart.
        let eighths = (f64::from(class.probability) * (BAR * 8) as f64).round().clamp(0.0, (BAR * 8) as f64);
        let (full, rest) = (eighths as usize / 8, eighths as usize % 8);
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest];
        let bar = format!("{}{part}", "█".repeat(full));
        let percent = 100.0 * class.probability;
        let line = format!("  {:width$}  {percent:>5.1} %  {bar}", class.label);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// A number in few characters.
pub fn short(x: f64) -> String {
    if x == x.trunc() && x.abs() < 1e6 {
        return format!("{x}");
    }
    match x.abs() {
        a if (1e-3..1e6).contains(&a) => format!("{x:.4}"),
        _ => format!("{x:.3e}"),
    }
}

/// 1536 → `1.5 KiB`.
pub fn bytes(n: u64) -> String {
    let mut size = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}

/// In milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_in_short() {
        let t = Tensor::new(&[2, 4], &[1.0f32, 2.0, 3.0, f32::NAN, 5.0, 6.0, 7.0, 0.00001]).unwrap();
        let text = Summary::of(&t).text();
        assert_eq!(
            text.lines().next().unwrap(),
            "f32[2, 4]  min 1.000e-5  max 7  mean 3.4286  not finite: 1"
        );
        assert_eq!(text.lines().nth(1).unwrap(), "  1, 2, 3, null, 5, 6, …");
        let empty = Tensor::zeros(DType::I64, &[0]).unwrap();
        assert_eq!(Summary::of(&empty).text(), "i64[0]\n  ");
        let text = Tensor::from_strings(&[1], vec!["a\"b".into()]).unwrap();
        assert_eq!(Summary::of(&text).text(), "string[1]\n  \"a\\\"b\"");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1536), bytes(5 << 30)],
            ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]
        );
        assert_eq!(
            [short(3.0), short(0.5), short(1e-9), short(-1e9)],
            ["3", "0.5000", "1.000e-9", "-1.000e9"]
        );
    }
}
