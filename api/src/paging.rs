//! What all lists have in common.

use crate::problem::ApiError;

pub(crate) const LIMIT_DEFAULT: usize = 100;
pub(crate) const RESOURCES_MAX: usize = 1_000;
pub(crate) const ROWS_MAX: usize = 100_000;

pub(crate) fn limit(given: Option<usize>, max: usize) -> Result<usize, ApiError> {
    match given {
        None => Ok(LIMIT_DEFAULT),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(limit) => {
            Err(ApiError::parameter("limit", format!("{limit} is not within 1 and {max}")))
        }
    }
}

/// Parses a filter, naming the parameter when it does not fit.
pub(crate) fn filter<T, E: ToString>(
    name: &'static str,
    given: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    given.map(parse).transpose().map_err(|error| ApiError::parameter(name, error))
}

/// Cuts `items`, read one longer than the page, and says whether more follow.
pub(crate) fn cut<T>(items: &mut Vec<T>, limit: usize) -> bool {
    let has_more = items.len() > limit;
    items.truncate(limit);
    has_more
}
