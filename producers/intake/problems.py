"""Why a request is refused: a closed set, told as `application/problem+json` (RFC 9457). No event's value is echoed."""

from __future__ import annotations

from typing import Any, Literal, get_args

from starlette.responses import JSONResponse

ProblemName = Literal[
    "bad_body",
    "bad_events",
    "unauthorized",
    "not_found",
    "method_not_allowed",
    "too_slow",
    "too_large",
    "wrong_type",
    "wrong_encoding",
    "busy",
    "too_many_requests",
    "too_many_failures",
    "spool_full",
    "spool_unwritable",
    "stopping",
    "internal",
]
PROBLEM_NAMES: tuple[ProblemName, ...] = get_args(ProblemName)

_STATUS_AND_TITLE: dict[ProblemName, tuple[int, str]] = {
    "bad_body": (400, "The body cannot be read"),
    "bad_events": (400, "Events cannot be counted; none of this request was accepted"),
    "unauthorized": (401, "A valid token is needed"),
    "not_found": (404, "There is nothing here; events go to POST /events"),
    "method_not_allowed": (405, "Events come by POST"),
    "too_slow": (408, "The body did not arrive in time"),
    "too_large": (413, "The body is too large"),
    "wrong_type": (415, "Not a CloudEvent in structured or batched mode"),
    "wrong_encoding": (415, "Not a content encoding that is read here"),
    "busy": (429, "Too many requests are under way"),
    "too_many_requests": (429, "Too many requests came from one sender"),
    "too_many_failures": (429, "Too many requests from one place had no valid token"),
    "spool_full": (429, "The spool is full"),
    "spool_unwritable": (503, "The spool cannot be written"),
    "stopping": (503, "The intake is stopping"),
    "internal": (500, "The intake has failed; see its log"),
}
_RETRY_AFTER_SECONDS: dict[ProblemName, int] = {"busy": 1, "spool_full": 10, "spool_unwritable": 10, "stopping": 5}


class Problem(Exception):
    """A request is refused: what was seen, what is valid, what to do; `more` are further members of the answer."""

    def __init__(
        self,
        name: ProblemName,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.name: ProblemName = name
        self.detail = detail
        self.headers = headers or {}
        self.more = more or {}

    def response(self) -> JSONResponse:
        """The answer."""
        status, title = _STATUS_AND_TITLE[self.name]
        headers = dict(self.headers)
        if self.name in _RETRY_AFTER_SECONDS:
            headers["retry-after"] = str(_RETRY_AFTER_SECONDS[self.name])
        body = {
            "type": f"urn:kept:problem:{self.name}",
            "title": title,
            "status": status,
            "detail": self.detail,
            **self.more,
        }
        return JSONResponse(body, status, headers, media_type="application/problem+json")
