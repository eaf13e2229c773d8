//! Which documents are in force: of one issuer's documents the newest issue
//! wins.

use std::collections::BTreeMap;

use model::{
    AlertAction, Bulletin, DatastreamId, Document, DocumentId, Level, Override, OverrideKind,
    RecallOrder, Response, Signal, SignalKind, Silence, Storm, Time, TownshipCode,
};

/// The newest version of every document, as of one commit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    pub signals: BTreeMap<DocumentId, Signal>,
    pub responses: BTreeMap<DocumentId, Response>,
    pub recall_orders: BTreeMap<DocumentId, RecallOrder>,
    pub storms: BTreeMap<DocumentId, Storm>,
    pub bulletins: BTreeMap<DocumentId, Bulletin>,
    pub overrides: BTreeMap<DocumentId, Override>,
    pub silences: BTreeMap<DocumentId, Silence>,
}

/// The worst response in force in a township, and since when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResponseInForce {
    pub level: Level,
    pub since: Time,
}

/// A storm with all that one agency has said of it so far, newest last.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveStorm<'a> {
    pub storm: &'a Storm,
    pub agency: &'a str,
    pub bulletins: Vec<&'a Bulletin>,
}

/// What all declarations have in common.
struct Declared<'a, T> {
    document: &'a T,
    issuer: &'a str,
    issued: Time,
    from: Time,
    until: Option<Time>,
    cancelled: Option<Time>,
}

/// Of each issuer the newest one issued up to `at`, if it still holds.
fn newest_in_force<'a, T: 'a>(
    declared: impl Iterator<Item = Declared<'a, T>> + 'a,
    at: Time,
) -> impl Iterator<Item = &'a T> + 'a {
    let mut newest: BTreeMap<&str, Declared<'a, T>> = BTreeMap::new();
    for document in declared.filter(|document| document.issued <= at) {
        match newest.get(document.issuer) {
            Some(held) if document.issued < held.issued => {}
            _ => {
                newest.insert(document.issuer, document);
            }
        }
    }
    newest
        .into_values()
        .filter(move |document| {
            document.from <= at
                && document.until.is_none_or(|until| at < until)
                && document.cancelled.is_none_or(|cancelled| at < cancelled)
        })
        .map(|document| document.document)
}

impl Documents {
    /// Takes a document in; a newer version replaces the older one. Acts on
    /// alerts are for the alarms: they come back.
    pub fn insert(&mut self, document: Document) -> Option<AlertAction> {
        match document {
            Document::Signal(d) => drop(self.signals.insert(d.id.clone(), d)),
            Document::Response(d) => drop(self.responses.insert(d.id.clone(), d)),
            Document::RecallOrder(d) => drop(self.recall_orders.insert(d.id.clone(), d)),
            Document::Storm(d) => drop(self.storms.insert(d.id.clone(), d)),
            Document::Bulletin(d) => drop(self.bulletins.insert(d.id.clone(), d)),
            Document::Override(d) => drop(self.overrides.insert(d.id.clone(), d)),
            Document::Silence(d) => drop(self.silences.insert(d.id.clone(), d)),
            Document::AlertAction(action) => return Some(action),
        }
        None
    }

    /// The worst colour in force of a kind of signal in a township.
    pub fn signal(&self, kind: SignalKind, township: TownshipCode, at: Time) -> Level {
        let of_kind = self
            .signals
            .values()
            .filter(|signal| signal.kind == kind && signal.area.contains(township))
            .map(|signal| Declared {
                document: signal,
                issuer: &signal.issuer,
                issued: signal.issued,
                from: signal.valid_from,
                until: Some(signal.valid_until),
                cancelled: signal.cancelled,
            });
        newest_in_force(of_kind, at).map(|signal| signal.level).max().unwrap_or(Level::None)
    }

    /// The worst response in force in a township.
    pub fn response(&self, township: TownshipCode, at: Time) -> Option<ResponseInForce> {
        let here = self.responses.values().filter(|response| response.area.contains(township)).map(
            |response| Declared {
                document: response,
                issuer: &response.issuer,
                issued: response.issued,
                from: response.valid_from,
                until: response.valid_until,
                cancelled: response.cancelled,
            },
        );
        newest_in_force(here, at)
            .map(|response| ResponseInForce { level: response.level, since: response.valid_from })
            .max_by_key(|response| (response.level, std::cmp::Reverse(response.since)))
    }

    /// The recall orders in force, one an issuer at most.
    pub fn recalls(&self, at: Time) -> Vec<&RecallOrder> {
        let orders = self.recall_orders.values().map(|order| Declared {
            document: order,
            issuer: &order.issuer,
            issued: order.issued,
            from: order.valid_from,
            until: order.valid_until,
            cancelled: order.cancelled,
        });
        newest_in_force(orders, at).collect()
    }

    /// Storms of which something is known at `at`, once for each agency. The
    /// caller asks whether its track still makes it active.
    pub fn storms(&self, at: Time) -> Vec<ActiveStorm<'_>> {
        let mut by_agency: BTreeMap<(&DocumentId, &str), Vec<&Bulletin>> = BTreeMap::new();
        for bulletin in self.bulletins.values().filter(|bulletin| bulletin.issued <= at) {
            by_agency
                .entry((&bulletin.storm, bulletin.agency.as_str()))
                .or_default()
                .push(bulletin);
        }
        by_agency
            .into_iter()
            .filter_map(|((storm, agency), mut bulletins)| {
                let storm = self.storms.get(storm)?;
                bulletins.sort_by_key(|bulletin| bulletin.issued);
                Some(ActiveStorm { storm, agency, bulletins })
            })
            .collect()
    }

    /// Is there an override of this kind on the datastream?
    pub fn is_overridden(&self, datastream: &DatastreamId, kind: OverrideKind, at: Time) -> bool {
        self.overrides_of(datastream).any(|found| found.kind == kind && found.is_in_force(at))
    }

    /// When a person last ended the holds of a datastream, up to `at`.
    pub fn released(&self, datastream: &DatastreamId, at: Time) -> Option<Time> {
        let releases = self.overrides_of(datastream);
        let releases = releases.filter(|found| found.kind == OverrideKind::Release);
        releases.map(|found| found.from).filter(|from| *from <= at).max()
    }

    fn overrides_of<'a>(
        &'a self,
        datastream: &'a DatastreamId,
    ) -> impl Iterator<Item = &'a Override> + 'a {
        self.overrides.values().filter(move |found| found.datastream == *datastream)
    }
}

#[cfg(test)]
mod tests {
    use model::Area;

    use super::*;

    fn hour(n: i64) -> Time {
        Time::from_millis_clamped(n * 3_600_000)
    }

    fn signal(id: &str, issuer: &str, level: Level, issued: i64, until: i64) -> Document {
        Document::Signal(Signal {
            id: DocumentId::parse(id).unwrap(),
            kind: SignalKind::Typhoon,
            level,
            area: Area::County,
            issuer: issuer.to_owned(),
            issued: hour(issued),
            valid_from: hour(issued),
            valid_until: hour(until),
            cancelled: None,
            note: None,
        })
    }

    #[test]
    fn the_newest_issue_of_an_issuer_wins_and_issuers_stand_side_by_side() {
        let mut documents = Documents::default();
        for document in [
            signal("a-1", "a", Level::Red, 1, 50),
            signal("a-2", "a", Level::Yellow, 10, 20),
            signal("b-1", "b", Level::Blue, 1, 50),
        ] {
            documents.insert(document);
        }
        let township = TownshipCode::parse("330225101").unwrap();
        let level = |at| documents.signal(SignalKind::Typhoon, township, hour(at));
        assert_eq!([level(0), level(1), level(9)], [Level::None, Level::Red, Level::Red]);
        assert_eq!(level(10), Level::Yellow, "the newer one, though milder");
        assert_eq!(level(20), Level::Blue, "the old red does not come back");
        assert_eq!(documents.signal(SignalKind::Gale, township, hour(1)), Level::None);
    }
}
