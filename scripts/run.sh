#!/usr/bin/env bash
# The whole system with a simulated fleet, until Ctrl-C. Ends its preparations
# with the page's address and the administrator's password.
source "$(dirname "$0")/common.sh"

DATA=${DATA:-./data-demo}
HTTP=${HTTP:-127.0.0.1:8080}
MQTT=${MQTT:-127.0.0.1:1883}
RATE=${RATE:-30}

say "setting up"
need_rust
need curl curl
install_missing
build_page

say "building the program (some minutes the first time)"
cargo build --release --locked || fail "the program did not build; see above."
TIDEWATCH=target/release/tidewatch

say "starting the server in $DATA (simulated data, emptied at every start)"
[ ! -e "$DATA" ] || [ -e "$DATA/.demo" ] ||
    fail "$DATA exists and was not made by 'make run'; name another with DATA=DIR."
rm -rf "$DATA"
mkdir -p "$DATA"
touch "$DATA/.demo"
export TIDEWATCH__HTTP__LISTEN=$HTTP TIDEWATCH__MQTT__LISTEN=$MQTT TIDEWATCH__API__PUBLIC_READ=all
"$TIDEWATCH" run --data "$DATA" --origin simulated >"$DATA/server.out" 2>"$DATA/server.log" &
SERVER=$!
FLEET=
trap 'trap - EXIT; kill $FLEET $SERVER 2>/dev/null; wait' EXIT
trap 'exit 0' INT TERM

wait_for() {
    local what=$1 url=$2 pattern=$3
    for _ in $(seq 150); do
        kill -0 "$SERVER" 2>/dev/null || fail "the server ended: $(tail -n 3 "$DATA/server.log")"
        curl -fsS "http://$HTTP$url" 2>/dev/null | grep -q "$pattern" && return
        sleep 0.2
    done
    fail "$what did not come up within 30 s; see $DATA/server.log"
}
wait_for "the server" /readyz ready

say "starting the fleet: the county's 474 example things, at $RATE times their pace"
"$TIDEWATCH" simulate --scenario fleet --rate "$RATE" --data "$DATA" --broker "mqtt://$MQTT" \
    2>"$DATA/fleet.log" &
FLEET=$!
wait_for "the fleet" /api/v1/datastreams/latest '"datastream":\["'

say "running; logs are in $DATA, Ctrl-C stops everything"
cat "$DATA/server.out"
wait -n "$SERVER" "$FLEET" || fail "a process ended: $(tail -qn 2 "$DATA/server.log" "$DATA/fleet.log")"
