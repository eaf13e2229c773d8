//! Bytes written to the disk for each reading, at two rates: a commit of a
//! few readings still writes whole pages.

use std::time::Duration;

use crate::connections::Devices;
use crate::process::written_bytes;
use crate::report::Row;
use crate::{Scale, setup};

const NAME: &str = "disk";
const N_CONNECTIONS: usize = 200;

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = setup::server(None).await?;
    let http = server.administrator().await?;
    let logins = setup::devices(&http, N_CONNECTIONS).await?;
    let devices = Devices { port: server.mqtt_port, logins };
    let span = Duration::from_secs(scale.seconds * 4);
    let mut rows = Vec::new();
    for (what, every) in [
        ("bytes written a reading at 200 readings/s", Duration::from_millis(1_000)),
        ("bytes written a reading at 2,000 readings/s", Duration::from_millis(100)),
    ] {
        let before = written_bytes(server.pid()?)?;
        let acknowledged = devices.publish(span, Some(every)).await?;
        let written = written_bytes(server.pid()?)? - before;
        let n = acknowledged.latencies_ms.len() as f64;
        rows.push(Row::plain(NAME, what, written / n, "B"));
    }
    Ok(rows)
}
