//! `quarantine list|show|redrive`.

use anyhow::bail;
use serde_json::{Value, json};

use super::with_client;
use crate::cli::QuarantineCommand;
use crate::client::{Client, encode};

pub(crate) async fn quarantine(command: QuarantineCommand) -> anyhow::Result<()> {
    match command {
        QuarantineCommand::List { reason, thing, limit, target } => {
            let thing = thing.map(String::from);
            with_client(&target, async |client| {
                for entry in entries(client, reason.as_deref(), thing.as_deref(), limit).await? {
                    println!("{entry}");
                }
                Ok(())
            })
            .await
        }
        QuarantineCommand::Show { id, target } => {
            let path = format!("/api/v1/quarantine/{id}");
            let entry = with_client(&target, async |client| {
                client.get(&path).await?.expect_success()?.json()
            })
            .await?;
            println!("{}", serde_json::to_string_pretty(&entry)?);
            Ok(())
        }
        QuarantineCommand::Redrive { ids, reason, thing, target } => {
            let thing = thing.map(String::from);
            with_client(&target, async |client| {
                let ids = match ids.as_slice() {
                    [] => open_ids(client, reason.as_deref(), thing.as_deref()).await?,
                    ids => ids.to_vec(),
                };
                redrive(client, &ids).await
            })
            .await
        }
    }
}

/// At most `limit` entries, page by page.
async fn entries(
    client: &Client,
    reason: Option<&str>,
    thing: Option<&str>,
    limit: usize,
) -> anyhow::Result<Vec<Value>> {
    let mut filter = String::new();
    for (key, value) in [("reason", reason), ("thing", thing)] {
        if let Some(value) = value {
            filter.push_str(&format!("&{key}={}", encode(value)));
        }
    }
    let mut found: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    while found.len() < limit {
        let page = (limit - found.len()).min(1000);
        let path = format!("/api/v1/quarantine?limit={page}{filter}{cursor}");
        let mut answer = client.get(&path).await?.expect_success()?.json()?;
        let Value::Array(items) = answer["items"].take() else { break };
        found.extend(items);
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encode(next)),
            None => break,
        }
    }
    Ok(found)
}

/// What was not re-driven yet, oldest first: values keep their order.
async fn open_ids(
    client: &Client,
    reason: Option<&str>,
    thing: Option<&str>,
) -> anyhow::Result<Vec<u64>> {
    let entries = entries(client, reason, thing, usize::MAX).await?;
    let open = entries.iter().filter(|entry| entry["redriven"].is_null());
    let mut ids: Vec<u64> = open.filter_map(|entry| entry["id"].as_u64()).collect();
    ids.reverse();
    Ok(ids)
}

async fn redrive(client: &Client, ids: &[u64]) -> anyhow::Result<()> {
    let (mut n_accepted, mut n_quarantined, mut n_failed) = (0, 0, 0);
    for id in ids {
        let path = format!("/api/v1/quarantine/{id}/redrive");
        let answer = client.post_json(&path, &json!({})).await?;
        match answer.expect_success().and_then(|answer| answer.json()) {
            Ok(receipt) => {
                n_accepted += receipt["accepted"].as_u64().unwrap_or(0);
                n_quarantined += receipt["quarantined"].as_u64().unwrap_or(0);
                for problem in receipt["problems"].as_array().into_iter().flatten() {
                    let detail = problem["detail"].as_str().unwrap_or("");
                    eprintln!("entry {id}: {detail}");
                }
            }
            Err(error) => {
                n_failed += 1;
                eprintln!("entry {id}: {error}");
            }
        }
    }
    println!(
        "{} re-driven: {n_accepted} readings accepted, {n_quarantined} set aside again, {n_failed} failed",
        ids.len()
    );
    if n_failed > 0 { bail!("{n_failed} entries could not be re-driven") } else { Ok(()) }
}
