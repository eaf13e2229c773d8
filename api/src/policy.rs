//! Who may do what: one function over (identity, action), and the table that
//! says which action a route is. A route without an entry is denied.

use axum::http::Method;
use model::ThingId;
use store::Role;

use crate::options::PublicRead;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    Anonymous,
    User {
        name: String,
        role: Role,
    },
    /// A process of this machine, over the control socket.
    Local {
        uid: u32,
    },
    Device {
        thing: ThingId,
    },
}

impl Identity {
    /// How the audit calls it.
    pub(crate) fn actor(&self) -> String {
        match self {
            Identity::Anonymous => "anonymous".to_owned(),
            Identity::User { name, .. } => name.clone(),
            Identity::Local { uid } => format!("local:{uid}"),
            Identity::Device { thing } => thing.to_string(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The clock and the own session: always.
    Greet,
    LogIn,
    LogOut,
    /// Townships, indices, scores, alerts, the event stream.
    ReadIndices,
    /// Things, datastreams, observations, documents, ledger.
    ReadAll,
    /// Takes history away as a file: whoever has an account, and audited.
    Export,
    /// Raw payloads, who may connect, how the program is doing.
    ReadOperations,
    SendReadings,
    Register,
    IssueCredentials,
    Redrive,
    /// Sends a test message outside.
    TestWebhooks,
    /// Signals, responses, recall orders, storms and their bulletins.
    Declare,
    /// Acknowledgements, closures, silences, overrides.
    Operate,
    ManageUsers,
}

/// Every operation of `/api/v1`.
const ACTIONS: [(&str, &str, Action); 73] = [
    ("GET", "/api/v1/clock", Action::Greet),
    ("GET", "/api/v1/session", Action::Greet),
    ("POST", "/api/v1/session", Action::LogIn),
    ("DELETE", "/api/v1/session", Action::LogOut),
    ("GET", "/api/v1/townships", Action::ReadIndices),
    ("GET", "/api/v1/indices", Action::ReadIndices),
    ("GET", "/api/v1/indices/{index}/scores", Action::ReadIndices),
    ("GET", "/api/v1/indices/{index}/townships/{code}/scores", Action::ReadIndices),
    ("GET", "/api/v1/indices/{index}/townships/{code}/explanation", Action::ReadIndices),
    ("GET", "/api/v1/indices/{index}/townships/{code}/holds", Action::ReadIndices),
    ("GET", "/api/v1/indices/{index}/models", Action::ReadIndices),
    ("GET", "/api/v1/system", Action::ReadOperations),
    ("GET", "/api/v1/situation", Action::ReadAll),
    ("GET", "/api/v1/readiness", Action::ReadAll),
    ("GET", "/api/v1/events", Action::ReadIndices),
    ("GET", "/api/v1/alerts", Action::ReadIndices),
    ("GET", "/api/v1/alerts/{id}", Action::ReadIndices),
    ("POST", "/api/v1/alerts/{id}/acknowledgement", Action::Operate),
    ("POST", "/api/v1/alerts/{id}/closure", Action::Operate),
    ("GET", "/api/v1/silences", Action::ReadAll),
    ("POST", "/api/v1/silences", Action::Operate),
    ("DELETE", "/api/v1/silences/{id}", Action::Operate),
    ("GET", "/api/v1/datastreams/{id}/overrides", Action::ReadAll),
    ("POST", "/api/v1/datastreams/{id}/overrides", Action::Operate),
    ("DELETE", "/api/v1/datastreams/{id}/overrides/{override}", Action::Operate),
    ("GET", "/api/v1/signals", Action::ReadAll),
    ("POST", "/api/v1/signals", Action::Declare),
    ("GET", "/api/v1/signals/{id}", Action::ReadAll),
    ("PUT", "/api/v1/signals/{id}", Action::Declare),
    ("GET", "/api/v1/responses", Action::ReadAll),
    ("POST", "/api/v1/responses", Action::Declare),
    ("GET", "/api/v1/responses/{id}", Action::ReadAll),
    ("PUT", "/api/v1/responses/{id}", Action::Declare),
    ("GET", "/api/v1/recall-orders", Action::ReadAll),
    ("POST", "/api/v1/recall-orders", Action::Declare),
    ("GET", "/api/v1/recall-orders/{id}", Action::ReadAll),
    ("PUT", "/api/v1/recall-orders/{id}", Action::Declare),
    ("GET", "/api/v1/storms", Action::ReadAll),
    ("POST", "/api/v1/storms", Action::Declare),
    ("POST", "/api/v1/storms/import", Action::Declare),
    ("GET", "/api/v1/storms/{id}", Action::ReadAll),
    ("PUT", "/api/v1/storms/{id}", Action::Declare),
    ("GET", "/api/v1/storms/{id}/bulletins", Action::ReadAll),
    ("POST", "/api/v1/storms/{id}/bulletins", Action::Declare),
    ("GET", "/api/v1/storms/{id}/bulletins/{bulletin}", Action::ReadAll),
    ("PUT", "/api/v1/storms/{id}/bulletins/{bulletin}", Action::Declare),
    ("GET", "/api/v1/properties", Action::ReadAll),
    ("GET", "/api/v1/things", Action::ReadAll),
    ("GET", "/api/v1/things/{id}", Action::ReadAll),
    ("POST", "/api/v1/things", Action::Register),
    ("PUT", "/api/v1/things/{id}", Action::Register),
    ("POST", "/api/v1/things/import", Action::Register),
    ("GET", "/api/v1/things/{id}/credentials", Action::ReadOperations),
    ("POST", "/api/v1/things/{id}/credentials", Action::IssueCredentials),
    ("DELETE", "/api/v1/things/{id}/credentials", Action::IssueCredentials),
    ("POST", "/api/v1/things/credentials", Action::IssueCredentials),
    ("GET", "/api/v1/datastreams", Action::ReadAll),
    ("GET", "/api/v1/datastreams/latest", Action::ReadAll),
    ("GET", "/api/v1/datastreams/{id}/observations", Action::ReadAll),
    ("GET", "/api/v1/observations", Action::ReadAll),
    ("POST", "/api/v1/observations", Action::SendReadings),
    ("GET", "/api/v1/exports", Action::Export),
    ("GET", "/api/v1/exports/observations", Action::Export),
    ("GET", "/api/v1/exports/scores", Action::Export),
    ("GET", "/api/v1/ledger", Action::ReadAll),
    ("GET", "/api/v1/quarantine", Action::ReadOperations),
    ("GET", "/api/v1/quarantine/{id}", Action::ReadOperations),
    ("POST", "/api/v1/quarantine/{id}/redrive", Action::Redrive),
    ("GET", "/api/v1/webhooks", Action::ReadOperations),
    ("POST", "/api/v1/webhooks/{name}/test", Action::TestWebhooks),
    ("GET", "/api/v1/users", Action::ManageUsers),
    ("POST", "/api/v1/users", Action::ManageUsers),
    ("PUT", "/api/v1/users/{name}/password", Action::ManageUsers),
];

pub(crate) fn action_of(method: &Method, route: &str) -> Option<Action> {
    // A GET route answers HEAD too.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ACTIONS
        .iter()
        .find(|(of_method, of_route, _)| *of_method == method.as_str() && *of_route == route)
        .map(|(_, _, action)| *action)
}

/// Is there any operation at this route?
pub(crate) fn is_known(route: &str) -> bool {
    ACTIONS.iter().any(|(_, of_route, _)| *of_route == route)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    /// Nobody is logged in; a login may help.
    LogIn,
    /// Known, and not allowed.
    Forbid,
}

/// May this identity do that?
pub(crate) fn decide(identity: &Identity, action: Action, public_read: PublicRead) -> Decision {
    if matches!(action, Action::Greet | Action::LogIn | Action::LogOut) {
        return Decision::Allow;
    }
    let is_allowed = match identity {
        Identity::Local { .. } => true,
        Identity::User { role, .. } => is_allowed_to(*role, action),
        Identity::Device { .. } => action == Action::SendReadings,
        Identity::Anonymous => match action {
            Action::ReadIndices => public_read != PublicRead::None,
            Action::ReadAll => public_read == PublicRead::All,
            _ => false,
        },
    };
    match identity {
        _ if is_allowed => Decision::Allow,
        Identity::Anonymous => Decision::LogIn,
        _ => Decision::Forbid,
    }
}

fn is_allowed_to(role: Role, action: Action) -> bool {
    match action {
        Action::Greet | Action::LogIn | Action::LogOut => true,
        Action::ReadIndices | Action::ReadAll | Action::Export => true,
        Action::ReadOperations
        | Action::SendReadings
        | Action::Register
        | Action::IssueCredentials
        | Action::Redrive
        | Action::TestWebhooks
        | Action::Declare
        | Action::Operate => matches!(role, Role::Administrator | Role::Engineer),
        Action::ManageUsers => role == Role::Administrator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities() -> Vec<Identity> {
        let user = |role| Identity::User { name: "wang".to_owned(), role };
        let thing = ThingId::parse("hm-001").unwrap();
        vec![
            Identity::Anonymous,
            user(Role::Viewer),
            user(Role::Engineer),
            user(Role::Administrator),
            Identity::Local { uid: 0 },
            Identity::Device { thing },
        ]
    }

    /// `a` allowed, `l` to log in, `f` forbidden, in the order above.
    #[track_caller]
    fn check(action: Action, public_read: PublicRead, expected: &str) {
        let found: String = identities()
            .iter()
            .map(|identity| match decide(identity, action, public_read) {
                Decision::Allow => 'a',
                Decision::LogIn => 'l',
                Decision::Forbid => 'f',
            })
            .collect();
        assert_eq!(found, expected, "{action:?} {public_read:?}");
    }

    #[test]
    fn each_action_has_its_readers_and_writers() {
        use PublicRead::{All, Indices, None};
        for public_read in [None, Indices, All] {
            check(Action::Greet, public_read, "aaaaaa");
            check(Action::LogIn, public_read, "aaaaaa");
            check(Action::LogOut, public_read, "aaaaaa");
            check(Action::Export, public_read, "laaaaf");
            check(Action::ReadOperations, public_read, "lfaaaf");
            check(Action::SendReadings, public_read, "lfaaaa");
            check(Action::Register, public_read, "lfaaaf");
            check(Action::IssueCredentials, public_read, "lfaaaf");
            check(Action::Redrive, public_read, "lfaaaf");
            check(Action::TestWebhooks, public_read, "lfaaaf");
            check(Action::Declare, public_read, "lfaaaf");
            check(Action::Operate, public_read, "lfaaaf");
            check(Action::ManageUsers, public_read, "lffaaf");
        }
        check(Action::ReadIndices, None, "laaaaf");
        check(Action::ReadIndices, Indices, "aaaaaf");
        check(Action::ReadIndices, All, "aaaaaf");
        check(Action::ReadAll, None, "laaaaf");
        check(Action::ReadAll, Indices, "laaaaf");
        check(Action::ReadAll, All, "aaaaaf");
    }

    #[test]
    fn every_documented_operation_has_an_action_and_back() {
        let document: serde_json::Value =
            serde_json::from_str(crate::openapi::openapi_json()).unwrap();
        let mut n_documented = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method = method.to_uppercase().parse().unwrap();
                assert!(action_of(&method, path).is_some(), "{method} {path}");
                n_documented += 1;
            }
        }
        assert_eq!(n_documented, ACTIONS.len(), "an action without an operation");
        assert_eq!(action_of(&Method::HEAD, "/api/v1/clock"), Some(Action::Greet));
        assert_eq!(action_of(&Method::PATCH, "/api/v1/clock"), None);
    }
}
