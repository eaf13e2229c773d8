//! `webhook test`: do alerts reach the outside?

use anyhow::bail;
use serde_json::json;

use super::with_client;
use crate::cli::WebhookCommand;
use crate::client::encode;

pub(crate) async fn webhook(command: WebhookCommand) -> anyhow::Result<()> {
    let WebhookCommand::Test { name, target } = command;
    let path = format!("/api/v1/webhooks/{}/test", encode(&name));
    let found = with_client(&target, async |client| {
        client.post_json(&path, &json!({})).await?.expect_success()?.json()
    })
    .await?;
    let took_ms = found["took_ms"].as_u64().unwrap_or_default();
    match (found["status"].as_u64(), found["error"].as_str()) {
        (Some(status), _) if found["delivered"] == true => {
            println!("{name}: delivered, status {status}, {took_ms} ms");
            Ok(())
        }
        (Some(status), _) => bail!("{name} answered with status {status}: not delivered"),
        (None, error) => bail!("{name} was not reached: {}", error.unwrap_or("no reason given")),
    }
}
