"""Publishes one payload after the other at QoS 1.

Each line of standard input is `TOPIC HEX`; the next one goes out when the
PUBACK of the one before is there. Prints how many were acknowledged.
"""

import os
import sys
import time

import paho.mqtt.client as mqtt

LIMIT_S = 30

port, version, user = int(sys.argv[1]), sys.argv[2], sys.argv[3]
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
client = mqtt.Client(client_id=user, protocol=protocol)
if os.environ.get("DEVICE_SECRET"):
    client.username_pw_set(user, os.environ["DEVICE_SECRET"])
client.connect("127.0.0.1", port, 60)
acknowledged = []
client.on_publish = lambda _client, _userdata, mid: acknowledged.append(mid)
for line in sys.stdin:
    topic, _, payload = line.strip().partition(" ")
    info = client.publish(topic, bytes.fromhex(payload), qos=1)
    deadline = time.monotonic() + LIMIT_S
    while info.mid not in acknowledged and time.monotonic() < deadline:
        if client.loop(0.05) != mqtt.MQTT_ERR_SUCCESS:
            sys.exit(f"connection lost after {len(acknowledged)} payloads, at {line[:200]}")
print(len(acknowledged))
