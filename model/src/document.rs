//! Documents: what others declared, forecast or did, with issuer and time.
//!
//! A document is never deleted. Of one issuer's documents of one kind the
//! newest issue wins; a cancelled one, and one whose time is over, is no longer
//! in force. Acts of people on this system (overrides, silences,
//! acknowledgements) are documents too, so that a tick knows which of them it
//! saw.

use serde::{Deserialize, Serialize};

use crate::{DatastreamId, DocumentId, Level, LocalizedName, Position, Time, TownshipCode};

/// What an official warning signal 预警信号 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    Typhoon,
    Gale,
    Rainstorm,
    Tide,
    Geological,
}

impl SignalKind {
    pub const ALL: [SignalKind; 5] = [
        SignalKind::Typhoon,
        SignalKind::Gale,
        SignalKind::Rainstorm,
        SignalKind::Tide,
        SignalKind::Geological,
    ];

    /// The channel of `official_signal`.
    pub fn as_str(self) -> &'static str {
        match self {
            SignalKind::Typhoon => "typhoon",
            SignalKind::Gale => "gale",
            SignalKind::Rainstorm => "rainstorm",
            SignalKind::Tide => "tide",
            SignalKind::Geological => "geological",
        }
    }
}

/// Where a declaration holds: `"county"` or `{"townships":["330225101"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    County,
    Townships(Vec<TownshipCode>),
}

impl Area {
    pub fn contains(&self, township: TownshipCode) -> bool {
        match self {
            Area::County => true,
            Area::Townships(codes) => codes.contains(&township),
        }
    }
}

/// An official warning signal in one of four colours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    pub id: DocumentId,
    pub kind: SignalKind,
    pub level: Level,
    pub area: Area,
    pub issuer: String,
    pub issued: Time,
    pub valid_from: Time,
    pub valid_until: Time,
    #[serde(default)]
    pub cancelled: Option<Time>,
    #[serde(default)]
    pub note: Option<String>,
}

/// A declared emergency response 应急响应: blue is Ⅳ, red is Ⅰ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub id: DocumentId,
    pub level: Level,
    pub area: Area,
    pub issuer: String,
    pub issued: Time,
    pub valid_from: Time,
    /// Open until it is cancelled where not set.
    #[serde(default)]
    pub valid_until: Option<Time>,
    #[serde(default)]
    pub cancelled: Option<Time>,
    #[serde(default)]
    pub note: Option<String>,
}

/// Vessels between these latitudes are in port by the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatitudeBand {
    /// Degrees north; belongs to the band.
    pub lat_min: f64,
    /// Degrees north; belongs to the next band.
    pub lat_max: f64,
    pub deadline: Time,
}

/// An order that calls fishing vessels back to port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecallOrder {
    pub id: DocumentId,
    pub issuer: String,
    pub issued: Time,
    pub valid_from: Time,
    #[serde(default)]
    pub valid_until: Option<Time>,
    #[serde(default)]
    pub cancelled: Option<Time>,
    /// In order of latitude, without gaps.
    pub bands: Vec<LatitudeBand>,
    #[serde(default)]
    pub note: Option<String>,
}

impl RecallOrder {
    /// The deadline at a latitude; outside all bands that of the nearest one.
    pub fn deadline(&self, latitude: f64) -> Option<Time> {
        let last = self.bands.last()?;
        let band = self.bands.iter().find(|band| latitude < band.lat_max).unwrap_or(last);
        Some(band.deadline)
    }
}

/// A tropical cyclone; its positions come in bulletins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    pub id: DocumentId,
    pub name: LocalizedName,
    /// As the agencies number it, like `1211`.
    #[serde(default)]
    pub number: Option<String>,
    /// Scales the local wind model to the CMA intensity at landfall.
    #[serde(default = "one")]
    pub intensity_factor: f64,
    /// An operator ended it.
    #[serde(default)]
    pub ended: Option<Time>,
}

fn one() -> f64 {
    1.0
}

/// The centre of a storm, analysed or forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StormFix {
    pub time: Time,
    pub position: Position,
    pub pressure_hpa: f64,
    /// Highest mean wind near the centre, averaged as the bulletin says.
    #[serde(default)]
    pub wind_mps: Option<f64>,
    /// Largest radii of winds of force 7, 10 and 12, km.
    #[serde(default)]
    pub force7_km: Option<f64>,
    #[serde(default)]
    pub force10_km: Option<f64>,
    #[serde(default)]
    pub force12_km: Option<f64>,
}

/// What one agency says of a storm at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bulletin {
    pub id: DocumentId,
    pub storm: DocumentId,
    pub agency: String,
    pub issued: Time,
    /// Over how many minutes the agency averages wind: CMA 2, JMA 10, JTWC 1.
    pub averaging_min: u16,
    /// The agency's last one: the storm is over for it.
    #[serde(default)]
    pub is_final: bool,
    /// In order of time, not after `issued`.
    #[serde(default)]
    pub observed: Vec<StormFix>,
    /// In order of time, after the last observed one.
    #[serde(default)]
    pub forecast: Vec<StormFix>,
}

/// What a person decided about a datastream (docs/indices.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideKind {
    /// As in maintenance; its alarms are marked false.
    Fault,
    /// Ends a hold, which does not return.
    Release,
    /// Ends 未证实.
    Confirm,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub id: DocumentId,
    pub datastream: DatastreamId,
    pub kind: OverrideKind,
    pub reason: String,
    pub by: String,
    /// The second person, wanted at orange and red.
    #[serde(default)]
    pub second: Option<String>,
    pub from: Time,
    /// At most 72 h after `from`.
    pub until: Time,
    /// Ended before its time.
    #[serde(default)]
    pub ended: Option<Time>,
}

impl Override {
    pub fn is_in_force(&self, at: Time) -> bool {
        self.from <= at && at < self.ended.unwrap_or(self.until).min(self.until)
    }
}

/// Alerts about which a person asked not to be told; it ends by itself. What
/// is not set matches all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    pub id: DocumentId,
    #[serde(default)]
    pub thing: Option<crate::ThingId>,
    #[serde(default)]
    pub township: Option<TownshipCode>,
    #[serde(default)]
    pub property: Option<crate::PropertyId>,
    pub reason: String,
    pub by: String,
    pub from: Time,
    pub until: Time,
    #[serde(default)]
    pub ended: Option<Time>,
}

impl Silence {
    pub fn is_in_force(&self, at: Time) -> bool {
        self.from <= at && at < self.ended.unwrap_or(self.until).min(self.until)
    }
}

/// What a person did about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAct {
    Acknowledge,
    /// An operator closed it.
    Close,
}

/// On whose behalf: only the responsible unit's acknowledgement counts for the
/// caps of Index A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActingAs {
    Desk,
    Unit,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertAction {
    pub id: DocumentId,
    pub alert: String,
    pub act: AlertAct,
    pub acting_as: ActingAs,
    pub by: String,
    pub at: Time,
    #[serde(default)]
    pub note: Option<String>,
}

/// Any document, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "document", rename_all = "snake_case")]
pub enum Document {
    Signal(Signal),
    Response(Response),
    RecallOrder(RecallOrder),
    Storm(Storm),
    Bulletin(Bulletin),
    Override(Override),
    Silence(Silence),
    AlertAction(AlertAction),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    Signal,
    Response,
    RecallOrder,
    Storm,
    Bulletin,
    Override,
    Silence,
    AlertAction,
}

impl DocumentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Signal => "signal",
            DocumentKind::Response => "response",
            DocumentKind::RecallOrder => "recall_order",
            DocumentKind::Storm => "storm",
            DocumentKind::Bulletin => "bulletin",
            DocumentKind::Override => "override",
            DocumentKind::Silence => "silence",
            DocumentKind::AlertAction => "alert_action",
        }
    }
}

impl Document {
    pub fn kind(&self) -> DocumentKind {
        match self {
            Document::Signal(_) => DocumentKind::Signal,
            Document::Response(_) => DocumentKind::Response,
            Document::RecallOrder(_) => DocumentKind::RecallOrder,
            Document::Storm(_) => DocumentKind::Storm,
            Document::Bulletin(_) => DocumentKind::Bulletin,
            Document::Override(_) => DocumentKind::Override,
            Document::Silence(_) => DocumentKind::Silence,
            Document::AlertAction(_) => DocumentKind::AlertAction,
        }
    }

    pub fn id(&self) -> &DocumentId {
        match self {
            Document::Signal(document) => &document.id,
            Document::Response(document) => &document.id,
            Document::RecallOrder(document) => &document.id,
            Document::Storm(document) => &document.id,
            Document::Bulletin(document) => &document.id,
            Document::Override(document) => &document.id,
            Document::Silence(document) => &document.id,
            Document::AlertAction(document) => &document.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_split_by_latitude() {
        let band = |lat_min, lat_max, hour: i64| LatitudeBand {
            lat_min,
            lat_max,
            deadline: Time::from_millis_clamped(hour * 3_600_000),
        };
        let order = RecallOrder {
            id: DocumentId::parse("recall-1").unwrap(),
            issuer: "bureau".to_owned(),
            issued: Time::EPOCH,
            valid_from: Time::EPOCH,
            valid_until: None,
            cancelled: None,
            bands: vec![band(0.0, 29.0, 34), band(29.0, 90.0, 48)],
            note: None,
        };
        let hours = |latitude| order.deadline(latitude).map(|time| time.millis() / 3_600_000);
        assert_eq!([hours(-1.0), hours(28.9), hours(29.0)], [Some(34), Some(34), Some(48)]);
    }

    #[test]
    fn a_document_keeps_its_kind_through_json() {
        let text = r#"{"document":"signal","id":"s-1","kind":"typhoon","level":"red",
            "area":"county","issuer":"模拟气象台","issued":"2012-08-07T07:17:00+08:00",
            "valid_from":"2012-08-07T07:17:00+08:00","valid_until":"2012-08-08T15:00:00+08:00"}"#;
        let document: Document = serde_json::from_str(text).unwrap();
        assert_eq!((document.kind(), document.id().as_str()), (DocumentKind::Signal, "s-1"));
        let again: Document =
            serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap();
        assert_eq!(again, document);
    }
}
