"""Environments of the peers: made once under .cache/bench, from pinned and hashed requirements or jars.

They are no part of Kept's own lock. What cannot be installed here is a `NotInstalled` with its reason, which the report
shows: no contender is left out in silence.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from kept.errors import Stop
from local_stack.java import require_java, require_maven
from local_stack.kafka_jars import COPY_GOAL, FETCH_SECONDS, KAFKA_VERSION, check, checksums

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench"
STREAMS = HERE / "kafka_streams"
CHECKSUMS = STREAMS / "jars.sha256"
INSTALL_SECONDS = 600
JDK_COMMAND = "apt-get install -y openjdk-17-jdk-headless"


class NotInstalled(Stop):
    """A contender cannot be installed here."""


def python_with(peer: str, cache: Path = CACHE) -> str:
    """The Python of an environment with `requirements-PEER.txt`, made when it is not there yet, whole or not at all.

    Raises `NotInstalled`, with pip's last words.
    """
    requirements = HERE / f"requirements-{peer}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = cache / f"{peer}-python{version}-{digest}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        _run([*pip, "--require-hashes", "--requirement", str(requirements)], f"pip, for {peer}")
        done.touch()
    return str(python)


def streams_class_path(cache: Path = CACHE) -> str:
    """The class path of the Kafka Streams contender: jars fetched with Maven and checked, classes compiled with javac.

    Raises `NotInstalled` when Maven, Java's compiler or the network is missing.
    """
    sources = sorted((STREAMS / "src").glob("*.java"))
    parts = [(STREAMS / "pom.xml").read_bytes(), CHECKSUMS.read_bytes(), *(source.read_bytes() for source in sources)]
    folder = cache / f"kafka-streams-{KAFKA_VERSION}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"
    if not folder.is_dir():
        javac = Path(_java()).resolve().with_name("javac")
        if not javac.exists():
            raise NotInstalled(f"Java's compiler is missing; install it with: {JDK_COMMAND}")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kafka-streams-", dir=cache) as scratch:
            made = Path(scratch) / "made"
            fetch_streams_jars(made / "jars")
            _check(made / "jars")
            command = [str(javac), "-nowarn", "-d", str(made / "classes"), "-cp", f"{made / 'jars'}/*"]
            _run([*command, *map(str, sources)], "javac")
            made.rename(folder)
    return os.pathsep.join([str(folder / "classes"), f"{folder / 'jars'}/*"])


def fetch_streams_jars(folder: Path) -> None:
    """Copy Kafka Streams and what it needs into `folder`."""
    try:
        maven = require_maven()
    except Stop as error:
        raise NotInstalled(str(error)) from error
    command = [
        maven, "--batch-mode", "--quiet", "--file", str(STREAMS / "pom.xml"), COPY_GOAL,
        f"-Dkafka.version={KAFKA_VERSION}", f"-DoutputDirectory={folder}",
    ]  # fmt: skip
    _run(command, "Maven, for Kafka Streams")


def _java() -> str:
    try:
        return require_java()
    except Stop as error:
        raise NotInstalled(str(error)) from error


def _check(jars: Path) -> None:
    try:
        check(jars, CHECKSUMS.read_text(encoding="utf-8"))
    except Stop as error:
        raise NotInstalled(str(error)) from error


def _run(command: list[str], who: str) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=max(INSTALL_SECONDS, FETCH_SECONDS),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{who}: {error}") from error
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise NotInstalled(f"{who}, ended with {done.returncode}: {' '.join(said)[:300]}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as fetched:
        fetch_streams_jars(Path(fetched))
        CHECKSUMS.write_text(checksums(Path(fetched)), encoding="utf-8")
