//! Three alarms from a device's reading to everybody who has to hear of it:
//! the event stream, the list of alerts, a receiver of webhooks, and the page
//! (`web/e2e/alarms.mjs`). Each is told once, and says what docs/indices.md
//! section 5 asks for:
//!
//! * gas at an enterprise is about lives: at the first sample, unconfirmed,
//!   and confirmed by the second;
//! * an SOS that comes 20 minutes late raises all the same, with both times;
//! * a water level above red lasts two whole minutes, then it is a confirmed
//!   alarm; the township's level that stands on this gauge alone is unverified.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::e2e::browser;
use crate::support::events::{Event, Events};
use crate::support::http::Http;
use crate::support::receiver::{Message, Receiver};
use crate::support::server::Server;
use crate::support::{now, things, wait_for};

const MINUTE_MS: i64 = 60_000;
const TOWNSHIP: &str = "330225101";
const SECRET: &str = "hook.secret";

const GAS: &str = "en-9/combustible_gas_concentration";
const SOS: &str = "fv-9/sos_alarm:sos";
const GAUGE: &str = "tg-9/water_level";

/// On every way, on a busy machine. The receiver comes last.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Two whole minutes of the clock, and the time to notice.
const LASTING: Duration = Duration::from_secs(150);

const STREAM_LIMIT: Duration = Duration::from_secs(600);

/// A gas detector reports each minute; this one a little more often.
const GAS_PERIOD: Duration = Duration::from_secs(20);

/// Everything that a client of the stream was told about alerts.
struct Told {
    events: Arc<Mutex<Vec<Event>>>,
    task: JoinHandle<()>,
}

impl Told {
    async fn listen(http: &Http) -> anyhow::Result<Told> {
        let mut stream = Events::open(http, "?topics=alerts", None).await?;
        let first = stream.next(AT_ONCE).await?.context("a first event")?;
        ensure!(first.data["alerts"] == json!([]), "alerts before the first reading: {first:?}");
        let events = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&events);
        let task = tokio::spawn(async move {
            while let Ok(Some(event)) = stream.next(STREAM_LIMIT).await {
                all.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }
        });
        Ok(Told { events, task })
    }

    /// The alerts of a datastream as they were told, in order.
    fn of(&self, datastream: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let alerts = events.iter().filter(|event| event.name == "alert");
        let alerts = alerts.filter(|event| event.data["datastream"] == datastream);
        alerts.map(|event| event.data.clone()).collect()
    }

    async fn wait_for(
        &self,
        datastream: &str,
        transition: &str,
        limit: Duration,
    ) -> anyhow::Result<Value> {
        wait_for(&format!("{datastream} {transition}"), limit, async || {
            let told = self.of(datastream);
            Ok(told.into_iter().find(|alert| alert["transition"] == transition))
        })
        .await
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the three alarms are looked for.
struct Ways {
    http: Http,
    told: Told,
    receiver: Receiver,
}

impl Ways {
    /// The messages about a datastream: each is of one alert.
    fn messages(&self, datastream: &str) -> Vec<Message> {
        let is_about = |message: &Message| {
            let alerts = message.body["alerts"].as_array().map_or(&[][..], Vec::as_slice);
            alerts.iter().any(|alert| alert["labels"]["datastream"] == datastream)
        };
        self.receiver.taken().into_iter().filter(is_about).collect()
    }

    /// The alert of that transition, the same on the stream and in the list,
    /// and the message about it.
    async fn find(
        &self,
        datastream: &str,
        transition: &str,
        limit: Duration,
    ) -> anyhow::Result<(Value, Value)> {
        let alert = self.told.wait_for(datastream, transition, limit).await?;
        let id = alert["id"].as_str().context("an id")?;
        let listed = self.http.get_json(&format!("/api/v1/alerts/{id}")).await?;
        let history = listed["history"].as_array().context("a history")?;
        let same = history.iter().find(|before| before["sequence"] == alert["sequence"]);
        assert_eq!(same, Some(&alert), "the list's and the stream's");
        let what = format!("the message that {datastream} is {transition}");
        let message = wait_for(&what, AT_ONCE, async || {
            let messages = self.messages(datastream).into_iter();
            let mut alerts = messages.map(|message| message.body["alerts"][0].clone());
            Ok(alerts.find(|alert| alert["annotations"]["transition"] == transition))
        });
        Ok((alert, message.await?))
    }

    /// Whatever was told of a datastream on each way, and nothing twice.
    async fn check_once(
        &self,
        datastream: &str,
        told: &[&str],
        sent: &[&str],
    ) -> anyhow::Result<Value> {
        let alerts = self.told.of(datastream);
        assert_eq!(transitions(alerts.iter()), told, "{datastream} on the stream");
        let listed = self.http.get_all("/api/v1/alerts").await?;
        let mut listed = listed.into_iter().filter(|alert| alert["datastream"] == datastream);
        let (Some(alert), None) = (listed.next(), listed.next()) else {
            bail!("{datastream} is not listed once");
        };
        assert_eq!(Some(&alert), alerts.last(), "as it was told last");
        let messages = self.messages(datastream);
        let annotations = messages.iter().map(|message| &message.body["alerts"][0]["annotations"]);
        assert_eq!(transitions(annotations), sent, "{datastream} at the receiver");
        for message in &messages {
            assert_eq!(message.body["alerts"].as_array().map(Vec::len), Some(1));
            ensure!(message.signature.starts_with("sha256="), "{message:?}");
        }
        let mut keys: Vec<&str> = messages.iter().map(|message| message.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), sent.len(), "a key for each message of {datastream}");
        Ok(alert)
    }
}

fn transitions<'a>(alerts: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    alerts.map(|alert| alert["transition"].as_str().unwrap_or_default()).collect()
}

async fn post(http: &Http, thing: &str, at: i64, property: &str, value: f64) -> anyhow::Result<()> {
    let body = json!({"time": at, "values": {property: value}}).to_string();
    let path = format!("/api/v1/observations?thing={thing}");
    let answer = http.send(Method::POST, &path, "application/json", body).await?;
    let answer = answer.expect(201)?.json()?;
    ensure!(answer["quarantined"] == 0, "{answer}");
    Ok(())
}

async fn post_gas(http: &Http) -> anyhow::Result<()> {
    post(http, "en-9", now().millis(), "combustible_gas_concentration", 60.0).await
}

/// Each of these fields is this.
#[track_caller]
fn check_fields(found: &Value, expected: &Value) {
    for (key, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&found[key], value, "{key} of {found}");
    }
}

async fn start() -> anyhow::Result<(Server, Ways)> {
    let receiver = Receiver::start().await?;
    let mut server = Server::prepare_with(&receiver.settings("duty", SECRET))?;
    std::fs::write(server.path(SECRET), "a secret of more than 16 bytes")?;
    server.launch().await?;
    let http = server.administrator().await?;
    let place = |longitude: &str| format!("{TOWNSHIP},{longitude},29.21,in_service");
    let levels = "water_level=2.0/2.5/3.0/4.0,local,,";
    let rows = [
        format!(
            "en-9,enterprise,石浦冷库,Cold store,{},combustible_gas_concentration,,,,",
            place("121.93")
        ),
        format!("fv-9,fishing_vessel,浙象渔09,Zhexiangyu 09,{},sos_alarm:sos,,,,", place("121.98")),
        format!(
            "tg-9,hydromet_station,石浦水位站,Shipu gauge,{},water_level,{levels}",
            place("121.94")
        ),
        format!(
            "tg-8,hydromet_station,鹤浦水位站,Hepu gauge,330225103,121.92,29.16,in_service,\
             water_level,{levels}"
        ),
    ];
    things::import(&http, &rows).await?;
    let told = Told::listen(&http).await?;
    Ok((server, Ways { http, told, receiver }))
}

/// About lives: nobody waits for a second sample to be told.
async fn check_gas(ways: &Ways) -> anyhow::Result<()> {
    post_gas(&ways.http).await?;
    let (alert, message) = ways.find(GAS, "raised", AT_ONCE).await?;
    check_fields(
        &alert,
        &json!({"class": "life", "phase": "firing", "level": "red", "confirmed_level": "none",
            "property": "combustible_gas_concentration", "thing": "en-9", "township": TOWNSHIP,
            "value": 60.0, "limit": 50.0, "unit": "%{LEL}", "is_late": false}),
    );
    check_fields(
        &message["labels"],
        &json!({"alertname": "combustible_gas_concentration_high", "class": "life",
            "severity": "red", "origin": "real"}),
    );
    check_fields(
        &message["annotations"],
        &json!({"summary": "【红色】石浦镇 石浦冷库 可燃气体 60 %{LEL}(限值 50 %{LEL}):报警【未证实】"}),
    );
    post_gas(&ways.http).await?;
    let (alert, message) = ways.find(GAS, "confirmed", AT_ONCE).await?;
    check_fields(&alert, &json!({"level": "red", "confirmed_level": "red"}));
    check_fields(
        &message["annotations"],
        &json!({"summary": "【红色】石浦镇 石浦冷库 可燃气体 60 %{LEL}(限值 50 %{LEL}):报警已证实"}),
    );
    Ok(())
}

async fn check_sos(ways: &Ways) -> anyhow::Result<()> {
    let measured = now().millis() - 20 * MINUTE_MS;
    post(&ways.http, "fv-9", measured, "sos_alarm:sos", 1.0).await?;
    let (alert, message) = ways.find(SOS, "raised", AT_ONCE).await?;
    check_fields(
        &alert,
        &json!({"class": "life", "phase": "firing", "level": "red", "confirmed_level": "red",
            "property": "sos_alarm", "thing": "fv-9", "township": TOWNSHIP, "is_late": true,
            "needs_person": false}),
    );
    let time = |key: &str| {
        let text = alert[key].as_str().with_context(|| format!("{key} of {alert}"))?;
        Ok::<_, anyhow::Error>(model::Time::parse(text)?.millis())
    };
    assert_eq!(time("phenomenon_time")?, measured);
    let delay_ms = time("received")? - measured;
    ensure!((20 * MINUTE_MS..21 * MINUTE_MS).contains(&delay_ms), "received after {delay_ms} ms");
    check_fields(&message["labels"], &json!({"class": "life", "severity": "red"}));
    check_fields(
        &message["annotations"],
        &json!({"late": "迟到", "phenomenon_time": alert["phenomenon_time"],
            "received": alert["received"],
            "summary": "【红色】石浦镇 浙象渔09 求救 · 落水 1(限值 1):报警【迟到】"}),
    );
    Ok(())
}

async fn check_gauge(ways: &Ways) -> anyhow::Result<()> {
    let (alert, message) = ways.find(GAUGE, "raised", LASTING).await?;
    check_fields(
        &alert,
        &json!({"class": "hazard", "phase": "firing", "level": "red", "confirmed_level": "red",
            "property": "water_level", "thing": "tg-9", "township": TOWNSHIP, "value": 4.2,
            "limit": 4.0, "unit": "m", "is_late": false}),
    );
    check_fields(
        &message["labels"],
        &json!({"alertname": "water_level_high", "class": "hazard", "severity": "red"}),
    );
    check_fields(
        &message["annotations"],
        &json!({"summary": "【红色】石浦镇 石浦水位站 河道水位 4.2 m(限值 4 m):报警"}),
    );
    let scores = ways.http.get_json("/api/v1/indices/flood-typhoon/scores").await?;
    let items = scores["items"].as_array().context("scores")?;
    let score = items.iter().find(|item| item["township"] == TOWNSHIP).context("the township's")?;
    check_fields(score, &json!({"hazard_level": "red", "unverified": "tg-9"}));
    Ok(())
}

/// What the page has to show of each.
fn expected_on_page(gas: &Value, sos: &Value, gauge: &Value) -> Value {
    json!({
        "township": TOWNSHIP,
        "alerts": [
            {"id": gas["id"], "class": "life", "level": "red", "marks": [],
                "words": ["可燃气体", "石浦冷库", "60 %LEL", "50 %LEL"]},
            {"id": sos["id"], "class": "life", "level": "red", "marks": ["late"],
                "words": ["求救", "浙象渔09", "迟到", "测于"]},
            {"id": gauge["id"], "class": "hazard", "level": "red", "marks": [],
                "words": ["河道水位", "石浦水位站", "4.2 m", "4 m"]},
        ],
    })
}

#[tokio::test]
async fn three_alarms_are_told_once_on_every_way() -> anyhow::Result<()> {
    let (server, ways) = start().await?;
    let at = now().millis();
    post(&ways.http, "tg-8", at, "water_level", 0.8).await?;
    post(&ways.http, "tg-9", at, "water_level", 4.2).await?;
    check_sos(&ways).await?;
    check_gas(&ways).await?;
    // More of the same is no news.
    let http = ways.http.clone();
    let detector = tokio::spawn(async move {
        loop {
            sleep(GAS_PERIOD).await;
            if post_gas(&http).await.is_err() {
                return;
            }
        }
    });
    check_gauge(&ways).await?;

    let gas = ways.check_once(GAS, &["raised", "confirmed"], &["raised", "confirmed"]).await?;
    let sos = ways.check_once(SOS, &["raised"], &["raised"]).await?;
    let gauge = ways.check_once(GAUGE, &["pending", "raised"], &["raised"]).await?;
    assert_eq!(ways.http.get_all("/api/v1/alerts").await?.len(), 3, "and no others");
    assert_eq!(ways.receiver.taken().len(), 4, "and no others");
    let mut script = browser::script(&server, &["--alarms"]).await?;
    script.env("EXPECTED", expected_on_page(&gas, &sos, &gauge).to_string());
    let shown = browser::run(script).await;
    detector.abort();
    shown
}
