//! The chart: for every case a bar as long as our time over onnxruntime's, on a scale of powers of two.
//!
//! Written by hand as SVG, so that it is small, sharp and readable on light and dark pages alike.

use super::table::number;
use super::{Report, Row};
use crate::case::Place;
use std::fmt::Write;

const LABELS: f64 = 190.0;
const WIDTH: f64 = 760.0;
const RIGHT: f64 = 60.0;
const LINE: f64 = 22.0;
const TITLE: f64 = 46.0;

/// The ends of the scale, as powers of two.
const SCALE: (i32, i32) = (-5, 5);

/// Bars for one place with one thread.
pub fn chart(report: &Report, place: Place) -> Option<String> {
    let bars = |row: &Row| Some((row.case, row.engines.get(1)?.ratios.as_ref()?.wall.median, row.goal));
    let rows: Vec<_> =
        report.rows.iter().filter(|row| row.place == place && row.threads == 1).filter_map(bars).collect();
    if rows.is_empty() {
        return None;
    }
    let (title, peer) = match place {
        Place::Native => ("Native, one thread", "onnxruntime"),
        Place::Web => ("In Chromium, one thread", "onnxruntime-web"),
        Place::Gpu => ("On the GPU, in Chromium", "onnxruntime-web"),
    };
    let height = TITLE + rows.len() as f64 * LINE + 30.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title>{title}: our time over {peer}'s</title>\n\
         <style>text {{ fill: #808080 }} .grid {{ stroke: #8884 }} .one {{ stroke: #888 }} .goal {{ stroke: #d90 }} \
         .ahead {{ fill: #2a8c5a }} .behind {{ fill: #b8574a }}</style>\n\
         <text x=\"0\" y=\"16\" font-size=\"14\">{title}: our time over {peer}'s; shorter is faster, the mark is \
         the goal</text>\n"
    );
    let bottom = TITLE + rows.len() as f64 * LINE;
    for power in (SCALE.0..=SCALE.1).filter(|p| p % 2 != 0 || *p == 0) {
        let x = at(2f64.powi(power));
        let (class, label) = match power {
            0 => ("one", "equal".to_string()),
            p if p < 0 => ("grid", format!("1/{}", 1 << -p)),
            p => ("grid", format!("{}×", 1 << p)),
        };
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TITLE}\" y2=\"{bottom}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 16.0
        );
    }
    for (i, (case, ratio, goal)) in rows.into_iter().enumerate() {
        let y = TITLE + i as f64 * LINE;
        let class = if ratio <= 1.0 { "ahead" } else { "behind" };
        let (start, end, mark) = (at(0.0), at(ratio), at(goal));
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{case}</text>\
             <rect class=\"{class}\" x=\"{start:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" rx=\"2\"/>\
             <line class=\"goal\" stroke-width=\"2\" x1=\"{mark:.1}\" x2=\"{mark:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LABELS - 8.0,
            y + 15.0,
            y + 4.0,
            end - start,
            y + 1.0,
            y + 21.0,
            end.max(mark) + 6.0,
            y + 15.0,
            number(ratio)
        );
    }
    out.push_str("</svg>\n");
    Some(out)
}

/// Where a ratio lies; what is off the scale lies at its end.
fn at(ratio: f64) -> f64 {
    let (low, high) = (f64::from(SCALE.0), f64::from(SCALE.1));
    let share = (ratio.log2().clamp(low, high) - low) / (high - low);
    LABELS + share * (WIDTH - LABELS - RIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_of_powers_and_ends() {
        let middle = (at(0.0) + at(f64::INFINITY)) / 2.0;
        assert_eq!((at(0.0), at(1.0)), (LABELS, middle));
        assert_eq!(at(1e9), WIDTH - RIGHT);
        assert!((at(2.0) - at(1.0) - (at(8.0) - at(4.0))).abs() < 1e-9);
    }
}
