"""One process as a fault meets it: it may be down or frozen on purpose; else it is kept running."""

from __future__ import annotations

import signal

from local_stack.broker import Broker
from local_stack.chaos.wall_clock import WallClock
from local_stack.child import Child

STOP_SECONDS = 10.0
"""So long a process that is told to end may take."""


class Process:
    """A child under supervision. Use it from one thread: the leash is tied to that which starts the child."""

    def __init__(self, child: Child, clock: WallClock | None = None) -> None:
        self._child = child
        self._wanted = False
        self._gone_since: float | None = None
        self.clock = clock
        self.exits: list[int] = []
        """Exit codes of the times that it ended by itself."""

    @property
    def name(self) -> str:
        """For people."""
        return self._child.name

    def begin(self) -> None:
        """Start it, and keep it running from now on."""
        self._wanted = True
        if not self.running():
            self._start()

    def end(self) -> None:
        """End it by force and leave it: nothing that it might still say matters."""
        self.kill()

    def running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self._child.running()

    def kill(self) -> None:
        """`kill -9`; it stays down until `begin`."""
        self._wanted = False
        self._child.kill()

    def tell_to_end(self) -> None:
        """TERM; it stays down until `begin`."""
        self._wanted = False
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """STOP, CONT or TERM."""
        self._child.signal(number)

    def supervise(self, now: float, pause: float) -> None:
        """Start it again `pause` seconds after it was seen to have ended by itself."""
        if not self._wanted or self.running():
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
            self.exits.append(self._exit_code() or 0)
        elif now - self._gone_since >= pause:
            self._gone_since = None
            self._start()

    def log_tail(self) -> str:
        """The end of its log."""
        return self._child.log_tail(6)

    def _start(self) -> None:
        self._child.start()

    def _exit_code(self) -> int | None:
        return self._child.exit_code()


class BrokerProcess(Process):
    """The broker, which is shared by the stories of a run: it is never ended with one."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._wanted = True
        self._gone_since = None
        self.clock = None
        self.exits = []

    @property
    def name(self) -> str:
        """For people."""
        return "broker"

    def running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self._broker.running()

    def end(self) -> None:
        """Nothing: others use it."""

    def kill(self) -> None:
        """`kill -9`."""
        self._wanted = False
        self._broker.kill()

    def signal(self, number: signal.Signals) -> None:
        """STOP, CONT or TERM."""
        self._broker.signal(number)

    def log_tail(self) -> str:
        """The end of its log."""
        return self._broker.log_tail(6)

    def _start(self) -> None:
        """Returns when it answers."""
        self._broker.start()

    def _exit_code(self) -> int | None:
        return self._broker.exit_code()
