"""Kafka's published jars, fetched once with Maven into a cache folder and checked against committed checksums.

Run as a module it fetches afresh and writes the checksums anew: `python -m local_stack.kafka_jars`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from kept.errors import Stop
from local_stack.java import require_maven

KAFKA_VERSION = "4.3.1"
POM = Path(__file__).with_name("kafka-pom.xml")
CHECKSUMS = Path(__file__).with_name("kafka-jars.sha256")
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
FETCH_SECONDS = 600

Fetch = Callable[[Path], None]
"""Puts the jars into a folder or raises `Stop`."""


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the jars of this Kafka version are kept: `$XDG_CACHE_HOME` (or ~/.cache)/kept/kafka-VERSION."""
    base = environment.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "kept" / f"kafka-{KAFKA_VERSION}"


def kafka_jars(folder: Path | None = None, fetch: Fetch | None = None) -> Path:
    """The folder with Kafka's jars, fetched when it is not there yet (54 MB, some seconds).

    The folder appears whole or not at all: it is filled beside its place, checked, and renamed. Raises `Stop` when
    Maven is missing, the download fails, or a jar is not the one that was tested.
    """
    target = folder or cache_folder()
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{target.name}-", dir=target.parent) as scratch:
            jars = Path(scratch) / "jars"
            jars.mkdir()
            (fetch or fetch_with_maven)(jars)
            check(jars, CHECKSUMS.read_text(encoding="utf-8"))
            _put(jars, target)
    except OSError as error:
        raise Stop(f"{target}: cannot be written: {error}; free the space or set XDG_CACHE_HOME elsewhere") from error
    return target


def _put(jars: Path, target: Path) -> None:
    try:
        jars.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was first, with the same jars
            raise


def fetch_with_maven(folder: Path) -> None:
    """Copy Kafka and what it needs into `folder`; raises `Stop` with Maven's last words when it cannot."""
    command = [
        require_maven(), "--batch-mode", "--quiet", "--file", str(POM), COPY_GOAL,
        f"-Dkafka.version={KAFKA_VERSION}", f"-DoutputDirectory={folder}",
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - no shell, the path was looked up
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Stop(f"Maven did not fetch Kafka within {FETCH_SECONDS} s; check the network and try again") from error
    if done.returncode:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("[ERROR]")][:3]
        raise Stop("Maven could not fetch Kafka; check the network and try again. " + " ".join(last))


def checksums(folder: Path) -> str:
    """One line a jar, `sha256  name`, as `sha256sum` prints and checks it."""
    lines = [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}" for jar in sorted(folder.glob("*.jar"))]
    return "".join(f"{line}\n" for line in lines)


def check(folder: Path, expected: str) -> None:
    """Raise `Stop` unless the jars in `folder` are exactly the `expected` ones (text of `checksums`)."""
    seen, wanted = set(checksums(folder).splitlines()), set(expected.splitlines())
    wrong = sorted(line.split()[1] for line in seen ^ wanted)
    if wrong:
        raise Stop(f"the fetched Kafka differs from the tested one ({len(wrong)} jars, first {wrong[0]}); not used")


def main() -> None:
    """Fetch afresh and write `CHECKSUMS`, after a change of the version or of the pom."""
    with tempfile.TemporaryDirectory() as scratch:
        fetch_with_maven(Path(scratch))
        CHECKSUMS.write_text(checksums(Path(scratch)), encoding="utf-8")
    shutil.rmtree(cache_folder(), ignore_errors=True)


if __name__ == "__main__":
    main()
