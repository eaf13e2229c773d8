#!/usr/bin/env bash
# Supply chain: bans, licences, sources; advisories only with a local database.
source "$(dirname "$0")/common.sh"
need_rust
cargo deny --version >/dev/null 2>&1 || {
    say "installing cargo-deny"
    cargo install --locked --quiet cargo-deny || fail "cargo-deny could not be installed."
}
say "bans, licences, sources"
cargo deny --offline check bans licenses sources
if [ -n "${ADVISORY_DB:-}" ]; then
    say "advisories from $ADVISORY_DB"
    cargo deny --offline check --disable-fetch advisories
else
    printf '\nadvisories: NOT CHECKED (set ADVISORY_DB to a local copy of the database)\n'
fi
