"""Is there a Java that can run Kafka, and a Maven that can fetch it? With the one command that installs both."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from kept.errors import Stop

MINIMUM_JAVA = 17
INSTALL_COMMAND = "apt-get install -y openjdk-17-jre-headless maven"


def java_command(environment: Mapping[str, str] = os.environ) -> str | None:
    """Path of `java`: that of JAVA_HOME when set, else the one on the PATH; None when there is none."""
    home = environment.get("JAVA_HOME")
    if home:
        found = shutil.which(os.path.join(home, "bin", "java"))  # noqa: PTH118 - `which` takes text
        if found:
            return found
    return shutil.which("java", path=environment.get("PATH"))


def maven_command(environment: Mapping[str, str] = os.environ) -> str | None:
    """Path of `mvn`, or None."""
    return shutil.which("mvn", path=environment.get("PATH"))


def java_version(command: str) -> int | None:
    """Major version that `java -version` states (8 for 1.8), or None when it does not say."""
    try:
        answer = subprocess.run(  # noqa: S603 - no shell, the path was looked up
            [command, "-XX:-UsePerfData", "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_java_version(answer.stderr + answer.stdout)


def parse_java_version(text: str) -> int | None:
    """Major version in the text of `java -version`."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if match is None:
        return None
    major = int(match.group(1))
    return int(match.group(2) or 0) if major == 1 else major


def require_java(environment: Mapping[str, str] = os.environ) -> str:
    """Path of a Java that can run Kafka; raises `Stop` with the command that installs one."""
    command = java_command(environment)
    if command is None:
        raise Stop(f"Java is missing (Kafka needs {MINIMUM_JAVA} or newer); install it with: {INSTALL_COMMAND}")
    version = java_version(command)
    if version is None or version < MINIMUM_JAVA:
        seen = "of unknown version" if version is None else f"version {version}"
        raise Stop(
            f"{command} is {seen}; Kafka needs {MINIMUM_JAVA} or newer; install it with: {INSTALL_COMMAND}, "
            "or point JAVA_HOME at a newer one"
        )
    return command


def require_maven(environment: Mapping[str, str] = os.environ) -> str:
    """Path of Maven; raises `Stop` with the command that installs it."""
    command = maven_command(environment)
    if command is None:
        raise Stop(f"Maven (mvn) is missing (it fetches Kafka's jars once); install it with: {INSTALL_COMMAND}")
    return command
