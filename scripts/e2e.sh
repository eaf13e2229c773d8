#!/usr/bin/env bash
# The page in headless Chromium against a real server with a simulated fleet.
source "$(dirname "$0")/common.sh"
need_browser
install_missing
need_rust
build_page

say "end to end: the page in a real browser"
# With all packages, as `make test` does: another selection would build the
# dependencies anew.
cargo test --workspace --locked --test main -- e2e::browser --nocapture
