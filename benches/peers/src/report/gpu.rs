//! The table of the GPU: there it counts how often the GPU is called, too.

use super::table::{number, spread};
use super::{Entry, Report, Row};
use crate::case::{DISPATCHES_GOAL, Place};
use std::fmt::Write;

/// The table, where anything ran on a GPU.
pub fn write(report: &Report, out: &mut String) {
    let rows: Vec<&Row> = report.rows.iter().filter(|row| row.place == Place::Gpu).collect();
    if rows.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "\n### On the GPU, in Chromium\n\n\
         | Case | Engine | Run, ms (p25–p75) | First run, ms | Cold start, ms | Dispatches | Submits | Uploads \
         | Downloads | Our run / theirs (p25–p75), goal | Our cold start / theirs, goal \
         | Our dispatches / theirs, goal |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        for (i, entry) in row.engines.iter().enumerate() {
            let case = if i == 0 { row.case } else { "" };
            let _ = writeln!(out, "| {case} | {} | {}", entry.engine, cells(row, entry, i));
        }
    }
}

fn cells(row: &Row, entry: &Entry, at: usize) -> String {
    let Some(figures) = &entry.figures else {
        let error = entry.error.as_deref().unwrap_or("not measured");
        let line = error.lines().next().unwrap_or_default().replace('|', "/");
        return format!("{} | | | | | | | | | |", line.chars().take(80).collect::<String>());
    };
    let calls = figures.calls.map_or("| | |".to_string(), |calls| {
        format!("{} | {} | {} | {}", calls.dispatches, calls.submits, calls.uploads, calls.downloads)
    });
    let own = format!(
        "{} | {} | {} | {calls}",
        spread(&figures.wall_ms),
        number(figures.first_ms.median),
        number(figures.cold_ms.median)
    );
    match (at, &entry.ratios) {
        (1.., Some(r)) => format!(
            "{own} | **{}** ({}–{}), goal {} | {}, goal {} | {}, goal {} |",
            number(r.wall.median),
            number(r.wall.p25),
            number(r.wall.p75),
            number(row.goal),
            number(r.cold.median),
            number(row.cold_goal),
            r.dispatches.map_or(String::new(), number),
            number(DISPATCHES_GOAL)
        ),
        _ => format!("{own} | | | |"),
    }
}
