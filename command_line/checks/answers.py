"""What a server says over HTTP, once, within a few seconds."""

from __future__ import annotations

import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec
import urllib3

from kept.errors import Retry, Stop
from kept.settings import Settings

SECONDS = 4.0
MOST_BYTES = 32 * 1024 * 1024
_T = TypeVar("_T")


def asked(settings: Settings, url: str, path: str, kind: type[_T]) -> _T:
    """The answer to a GET, as `kind`. Raises `Retry` when there is none, `Stop` when it is something else."""
    status, _, body = _get(settings, url, path)
    if status != 200:
        raise Stop(f"{url}: {path} answers {status}")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Stop(f"{url}: {path} answers something else than is documented ({error})") from error


def text(settings: Settings, url: str, path: str) -> str:
    """The text of an answer; raises as `asked` does."""
    status, _, body = _get(settings, url, path)
    if status != 200:
        raise Stop(f"{url}: {path} answers {status}")
    return body.decode(errors="replace")


def clock_of(settings: Settings, url: str) -> datetime.datetime | None:
    """The time that the server put on its answer; None when it puts none. Raises `Retry` when there is no answer."""
    _, headers, _ = _get(settings, url, "/")
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(datetime.UTC)
    except (KeyError, ValueError):
        return None


def _get(settings: Settings, url: str, path: str) -> tuple[int, Any, bytes]:
    pool = urllib3.PoolManager(
        retries=False, timeout=urllib3.Timeout(total=SECONDS), ca_certs=settings.ssl_cafile or None
    )
    try:
        with pool.request("GET", f"{url.rstrip('/')}{path}", preload_content=False, redirect=False) as answer:
            return answer.status, answer.headers, answer.read(MOST_BYTES)
    except urllib3.exceptions.HTTPError as error:
        reason = str(error.args[-1] if error.args else error).partition(": ")[2] or type(error).__name__
        raise Retry(f"{url}: does not answer ({reason})") from error
    finally:
        pool.clear()
