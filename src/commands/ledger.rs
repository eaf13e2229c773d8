//! `ledger`: what came in and what became of it.

use anyhow::bail;
use serde_json::Value;

use super::with_client;
use crate::cli::LedgerArgs;
use crate::client::encode;

const COUNTS: [&str; 6] = ["received", "stored", "duplicate", "quarantined", "refused", "replaced"];

pub(crate) async fn ledger(args: LedgerArgs) -> anyhow::Result<()> {
    let bounds = [("start", &args.start), ("stop", &args.stop)];
    let query: Vec<String> = bounds
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", encode(value.as_deref()?))))
        .collect();
    let path = format!("/api/v1/ledger?{}", query.join("&"));
    let ledger = with_client(&args.target, async |client| {
        client.get(path.trim_end_matches('?')).await?.expect_success()?.json()
    })
    .await?;

    if args.json {
        println!("{ledger}");
    } else {
        print_table(&ledger);
    }
    if ledger["balanced"] == Value::Bool(true) {
        Ok(())
    } else {
        bail!("the ledger does not balance: received differs from the sum of the outcomes")
    }
}

fn print_table(ledger: &Value) {
    let header = COUNTS.map(|name| format!("{name:>12}")).join("");
    println!("{:<18}{:<31}{header}", "source", "hour");
    for row in ledger["items"].as_array().into_iter().flatten() {
        print_row(row["source"].as_str().unwrap_or(""), row["hour"].as_str().unwrap_or(""), row);
        if let Some(lost) = row["lost_acknowledged"].as_u64().filter(|lost| *lost > 0) {
            println!("{:<18}lost_acknowledged: {lost} commits", "");
        }
    }
    print_row("total", "", &ledger["total"]);
    let total = |key: &str| ledger["total"][key].as_u64().unwrap_or(0);
    println!(
        "{} = {} + {} + {} + {}  {}",
        total("received"),
        total("stored"),
        total("duplicate"),
        total("quarantined"),
        total("refused"),
        if ledger["balanced"] == Value::Bool(true) { "balanced" } else { "NOT BALANCED" },
    );
    for row in ledger["rejected_connections"].as_array().into_iter().flatten() {
        println!(
            "rejected connections: {} {} {} ×{}",
            row["hour"].as_str().unwrap_or(""),
            row["peer"].as_str().unwrap_or(""),
            row["reason"].as_str().unwrap_or(""),
            row["count"]
        );
    }
}

fn print_row(source: &str, hour: &str, row: &Value) {
    let counts = COUNTS.map(|name| format!("{:>12}", row[name].as_u64().unwrap_or(0))).join("");
    println!("{source:<18}{hour:<31}{counts}");
}
