#!/usr/bin/env bash
# Everything that must hold before a commit lands.
source "$(dirname "$0")/common.sh"

say "setting up"
need_broker
need_browser
install_missing
need_rust
scripts/lint.sh
need_node

say "the page: unit tests and size"
(cd web && npm run --silent test && npm run --silent size)

say "the program: unit, property and end-to-end tests"
cargo test --workspace --locked

say "the program: documentation builds"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

say "all tests passed"
