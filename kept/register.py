"""The case register of one source partition: the packed facts of each subject, by service, and when they may go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kept.cases import is_open
from kept.durations import DAY_MS
from kept.facts import Facts, pack, raised, unpack
from kept.state_records import CASE, Record

_FORMER = b"\0"
"""Behind a subject, which holds no control character: what was known under it before it was used again."""


def subject_of(case: bytes) -> str:
    """The subject in the key of a record, behind its kind."""
    return case.split(b"\0")[1].decode()


class ServiceCases:
    """The cases of one service: packed facts by subject (UTF-8), and the subjects that changed since last asked."""

    __slots__ = ("_expiry", "_retention", "changed", "key", "packed")

    def __init__(self, service: str, retention: int | None) -> None:
        """`retention` (ms) of a case that is over; None: none is let go, as of a service that is in no catalogue."""
        self.key = CASE + service.encode() + b"\0"
        self.packed: dict[bytes, bytes] = {}
        self.changed: set[bytes] = set()
        self._retention = retention
        self._expiry: dict[int, list[bytes]] = {}

    def schedule(self, subject: bytes, facts: Facts) -> None:
        """Note when a case that is not open leaves the register: after another retention, in which it can be told late
        of what happened in time."""
        if self._retention is not None and not is_open(facts):
            self._expiry.setdefault(self._leaves_on(facts, self._retention), []).append(subject)

    def begin_anew(self, subject: bytes, facts: Facts) -> None:
        """Keep the `facts` of a closed case apart: its id is used again, and events of its own time may still come."""
        former = subject + _FORMER
        self.packed[former] = self.packed.pop(subject)
        self.changed.add(former)
        self.schedule(former, facts)

    def former(self, subject: bytes) -> tuple[bytes, Facts | None]:
        """Under which name the closed case is known whose id was used again, and its facts; None when there is none."""
        former = subject + _FORMER
        packed = self.packed.get(former)
        return former, None if packed is None else unpack(packed)

    def expire(self, today: int) -> None:
        """Let go of what is past its retention on day `today`, counted from 1970."""
        for day in [day for day in self._expiry if day <= today]:
            for subject in self._expiry.pop(day):
                packed = self.packed.get(subject)
                if packed is None or self._retention is None:
                    continue
                facts = unpack(packed)
                if not is_open(facts) and self._leaves_on(facts, self._retention) <= today:
                    del self.packed[subject]
                    self.changed.add(subject)

    @staticmethod
    def _leaves_on(facts: Facts, retention: int) -> int:
        return (facts[-1].time + 2 * retention) // DAY_MS + 1


class CaseRegister:
    """Every case that a partition knows of."""

    def __init__(self, retentions: Mapping[str, int]) -> None:
        """`retentions` (ms) of closed cases by service."""
        self._retentions = retentions
        self._services: dict[str, ServiceCases] = {}

    def __len__(self) -> int:
        return sum(len(cases.packed) for cases in self._services.values())

    def of(self, service: str) -> ServiceCases:
        """The cases of `service`."""
        cases = self._services.get(service)
        if cases is None:
            cases = self._services[service] = ServiceCases(service, self._retentions.get(service))
        return cases

    def put(self, case: bytes, packed: bytes | None) -> None:
        """Take in a record while restoring: `case` is its key behind its kind. Then call `restored`."""
        service, _, subject = case.partition(b"\0")
        of_service = self.of(service.decode()).packed
        if packed is None:
            of_service.pop(subject, None)
        else:
            of_service[subject] = packed

    def restored(self) -> None:
        """The last record was taken in: note when cases leave, and know all facts as they are packed today."""
        for cases in self._services.values():
            for subject, packed in cases.packed.items():
                found = unpack(packed)
                facts = raised(found)
                if facts is not found:
                    cases.packed[subject] = pack(facts)
                cases.schedule(subject, facts)

    def open_cases(self) -> dict[str, int]:
        """Open cases by service."""
        counts = {
            service: sum(is_open(unpack(packed)) for packed in cases.packed.values())
            for service, cases in self._services.items()
        }
        return {service: count for service, count in counts.items() if count}

    def expire(self, watermark_ms: int) -> None:
        """Let go of what is past its retention, by event time."""
        for cases in self._services.values():
            cases.expire(watermark_ms // DAY_MS)

    def take_changed(self) -> Iterator[Record]:
        """A record of each case that changed since the last call; one without a value has gone."""
        for cases in self._services.values():
            changed, cases.changed = cases.changed, set()
            for subject in changed:
                yield cases.key + subject, cases.packed.get(subject)
