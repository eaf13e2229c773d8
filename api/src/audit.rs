//! What people did, written before the answer is sent.

use store::AuditEntry;

use crate::policy::Identity;
use crate::problem::ApiError;
use crate::state::AppState;

pub(crate) async fn audit(
    state: &AppState,
    identity: &Identity,
    action: &str,
    object: &str,
    detail: String,
) -> Result<(), ApiError> {
    let entry = AuditEntry {
        at: state.clock.real(),
        actor: identity.actor(),
        action: action.to_owned(),
        object: object.to_owned(),
        detail,
    };
    state.store.registry().audit(entry).await?;
    Ok(())
}
