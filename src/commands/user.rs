//! `user add|passwd|list`.

use std::io::Read;

use anyhow::Context;
use hyper::Method;
use serde_json::json;

use super::with_client;
use crate::cli::UserCommand;
use crate::client::encode;

pub(crate) async fn user(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add { name, role, token, target } => {
            let body = json!({"name": name, "role": role, "token": token});
            let created = with_client(&target, async |client| {
                client.post_json("/api/v1/users", &body).await?.expect_success()?.json()
            })
            .await?;
            let secret = created[if token { "token" } else { "password" }].as_str();
            println!("{}", secret.unwrap_or_default());
            Ok(())
        }
        UserCommand::Passwd { name, stdin, target } => {
            let body = if stdin { json!({"password": read_password()?}) } else { json!({}) };
            let path = format!("/api/v1/users/{}/password", encode(&name));
            let changed = with_client(&target, async |client| {
                let body = body.to_string().into();
                client
                    .request(Method::PUT, &path, "application/json", body)
                    .await?
                    .expect_success()?
                    .json()
            })
            .await?;
            match changed["password"].as_str() {
                Some(made_up) => println!("{made_up}"),
                None => println!("changed"),
            }
            Ok(())
        }
        UserCommand::List { target } => {
            let users = with_client(&target, async |client| {
                client.get("/api/v1/users").await?.expect_success()?.json()
            })
            .await?;
            for user in users["items"].as_array().into_iter().flatten() {
                println!(
                    "{}\t{}\t{}",
                    user["name"].as_str().unwrap_or_default(),
                    user["role"].as_str().unwrap_or_default(),
                    user["created"].as_str().unwrap_or_default(),
                );
            }
            Ok(())
        }
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("read standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
