//! Stations and servers for the measurements.

use std::sync::Arc;

use crate::support::http::Http;
use crate::support::server::Server;
use crate::support::things;

/// A quiet server: its log is no part of what is measured.
pub(crate) async fn server(config: Option<&str>) -> anyhow::Result<Server> {
    let mut server = match config {
        Some(config) => Server::prepare_with(config)?,
        None => Server::prepare()?,
    };
    server.set("TIDEWATCH__LOG__FILTER", "warn");
    server.launch().await?;
    Ok(server)
}

pub(crate) fn station(n: usize) -> String {
    format!("bench-{n:04}")
}

/// Registers `n` stations of all townships' one: enough for any load.
pub(crate) async fn register(http: &Http, n: usize) -> anyhow::Result<()> {
    let rows: Vec<String> = (0..n).map(|n| things::station_row(&station(n))).collect();
    for rows in rows.chunks(1_000) {
        things::import(http, rows).await?;
    }
    Ok(())
}

/// Registers `n` stations and gives thing and secret of each.
pub(crate) async fn devices(http: &Http, n: usize) -> anyhow::Result<Arc<Vec<(String, String)>>> {
    register(http, n).await?;
    let ids: Vec<String> = (0..n).map(station).collect();
    let secrets = things::secrets(http, &ids).await?;
    let login = |id: String| {
        let secret = secrets[&id].clone();
        (id, secret)
    };
    Ok(Arc::new(ids.into_iter().map(login).collect()))
}
