//! Things for the tests: registered through the API, as an operator would.

use std::collections::HashMap;

use anyhow::{Context, bail};
use hyper::Method;
use serde_json::json;

use super::http::Http;

pub(crate) const HEADER: &str = "id,kind,name_zh,name_en,township,longitude,latitude,state,\
                                 datastreams,levels,datum,serves,raw_property";

/// A hydromet station of Shipu whose raw payloads are its wind speed.
pub(crate) fn station_row(id: &str) -> String {
    format!(
        "{id},hydromet_station,测试站{id},Test station {id},330225101,121.93,29.21,in_service,\
         wind_speed,,,,wind_speed"
    )
}

pub(crate) fn csv(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// Registers rows of the import format; all must be taken.
pub(crate) async fn import(http: &Http, rows: &[String]) -> anyhow::Result<()> {
    let answer = http.send(Method::POST, "/api/v1/things/import", "text/csv", csv(rows)).await?;
    let report = answer.expect(200).context("import things")?.json()?;
    if report["failed"] == 0 { Ok(()) } else { bail!("import things: {report}") }
}

/// Issues secrets, up to 1,000 at once.
pub(crate) async fn secrets(
    http: &Http,
    ids: &[String],
) -> anyhow::Result<HashMap<String, String>> {
    let mut secrets = HashMap::new();
    for ids in ids.chunks(1000) {
        let answer = http.post_json("/api/v1/things/credentials", &json!({"things": ids})).await?;
        let answer = answer.expect(201).context("issue secrets")?.json()?;
        for item in answer["items"].as_array().context("items")? {
            let text = |key: &str| item[key].as_str().map(str::to_owned).context("a text");
            secrets.insert(text("thing")?, text("secret")?);
        }
    }
    Ok(secrets)
}

/// Registers stations of these names and gives their secrets.
pub(crate) async fn stations(http: &Http, ids: &[&str]) -> anyhow::Result<HashMap<String, String>> {
    let rows: Vec<String> = ids.iter().map(|id| station_row(id)).collect();
    import(http, &rows).await?;
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    secrets(http, &ids).await
}
