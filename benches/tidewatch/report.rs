//! What was measured: a table for people, a JSON file for machines.

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::support::now;

/// One figure. `goal` is what it should reach, `floor` what it must.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: String,
    pub(crate) is_met: Option<bool>,
}

impl Row {
    /// A figure beside which nothing is demanded.
    pub(crate) fn plain(name: &'static str, what: &str, value: f64, unit: &'static str) -> Row {
        Row { name, what: what.to_owned(), value, unit, goal: String::new(), is_met: None }
    }

    /// A figure that should not be above `limit`.
    pub(crate) fn at_most(self, limit: f64, goal: String) -> Row {
        Row { is_met: Some(self.value <= limit), goal, ..self }
    }

    /// A figure that should not be below `limit`.
    pub(crate) fn at_least(self, limit: f64, goal: String) -> Row {
        Row { is_met: Some(self.value >= limit), goal, ..self }
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new() -> Report {
        Report { rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    pub(crate) fn print_and_write(&self) -> anyhow::Result<()> {
        let mut table = format!(
            "\n{:<11} {:<58} {:>12} {:<10} {:<34} {}\n",
            "name", "what", "value", "unit", "figure to reach", "met"
        );
        for row in &self.rows {
            let met = match row.is_met {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            let value = shown(row.value);
            table.push_str(&format!(
                "{:<11} {:<58} {value:>12} {:<10} {:<34} {met}\n",
                row.name, row.what, row.unit, row.goal
            ));
        }
        // The table is the command's result.
        use std::io::Write;
        std::io::stdout().write_all(table.as_bytes()).context("print the table")?;

        let rows: Vec<serde_json::Value> = self.rows.iter().map(row_json).collect();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let report = json!({"time": now(), "cores": cores, "rows": rows});
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench.json");
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }
}

fn row_json(row: &Row) -> serde_json::Value {
    json!({
        "name": row.name, "what": row.what, "value": row.value, "unit": row.unit,
        "goal": row.goal, "met": row.is_met,
    })
}

fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
