//! The table, in Markdown.

use super::{Entry, Report, Row, gpu};
use crate::case::Place;
use crate::stats::Spread;
use std::fmt::Write;

/// One table for each place.
pub fn table(report: &Report) -> String {
    let machine = &report.machine;
    let mut out = format!(
        "Measured on {} ({} processors, {}), {} rounds of {} s each; {}.\n",
        machine.processor,
        machine.processors,
        machine.system,
        machine.rounds,
        machine.seconds,
        machine.engines.join(", ")
    );
    for (place, title) in [(Place::Native, "Native"), (Place::Web, "In Chromium")] {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.place == place).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n### {title}\n\n\
             | Case | Threads | Engine | Run, ms (p25–p75) | On CPU, ms | Cold start, ms | Peak memory, MB \
             | Our run / theirs (p25–p75), goal | On CPU | Our cold start / theirs, goal | Memory |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        rows.iter().for_each(|row| row.write(&mut out));
    }
    gpu::write(report, &mut out);
    out
}

impl Row {
    fn write(&self, out: &mut String) {
        for (i, entry) in self.engines.iter().enumerate() {
            let (case, threads) =
                if i == 0 { (self.case, self.threads.to_string()) } else { ("", String::new()) };
            let _ = writeln!(out, "| {case} | {threads} | {} | {}", entry.engine, self.cells(entry, i));
        }
    }

    fn cells(&self, entry: &Entry, at: usize) -> String {
        let Some(figures) = &entry.figures else {
            let error = entry.error.as_deref().unwrap_or("not measured");
            let line = error.lines().next().unwrap_or_default().replace('|', "/");
            return format!("{} | | | | | | | |", line.chars().take(80).collect::<String>());
        };
        let peak = figures.peak_bytes.map_or(String::new(), |b| format!("{:.1}", b as f64 / 1e6));
        let own = format!(
            "{} | {} | {} | {peak}",
            spread(&figures.wall_ms),
            number(figures.cpu_ms.median),
            number(figures.cold_ms.median)
        );
        // The goals are about onnxruntime, which is the first of the peers.
        let (wall_goal, cold_goal) = match at {
            1 => (format!(", goal {}", number(self.goal)), format!(", goal {}", number(self.cold_goal))),
            _ => Default::default(),
        };
        match (at, &entry.ratios) {
            (1.., Some(r)) => format!(
                "{own} | **{}** ({}–{}){wall_goal} | {} | {}{cold_goal} | {} |",
                number(r.wall.median),
                number(r.wall.p25),
                number(r.wall.p75),
                number(r.cpu.median),
                number(r.cold.median),
                r.peak.map_or(String::new(), number)
            ),
            _ => format!("{own} | | | | |"),
        }
    }
}

pub(super) fn spread(s: &Spread) -> String {
    format!("{} ({}–{})", number(s.median), number(s.p25), number(s.p75))
}

/// Three digits that count.
pub(super) fn number(x: f64) -> String {
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.1234, 1.234, 12.34, 123.4].map(number), ["0.12", "1.23", "12.3", "123"]);
    }
}
