"""`kept …` as a process that logs all it can: run as `python -m tests.canaries.at_finest_level COMMAND …`.

Kept's own loggers say everything; those of its clients what is not meant for debugging them: at that level the Kafka
clients write down each message, and Kept has no setting that lets them.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from command_line.main import main
from kept import admission
from kept.log_lines import RepeatLimit

OWN = (
    "kept", "producers", "stream_processors", "history", "summaries", "command_line", "web_server", "alert_rules",
    "grafana", "local_stack",
)  # fmt: skip
CLIENTS = ("kafka", "aiokafka", "faust", "mode", "uvicorn", "starlette", "aiohttp", "asyncio", "influxdb_client")
LEAK = "KEPT_TEST_SEEDED_LEAK"
"""Set in the environment: each event that is looked at is written to the log."""


def speak_up() -> None:
    """Every logger says what it can, and nothing that repeats itself is left out."""
    for name in OWN:
        logging.getLogger(name).setLevel(logging.DEBUG)
    for name in CLIENTS:
        logging.getLogger(name).setLevel(logging.INFO)
    RepeatLimit.filter = lambda self, record: True  # type: ignore[method-assign]


def leak() -> None:
    """A careless line of debugging, as somebody might write it."""
    check = admission.check

    def telling(event: Any, *more: Any) -> None:
        logging.getLogger("kept.admission").debug("looks at %s", event)
        check(event, *more)

    admission.check = telling


if __name__ == "__main__":
    speak_up()
    if os.environ.get(LEAK):
        leak()
    main()
