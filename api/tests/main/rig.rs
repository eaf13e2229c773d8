//! A whole API on a data directory of its own, called without a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::alerts::Class;
use analytics::alerts::outward::WebhookRule;
use analytics::flood_typhoon::FloodModel;
use analytics::township_safety::SafetyModel;
use analytics::world::{Facts, MustMonitor, TownshipFacts};
use analytics::{Models, Runner, RunnerOptions};
use api::webhook::{GuardRules, Receiver, ReceiverOptions, Sender};
use api::{ApiOptions, AppParts, AppState, County, DisconnectThing};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use ingest::{Pipeline, PipelineOptions, PipelineTask};
use model::{
    Catalogue, Clock, Level, LocalizedName, ObservedProperty, Origin, PropertyId, Time, Township,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{Role, Store, StoreOptions, User};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub(crate) const SHIPU: &str = "330225101";
pub(crate) const XIZHOU: &str = "330225102";
pub(crate) const START: &str = "2026-07-25T08:00:00+08:00";

pub(crate) fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) state: AppState,
    pub(crate) store: Store,
    pub(crate) pipeline: Pipeline,
    pub(crate) pipeline_task: PipelineTask,
    pub(crate) clock: Clock,
    pub(crate) runner: Runner,
    pub(crate) shutdown: CancellationToken,
    pub(crate) disconnected: Arc<Mutex<Vec<String>>>,
    pub(crate) _directory: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and code of a problem document.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        let content_type = self.header(header::CONTENT_TYPE);
        assert_eq!(content_type, "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        (self.status.as_u16(), problem["code"].as_str().unwrap().to_owned())
    }
}

fn property(id: &'static str, spec: Value) -> ObservedProperty {
    ObservedProperty {
        id: PropertyId::from_static(id),
        spec: serde_json::from_value(spec).unwrap(),
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let name = json!({ "zh": "量", "en": "Quantity" });
    Catalogue::new(vec![
        property(
            "wind_speed",
            json!({
                "name": name, "unit": "m/s", "kinds": ["hydromet_station"], "period": "10min",
                "quality": { "gross_range": { "min": 0.0, "max": 75.0 } }, "mark": "K",
            }),
        ),
        property(
            "tide_level",
            json!({
                "name": name, "unit": "m", "kinds": ["hydromet_station"], "period": "5min",
                "limits": { "per_thing": true }, "datum": true, "persistence": "P0",
                "life_safety": "red", "mark": "K",
            }),
        ),
        property(
            "occupancy",
            json!({ "name": name, "unit": "{person}", "kinds": ["shelter"], "mark": "A" }),
        ),
        property(
            "freeboard",
            json!({
                "name": name, "unit": "m", "kinds": ["hydromet_station"], "computed": true,
                "mark": "A",
            }),
        ),
    ])
    .unwrap()
}

fn township(code: &str, name: &str) -> Township {
    let seat = json!({ "longitude": 121.95, "latitude": 29.21 });
    serde_json::from_value(json!({
        "code": code, "name": { "zh": name, "en": name }, "seat": seat,
        "coastal": true, "villages": null,
    }))
    .unwrap()
}

pub(crate) fn county() -> County {
    let outlines = json!({ "type": "FeatureCollection", "features": [{
        "type": "Feature", "id": SHIPU, "properties": null,
        "geometry": { "type": "Polygon", "coordinates":
            [[[121.8, 29.1], [122.0, 29.1], [122.0, 29.3], [121.8, 29.3], [121.8, 29.1]]] },
    }] });
    let name = |text: &str| LocalizedName { zh: text.to_owned(), en: text.to_owned() };
    let townships = vec![township(SHIPU, "石浦镇"), township(XIZHOU, "西周镇")];
    County::new(
        "330225".to_owned(),
        name("象山县"),
        name("平台"),
        name("局"),
        townships,
        &outlines.to_string(),
    )
    .unwrap()
}

/// Of the shipped models, on a county of two townships with all groups.
fn facts() -> Facts {
    let townships = county().townships.into_iter().map(|township| TownshipFacts {
        township,
        population: None,
        groups: ["wind", "tide"].map(str::to_owned).to_vec(),
        reporting_from: None,
    });
    Facts {
        townships: townships.collect(),
        havens: Vec::new(),
        must_monitor: MustMonitor::default(),
    }
}

fn models() -> Models {
    let flood = include_str!("../../../config/models/flood-typhoon.toml");
    let safety = include_str!("../../../config/models/township-safety.toml");
    Models {
        flood: FloodModel::from_toml(flood).unwrap(),
        safety: SafetyModel::from_toml(safety).unwrap(),
    }
}

/// One receiver, at a door that nobody opens.
fn webhooks(store: &Store, clock: &Clock) -> Sender {
    let receiver = Receiver::new(ReceiverOptions {
        rule: WebhookRule {
            name: "duty".to_owned(),
            level_min: Level::Orange,
            classes: vec![Class::Life],
            exercise: false,
        },
        url: "http://127.0.0.1:1/send?key=hush".to_owned(),
        secret: b"0123456789abcdef".to_vec(),
        guard: GuardRules { allow_private: false, allow_loopback: true },
        ca_pem: None,
    })
    .unwrap();
    Sender::new(store.clone(), clock.clone(), vec![receiver], "http://t.local".to_owned())
}

impl Rig {
    pub(crate) async fn new() -> Rig {
        Rig::with(ApiOptions::default()).await
    }

    pub(crate) async fn with(options: ApiOptions) -> Rig {
        Rig::in_directory(options, tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn in_directory(options: ApiOptions, directory: TempDir) -> Rig {
        let clock = Clock::manual(time(START));
        let (store, _) = Store::open(StoreOptions {
            directory: directory.path().to_owned(),
            origin: Some(Origin::Real),
            clock: clock.clone(),
            n_readers: 2,
            datastreams_per_thing_max: 64,
        })
        .unwrap();
        let catalogue = Arc::new(catalogue());
        let pipeline_options = PipelineOptions { age_max: None, ..PipelineOptions::default() };
        let (pipeline, pipeline_task) = Pipeline::start(
            pipeline_options,
            store.clone(),
            Arc::new(store.clone()),
            Arc::clone(&catalogue),
            clock.clone(),
        );
        let runner = Runner::open(
            store.clone(),
            clock.clone(),
            Arc::new(facts()),
            Arc::clone(&catalogue),
            Arc::new(models()),
            RunnerOptions::silent(Origin::Real),
        )
        .await
        .unwrap();
        let disconnected = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&disconnected);
        let disconnect_thing: DisconnectThing =
            Arc::new(move |thing| list.lock().unwrap().push(thing.to_string()));
        let shutdown = CancellationToken::new();
        let (state, _task) = AppState::start(AppParts {
            store: store.clone(),
            pipeline: pipeline.clone(),
            catalogue,
            county: county(),
            runner: runner.clone(),
            webhooks: webhooks(&store, &clock),
            clock: clock.clone(),
            options,
            prometheus: None,
            readiness: Vec::new(),
            disconnect_thing: Some(disconnect_thing),
            shutdown: shutdown.clone(),
        })
        .await
        .unwrap();
        Rig {
            router: api::router(state.clone()),
            state,
            store,
            pipeline,
            pipeline_task,
            clock,
            runner,
            shutdown,
            disconnected,
            _directory: directory,
        }
    }

    pub(crate) fn pass(&self, duration: Duration) {
        self.clock.set(self.clock.real() + duration);
    }

    /// Evaluates everything at so many minutes after the start, and sets the
    /// clock to it.
    pub(crate) async fn tick(&self, minute: u64) {
        let at = time(START) + Duration::from_secs(minute * 60);
        self.clock.set(at);
        self.runner.step_to(at).await.unwrap();
    }

    /// Sends a reading of hm-001 with the time of the clock.
    pub(crate) async fn measure(&self, token: &str, property: &str, value: f64) {
        let body = json!({ "time": self.clock.scene().to_string(), "values": { property: value } });
        let answer = self.post(token, "/api/v1/observations?thing=hm-001", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(call(Method::GET, path, token, None)).await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(call(Method::PUT, path, token, Some(body))).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(call(Method::POST, path, token, Some(body))).await
    }

    /// An account with a token, which it gives.
    pub(crate) async fn token(&self, name: &str, role: Role) -> String {
        let token = format!("token-of-{name}");
        let (registry, now) = (self.store.registry(), self.clock.real());
        let user = User {
            name: name.to_owned(),
            role,
            password_hash: None,
            created: now,
            disabled: false,
        };
        registry.put_user(user).await.unwrap();
        let hash = Sha256::digest(token.as_bytes()).into();
        registry.put_token(name, hash, now).await.unwrap();
        token
    }

    pub(crate) async fn admin(&self) -> String {
        self.token("root", Role::Administrator).await
    }

    /// Registers a station with wind and tide.
    pub(crate) async fn station(&self, token: &str, id: &str) {
        let answer = self.post(token, "/api/v1/things", station(id)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

pub(crate) fn station(id: &str) -> Value {
    json!({
        "id": id, "kind": "hydromet_station",
        "name": { "zh": format!("站 {id}"), "en": format!("Station {id}") },
        "township": SHIPU, "position": [121.95, 29.21], "state": "in_service",
        "datastreams": [
            { "property": "wind_speed" },
            { "property": "tide_level", "datum": "1985国家高程基准",
              "levels": { "blue": 2.0, "yellow": 2.5, "orange": 3.0, "red": 3.5 } },
        ],
    })
}

/// A request with a token (empty: anonymous) and a JSON body.
pub(crate) fn call(method: Method, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "t.local");
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}
