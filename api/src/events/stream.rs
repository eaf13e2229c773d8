//! One client's stream.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use analytics::record::Feature;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::{Stream, stream};
use model::{Time, TownshipCode};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use super::log::{Body, Change, EventId, HubEvent};
use crate::clock::ClockView;
use crate::datastreams::{StreamFilter, latest_columns};
use crate::extract::ApiQuery;
use crate::identity::Caller;
use crate::paging;
use crate::policy::{Action, Decision, decide};
use crate::problem::{ApiError, Kind, Language, Message, RequestContext};
use crate::sessions;
use crate::state::AppState;
use crate::wire::{AlertView, LatestColumns, Score};

/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(3);

/// A stream's session is looked at this often; an open stream counts as use.
const SESSION_CHECK: Duration = Duration::from_secs(60);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Some of `scores`, `alerts`, `latest`, separated by commas (default:
    /// what the caller may read).
    topics: Option<String>,
    /// Only this township.
    township: Option<String>,
    /// For clients that cannot set the header `Last-Event-ID`.
    last_event_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Topics {
    scores: bool,
    alerts: bool,
    latest: bool,
}

/// The state at the beginning of a stream, or after a reset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snapshot {
    /// The latest score of each township and index.
    scores: Vec<Score>,
    /// The county's, one an index.
    county: Vec<Score>,
    /// Open alerts; absent when the topic was not asked for, as `latest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<AlertView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<LatestColumns>,
    clock: ClockView,
}

/// Changes of latest values, in columns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestChange {
    commit: u64,
    #[schema(value_type = Vec<String>)]
    datastream: Vec<Arc<str>>,
    #[schema(value_type = Vec<String>)]
    time: Vec<Time>,
    value: Vec<f64>,
    quality: Vec<u8>,
}

/// Live scores, alerts and latest values (server-sent events)
///
/// First `snapshot`, then `score` (a township's score under one index),
/// `county` (the county's), `alert` (an alert after each of its transitions,
/// none left out) and `latest` (columns of what changed, at most one a
/// second). `reset` says that events were lost to this client: a fresh
/// `snapshot` follows. Ids grow and survive a restart; with `Last-Event-ID`
/// the stream goes on where it was.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "listen_events", tag = "indices",
    params(EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event seen")),
    responses((status = 200, description = "The stream", body = String,
        content_type = "text/event-stream")))]
pub(crate) async fn listen(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    caller: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> Result<Response, ApiError> {
    let topics = topics(&state, &caller, query.topics.as_deref())?;
    let township = paging::filter("township", query.township.as_deref(), TownshipCode::parse)?;
    let permit = Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        let max = state.options.streams_max;
        ApiError::unavailable(Message::StreamsFull { max }).with_code("streams_full")
    })?;
    let last_event_id = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .or(query.last_event_id);
    let heartbeat = state.options.heartbeat;
    let client = Client {
        news: state.hub.news(),
        place: state.hub.last(),
        township,
        topics,
        language: context.language,
        session: caller.session,
        next_check: Instant::now() + SESSION_CHECK,
        begin: Some(last_event_id.map_or(Begin::Fresh, Begin::After)),
        waiting: VecDeque::new(),
        state,
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(heartbeat).text("heartbeat");
    let no_buffering =
        [(header::CACHE_CONTROL, "no-store"), (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((no_buffering, Sse::new(client.into_stream()).keep_alive(keep_alive)).into_response())
}

fn topics(state: &AppState, caller: &Caller, asked: Option<&str>) -> Result<Topics, ApiError> {
    let may_latest = decide(&caller.identity, Action::ReadAll, state.options.public_read);
    let Some(asked) = asked else {
        let latest = may_latest == Decision::Allow;
        return Ok(Topics { scores: true, alerts: true, latest });
    };
    let mut topics = Topics { scores: false, alerts: false, latest: false };
    for topic in asked.split(',') {
        match topic {
            "scores" => topics.scores = true,
            "alerts" => topics.alerts = true,
            "latest" => topics.latest = true,
            _ => return Err(ApiError::parameter("topics", "knows scores, alerts and latest")),
        }
    }
    match may_latest {
        _ if !topics.latest => Ok(topics),
        Decision::Allow => Ok(topics),
        Decision::LogIn => Err(ApiError::new(Kind::Unauthenticated, Message::LoginRequired)),
        Decision::Forbid => Err(ApiError::new(Kind::Forbidden, Message::RoleForbids)),
    }
}

/// How a stream begins.
enum Begin {
    Fresh,
    After(String),
}

struct Client {
    state: AppState,
    news: watch::Receiver<()>,
    /// Everything up to here was given to the client.
    place: EventId,
    topics: Topics,
    township: Option<TownshipCode>,
    language: Language,
    session: Option<[u8; 32]>,
    next_check: Instant,
    begin: Option<Begin>,
    /// Ready to go out; at most one group of events.
    waiting: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl Client {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        stream::unfold(self, |mut client| async move {
            let event = client.next().await?;
            Some((Ok(event), client))
        })
    }

    /// `None` ends the stream: shutdown, the session is over, or the state
    /// cannot be read (the browser comes back).
    async fn next(&mut self) -> Option<Event> {
        let shutdown = self.state.shutdown.clone();
        loop {
            if shutdown.is_cancelled() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if let Some(begin) = self.begin.take() {
                self.begin(begin).await?;
                continue;
            }
            // All are cancel-safe: none holds an item it has taken.
            tokio::select! {
                () = shutdown.cancelled() => return None,
                changed = self.news.changed() => {
                    changed.ok()?;
                    match self.state.hub.after(self.place) {
                        Some(events) => self.go_on(&events).await?,
                        None => self.reset().await?,
                    }
                }
                () = sleep_until(self.next_check) => {
                    self.next_check = Instant::now() + SESSION_CHECK;
                    if !self.is_still_welcome().await {
                        return None;
                    }
                }
            }
        }
    }

    async fn begin(&mut self, begin: Begin) -> Option<()> {
        let Begin::After(text) = begin else {
            return self.snapshot().await;
        };
        let place = text.parse::<EventId>().ok();
        match place.and_then(|place| Some((place, self.state.hub.after(place)?))) {
            Some((place, events)) => {
                self.place = place;
                // An event of its own, so that the client knows of the stream.
                self.waiting.push_back(Event::default().retry(RETRY).comment("resumed"));
                self.go_on(&events).await
            }
            None => self.reset().await,
        }
    }

    async fn reset(&mut self) -> Option<()> {
        self.waiting.push_back(Event::default().event("reset").data("{}"));
        self.snapshot().await
    }

    async fn snapshot(&mut self) -> Option<()> {
        // The place first: what comes in while the state is read is sent again
        // rather than left out.
        self.news.mark_unchanged();
        self.place = self.state.hub.last();
        let (scores, county) = self.scores();
        let alerts = self.topics.alerts.then(|| self.open_alerts());
        let latest = if self.topics.latest {
            let filter = StreamFilter { township: self.township, ..StreamFilter::default() };
            Some(latest_columns(&self.state, &filter).await.ok()?)
        } else {
            None
        };
        let clock = ClockView::of(&self.state.clock);
        let snapshot = Snapshot { scores, county, alerts, latest, clock };
        let event = event("snapshot", self.place, &snapshot)?.retry(RETRY);
        self.waiting.push_back(event);
        Some(())
    }

    /// Those of the townships, and those of the county.
    fn scores(&self) -> (Vec<Score>, Vec<Score>) {
        let Some(tick) = self.state.runner.latest().filter(|_| self.topics.scores) else {
            return (Vec::new(), Vec::new());
        };
        let admitted = tick.scores.iter().filter(|record| self.admits_feature(record.feature));
        let (county, townships): (Vec<_>, Vec<_>) =
            admitted.partition(|record| record.feature == Feature::County);
        let score = |record: &Arc<_>| self.state.score_facts.score(record, self.language);
        (townships.into_iter().map(score).collect(), county.into_iter().map(score).collect())
    }

    fn open_alerts(&self) -> Vec<AlertView> {
        let origin = self.state.store.origin();
        let open = self.state.runner.open_alerts();
        let admitted = open.iter().filter(|alert| self.admits(alert.township));
        admitted.map(|alert| AlertView::new(alert, origin)).collect()
    }

    fn admits(&self, township: Option<TownshipCode>) -> bool {
        self.township.is_none_or(|code| Some(code) == township)
    }

    fn admits_feature(&self, feature: Feature) -> bool {
        match feature {
            Feature::Township(code) => self.admits(Some(code)),
            Feature::County => self.township.is_none(),
        }
    }

    /// Passes on what follows; when latest values among it are lost and this
    /// client wants them, a fresh snapshot after the alerts.
    async fn go_on(&mut self, events: &[Arc<HubEvent>]) -> Option<()> {
        let is_lost = |event: &Arc<HubEvent>| matches!(event.body, Body::LatestLost);
        if self.topics.latest && events.iter().any(is_lost) {
            let is_alert = |event: &&Arc<HubEvent>| matches!(event.body, Body::Alert { .. });
            let alerts: Vec<Arc<HubEvent>> = events.iter().filter(is_alert).cloned().collect();
            self.take(&alerts);
            return self.reset().await;
        }
        self.take(events);
        Some(())
    }

    /// Puts what the client wants of a group of events in line: each alert,
    /// each score (the log holds the newest of a key only), and all changes
    /// of latest values in the place of the first. So whoever stops anywhere
    /// in the group and goes on after the last id seen, misses nothing.
    fn take(&mut self, events: &[Arc<HubEvent>]) {
        let Some(last) = events.last() else { return };
        let mut changes: BTreeMap<&str, &Change> = BTreeMap::new();
        for event in events {
            if let Body::Latest(latest) = &event.body {
                let admitted = latest.iter().filter(|change| self.admits(change.township));
                changes.extend(admitted.map(|change| (&*change.datastream, change)));
            }
        }
        let mut has_latest = !self.topics.latest || changes.is_empty();
        for hub_event in events {
            let id = hub_event.id;
            match &hub_event.body {
                Body::Score { key: (_, feature), data } => {
                    if self.topics.scores && self.admits_feature(*feature) {
                        let name = match feature {
                            Feature::County => "county",
                            Feature::Township(_) => "score",
                        };
                        let [zh, en] = data;
                        self.waiting.push_back(written(name, id, self.language.pick(zh, en)));
                    }
                }
                Body::Alert { township, data } => {
                    if self.topics.alerts && self.admits(*township) {
                        self.waiting.push_back(written("alert", id, data));
                    }
                }
                Body::Latest(_) if !has_latest => {
                    has_latest = true;
                    let columns = LatestChange::of(last.id.commit, changes.values().copied());
                    self.waiting.extend(event("latest", id, &columns));
                }
                Body::Latest(_) | Body::Superseded | Body::LatestLost => (),
            }
        }
        self.place = last.id;
    }

    async fn is_still_welcome(&self) -> bool {
        let Some(session) = &self.session else { return true };
        match sessions::check(&self.state, session).await {
            Ok(identity) => identity.is_some(),
            // The registry does not answer: no reason to cut a screen off.
            Err(_) => true,
        }
    }
}

fn written(name: &str, id: EventId, data: &str) -> Event {
    Event::default().event(name).id(id.to_string()).data(data)
}

fn event<T: Serialize>(name: &str, id: EventId, data: &T) -> Option<Event> {
    match serde_json::to_string(data) {
        Ok(data) => Some(Event::default().event(name).id(id.to_string()).data(data)),
        Err(error) => {
            warn!(%error, name, "event not written");
            None
        }
    }
}

impl LatestChange {
    fn of<'a>(commit: u64, changes: impl Iterator<Item = &'a Change>) -> LatestChange {
        let mut columns = LatestChange {
            commit,
            datastream: Vec::new(),
            time: Vec::new(),
            value: Vec::new(),
            quality: Vec::new(),
        };
        for change in changes {
            columns.datastream.push(Arc::clone(&change.datastream));
            columns.time.push(change.time);
            columns.value.push(change.value);
            columns.quality.push(change.quality);
        }
        columns
    }
}
