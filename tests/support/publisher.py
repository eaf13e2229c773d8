"""A device that keeps its session: numbered readings at QoS 1.

It goes on until its standard input is closed or COUNT readings are sent, waits
for the acknowledgements that are still missing, and prints how many it sent.
The number of each reading is written to ACKS when its PUBACK is there.
"""

import argparse
import json
import os
import select
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

DRAIN_LIMIT_S = 60


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--version", choices=["3", "5"], required=True)
    parser.add_argument("--thing", required=True)
    parser.add_argument("--property", required=True)
    parser.add_argument("--base-ms", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--acks", required=True)
    return parser.parse_args()


class Device:
    def __init__(self, options):
        self.options = options
        self.pending = {}
        self.sent = 0
        self.reconnects = 0
        self.is_connected = False
        self.acks = open(options.acks, "a", buffering=1, encoding="ascii")
        if options.version == "5":
            self.client = mqtt.Client(client_id=options.thing, protocol=mqtt.MQTTv5)
        else:
            self.client = mqtt.Client(
                client_id=options.thing, clean_session=False, protocol=mqtt.MQTTv311
            )
        secret = os.environ.get("DEVICE_SECRET")
        if secret:
            self.client.username_pw_set(options.thing, secret)
        self.client.max_inflight_messages_set(options.window)
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_publish = self.on_publish

    def on_connect(self, _client, _userdata, _flags, reason, _properties=None):
        self.is_connected = reason == 0

    def on_disconnect(self, *_ignored):
        self.is_connected = False

    def on_publish(self, _client, _userdata, mid):
        number = self.pending.pop(mid, None)
        if number is not None:
            self.acks.write(f"{number}\n")

    def connect(self):
        """Tries until a broker listens; the session is never cleared."""
        while True:
            try:
                if self.options.version == "5":
                    properties = Properties(PacketTypes.CONNECT)
                    properties.SessionExpiryInterval = 3600
                    self.client.connect(
                        "127.0.0.1", self.options.port, 60, clean_start=False, properties=properties
                    )
                else:
                    self.client.connect("127.0.0.1", self.options.port, 60)
                return
            except OSError:
                time.sleep(0.05)

    def publish_next(self):
        number = self.sent
        payload = {
            "time": self.options.base_ms + number,
            "values": {self.options.property: (number % 700) / 10},
        }
        topic = f"tidewatch/v1/{self.options.thing}/json"
        info = self.client.publish(topic, json.dumps(payload), qos=1)
        self.pending[info.mid] = number
        self.sent += 1

    def turn(self, timeout):
        if self.client.loop(timeout) != mqtt.MQTT_ERR_SUCCESS:
            self.is_connected = False
            self.reconnects += 1
            time.sleep(0.05)
            self.connect()

    def run(self):
        self.connect()
        start = time.monotonic()
        is_told_to_stop = False
        while not is_told_to_stop:
            if self.options.count and self.sent >= self.options.count:
                break
            due = self.options.rate * (time.monotonic() - start)
            may_send = self.is_connected and len(self.pending) < self.options.window
            if may_send and self.sent < due:
                self.publish_next()
                self.turn(0.0)
            else:
                self.turn(0.005)
            readable, _, _ = select.select([sys.stdin], [], [], 0)
            is_told_to_stop = bool(readable) and not sys.stdin.read(1)
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while self.pending and time.monotonic() < deadline:
            self.turn(0.05)
        print(json.dumps({"sent": self.sent, "reconnects": self.reconnects}))


Device(arguments()).run()
