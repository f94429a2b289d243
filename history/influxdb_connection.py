"""A connection to InfluxDB 2 that may be used from any thread: its event loop has a thread of its own.

Every failure becomes `Retry` or `Stop`. When the server says for how long it wants to be left alone (`Retry-After`), it
is: calls before that fail at once with `Retry`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, TypeVar, cast

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from kept.errors import KeptError, Retry, Stop
from kept.refused_connections import certificate_refused, speaks_no_tls

TIMEOUT_SECONDS = 10.0
"""How long one request may take: a server that hangs counts as away."""
LONGEST_PAUSE_SECONDS = 300.0
"""A longer `Retry-After` is not believed."""
RETRY_STATUS = frozenset({408, 425, 429})
"""Statuses below 500 after which the same request may succeed; so may it after all of 500 and more."""
TO_INIT = "`kept influx init` makes what is missing"
SPEAKS_TLS = "it speaks TLS there; let KEPT_INFLUXDB_URL begin with https"

Precision = Literal["s", "ns"]

T = TypeVar("T")


class Refused(Exception):
    """The server will not take this body: `status` and what it said."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class InfluxConnection:
    """One server, organization and token."""

    def __init__(
        self,
        url: str,
        org: str,
        token: str,
        *,
        ca_file: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes no contact yet. `ca_file`: certificates to trust, None means those of the system."""
        self.name = f"history {url}"
        self._ca_file = ca_file
        self._clock = clock
        self._not_before = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="influxdb", daemon=True)
        self._thread.start()
        try:
            self._client: InfluxDBClientAsync | None = self._await(_connect(url, org, token, ca_file, timeout_seconds))
        except (OSError, ValueError) as error:
            self._end_thread()
            raise Stop(f"{self.name}: KEPT_SSL_CAFILE {ca_file!r} cannot be used: {error}") from error

    def write(self, bucket: str, body: bytes, precision: Precision) -> None:
        """Send lines; returns when the server has them on disk. Raises `Refused` when it will not take some of them."""

        async def send(client: InfluxDBClientAsync) -> None:
            await client.write_api().write(bucket, record=body, write_precision=cast(WritePrecision, precision))

        self._call(send, f"write to bucket {bucket}", refusals=True)

    def query(self, flux: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows that a query gives; `values` are bound to its free names by the server, never pasted into its text."""

        async def ask(client: InfluxDBClientAsync) -> list[dict[str, Any]]:
            tables = await client.query_api().query(flux, params=dict(values))
            return [record.values for table in tables for record in table.records]

        return self._call(ask, f"read bucket {values['bucket']}", refusals=False)

    def close(self) -> None:
        """End the connection and its thread; idempotent. A call under way in another thread ends with `Stop`."""
        if self._client is not None:
            client, self._client = self._client, None
            self._await(_end(client))
            self._end_thread()

    def _call(self, work: Callable[[InfluxDBClientAsync], Coroutine[Any, Any, T]], doing: str, *, refusals: bool) -> T:
        if self._client is None:
            raise Stop(f"{self.name}: used after it was closed")
        pause = self._not_before - self._clock()
        if pause > 0:
            raise Retry(f"{self.name}: the server asked to be left alone for {pause:.0f} s more")

        try:
            return self._await(work(self._client))
        except ApiException as error:
            if refusals and _is_of_the_lines(error):
                raise Refused(error.status, str(error.message)) from error
            self._heed(error.retry_after)
            raise _of_status(self.name, doing, error) from error
        except (aiohttp.ClientError, OSError, TimeoutError, InfluxDBError) as error:
            raise of_network(self.name, error, self._ca_file) from error
        except (FluxQueryException, FluxCsvParserException) as error:  # the answer broke off in the middle
            raise Retry(f"{self.name}: could not {doing}: {error}") from error
        except concurrent.futures.CancelledError as error:
            raise Stop(f"{self.name}: closed during a call") from error

    def _heed(self, retry_after: str | None) -> None:
        """Remember until when the server wants to be left alone."""
        if retry_after is not None and retry_after.isdecimal():
            self._not_before = self._clock() + min(float(retry_after), LONGEST_PAUSE_SECONDS)

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _connect(url: str, org: str, token: str, ca_file: str | None, timeout_seconds: float) -> InfluxDBClientAsync:
    return InfluxDBClientAsync(
        url,
        token=token,
        org=org,
        timeout=int(timeout_seconds * 1000),
        ssl_ca_cert=ca_file,
        # Followed, a redirect would take the token to wherever it points.
        allow_redirects=False,
    )


async def _end(client: InfluxDBClientAsync) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.close()


def _is_of_the_lines(error: ApiException) -> bool:
    """Whether other lines might be taken. What is no InfluxDB, such as a TLS port asked in the clear, refuses all."""
    if error.status == 413:
        return True
    try:
        told = json.loads(error.body or b"")
    except ValueError:
        return False
    return error.status in (400, 422) and isinstance(told, dict) and "code" in told


def asked_in_the_clear(said: object) -> bool:
    """Whether what a server says of a request means that its port speaks TLS alone."""
    return "HTTPS server" in str(said)


def of_network(name: str, error: Exception, ca_file: str | None) -> KeptError:
    """The verb for a request without an answer; `ca_file` names the authorities that were trusted."""
    refused = certificate_refused(error, ca_file, "KEPT_INFLUXDB_URL")
    if refused is not None:
        return Stop(f"{name}: {refused}")
    if speaks_no_tls(error):
        return Retry(f"{name}: it does not speak TLS there; with http in KEPT_INFLUXDB_URL it is not asked for")
    if isinstance(error, aiohttp.InvalidURL):
        return Stop(f"{name}: not a usable address; set KEPT_INFLUXDB_URL")
    why = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return Retry(f"{name}: {why}; try again")


def _of_status(name: str, doing: str, error: ApiException) -> KeptError:
    """The verb for an answer that is no success."""
    status, said = error.status, error.message
    if status in RETRY_STATUS or status >= 500:
        return Retry(f"{name}: could not {doing} ({status} {said}); try again")
    if status == 401:
        return Stop(f"{name}: the token is not valid (401); give a valid one in KEPT_INFLUXDB_TOKEN_FILE. {TO_INIT}")
    if status == 403 and "inactive" in str(said):
        return Stop(f"{name}: the token was taken back (403); give another in KEPT_INFLUXDB_TOKEN_FILE. {TO_INIT}")
    if status == 403:
        return Stop(
            f"{name}: the token may not {doing} (403); give one that may in KEPT_INFLUXDB_TOKEN_FILE. {TO_INIT}"
        )
    if status == 404 or "organization" in str(said):
        return Stop(
            f"{name}: could not {doing}: {said}; either it is not there or the token may not see it. Check "
            f"KEPT_INFLUXDB_ORG, KEPT_INFLUXDB_BUCKET and the token. {TO_INIT}"
        )
    if asked_in_the_clear(said):
        return Stop(f"{name}: {SPEAKS_TLS}")
    return Stop(f"{name}: could not {doing} ({status} {said}); check that KEPT_INFLUXDB_URL is an InfluxDB 2 server")
