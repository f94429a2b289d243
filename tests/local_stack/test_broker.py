"""The broker of the demo and of the tests: it answers, survives kill -9 with its data, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from kept.errors import Stop
from local_stack.broker import Broker
from local_stack.ports import LOOPBACK, answers, free_port


def make_topic(broker: Broker, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        admin.close()


def send(broker: Broker, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    producer.send(topic, value).get(timeout=30)
    producer.close()


def values(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    found: list[bytes] = []
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=200).values():
            found += [record.value for record in records]
    consumer.close()
    return found


def test_what_was_acknowledged_survives_kill_and_stop(broker: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}survives"
    make_topic(broker, topic)
    send(broker, topic, b"before kill")
    broker.kill()
    assert not answers(broker.port)
    broker.start()
    send(broker, topic, b"after kill")
    broker.stop()
    broker.start()
    send(broker, topic, b"after stop")
    assert values(broker, topic, 3) == [b"before kill", b"after kill", b"after stop"]


def test_topics_are_never_made_by_accident(broker: Broker, topic_prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_block_ms=1500)
    try:
        with pytest.raises(Exception, match=r"(?i)metadata|timeout|unknown"):
            producer.send(f"{topic_prefix}typo", b"x").get(timeout=10)
        assert f"{topic_prefix}typo" not in admin.list_topics()
    finally:
        producer.close()
        admin.close()


def test_the_broker_listens_on_loopback_only(broker: Broker) -> None:
    if shutil.which("ss") is None:
        settings = (broker.log.parent / "server.properties").read_text()
        assert settings.count("://127.0.0.1:") == 3
        return
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True)
    own = [line.split()[3] for line in listening.stdout.splitlines() if f"pid={broker.pid}," in line]
    assert own
    assert all("127.0.0.1]" in address or address.startswith("127.0.0.1:") for address in own)


def test_a_taken_port_is_refused_at_once_with_its_number(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Stop, match=f"port {port} .* is taken"):
            Broker(tmp_path, port=port)


def test_a_broker_that_cannot_start_says_why_with_its_log(broker: Broker, tmp_path: Path) -> None:
    broken = Broker(tmp_path, settings={"log.cleaner.threads": "none"})
    with pytest.raises(Stop, match=r"log\.cleaner\.threads"):
        broken.start()
    assert not broken.running()


def test_the_broker_dies_with_the_process_that_started_it(broker: Broker, tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import pathlib, sys, time\n"
        "from local_stack.broker import Broker\n"
        f"broker = Broker(pathlib.Path({str(tmp_path)!r}), port={port}, heap_mib=256)\n"
        "broker.start()\n"
        "print(broker.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert answers(port)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    deadline = time.monotonic() + 10
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(port)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())
