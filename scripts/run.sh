#!/usr/bin/env bash
# The whole system with a typhoon of the past played into it, until Ctrl-C.
# Ends its preparations with the page's address and the administrator's
# password.
source "$(dirname "$0")/common.sh"

DATA=${DATA:-./data-demo}
HTTP=${HTTP:-127.0.0.1:8080}
MQTT=${MQTT:-127.0.0.1:1883}
SCENARIO=${SCENARIO:-haikui-2012}
SPEED=${SPEED:-60}

say "setting up"
need_rust
need curl curl
install_missing
build_page

say "building the program (some minutes the first time)"
cargo build --release --locked || fail "the program did not build; see above."

say "starting $SCENARIO at $SPEED times its pace in $DATA (emptied at every start)"
export TIDEWATCH__HTTP__LISTEN=$HTTP TIDEWATCH__MQTT__LISTEN=$MQTT
OUT=$(mktemp)
LOG=$(mktemp "${TMPDIR:-/tmp}/tidewatch-demo.XXXXXX")
target/release/tidewatch demo --scenario "$SCENARIO" --speed "$SPEED" --data "$DATA" \
    >"$OUT" 2>"$LOG" &
DEMO=$!
trap 'trap - EXIT; kill $DEMO 2>/dev/null; wait; rm -f "$OUT"' EXIT
trap 'exit 0' INT TERM

wait_for() {
    local what=$1 url=$2 pattern=$3
    for _ in $(seq 300); do
        kill -0 "$DEMO" 2>/dev/null || fail "the demo ended: $(tail -n 3 "$LOG")"
        curl -fsS "http://$HTTP$url" 2>/dev/null | grep -q "$pattern" && return
        sleep 0.2
    done
    fail "$what did not come up within 60 s; see $LOG"
}
wait_for "the server" /readyz ready
wait_for "the fleet" /api/v1/datastreams/latest '"datastream":\["'

say "running; the log is $LOG, Ctrl-C stops everything"
cat "$OUT"
wait "$DEMO" || fail "the demo ended: $(tail -n 3 "$LOG")"
