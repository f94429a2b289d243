"""What every page stands on: how it is asked, what was known then, templates, and answers to what cannot be shown."""

from __future__ import annotations

import csv
import io
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from kept.asked_moment import asked_moment
from kept.catalogue import Catalogue, Service
from kept.errors import KeptError, Retry
from summaries import wording
from summaries.known import HistoryReader, Known, OpenHistory
from summaries.posted import Refused, read_form
from summaries.slices import slice_text

log = logging.getLogger(__name__)


class Recording(Struct, frozen=True):
    """That decisions may be recorded from the page: how the history is opened for writing, and by whom.

    `by_anyone`: also by who is not logged in, under the name they give; for a board that only its own machine reaches.
    """

    open: OpenHistory
    by_anyone: bool


Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
KEPT_IN_LINKS = ("as_of", "theme")
"""What of an address goes along when somebody follows a link from page to page."""
MOST_QUERY_CHARACTERS = 2000
COSTLY_AT_ONCE = 2
MOST_WAIT_SECONDS = 20.0
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PUBLIC = "/promises"
"""Under this path everybody may read without logging in, and nothing leads to a page that is not under it."""
NOT_MADE = "This page could not be made; the others work."
PUBLIC_FAILURE = "We cannot show the figures just now. Please come back in a few minutes."


class NotFound(Exception):
    """There is no such service, week, …: `what` was asked for, and what there is. A page says so with status 404."""

    def __init__(self, what: str, choices: Sequence[tuple[str, str]] = ()) -> None:
        """`choices` are (path, label) of what there is."""
        super().__init__(what)
        self.what = what
        self.choices = choices


class BadRequest(Exception):
    """A query makes no sense; the message says what was seen, what is valid and what to do. Status 400."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a page was asked: `path` with its `parts`, the query, and who asks (None: nobody logged in).

    `as_of` is the moment asked for (s), None for now; `theme` is None when the reader's own setting decides.
    """

    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    as_of: int | None = None
    theme: Theme | None = None
    user: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether it is one of the pages for everybody."""
        return self.path == PUBLIC or self.path.startswith(f"{PUBLIC}/")

    def link(self, path: str, **query: str | int | None) -> str:
        """`path` with `query`, and with what goes along from page to page."""
        along: dict[str, str | int | None] = {name: self.query.get(name) for name in KEPT_IN_LINKS}
        said = {name: value for name, value in (along | query).items() if value is not None}
        return quote(path, safe="/%") + (f"?{urlencode(said)}" if said else "")

    def choice(self, name: str, valid: Sequence[str], default: str) -> str:
        """The query's choice of `name`; raises `BadRequest` for one that is not among `valid`."""
        seen = self.query.get(name, default)
        if seen not in valid:
            raise BadRequest(f"{name}: {seen[:60]!r} is not known; valid: {', '.join(valid)}")
        return seen

    def only(self, valid: Sequence[str]) -> None:
        """Raises `BadRequest` for a name of the query that is neither `valid` nor goes along from page to page."""
        known = (*valid, *KEPT_IN_LINKS, "screen")
        unknown = next((name for name in self.query if name not in known), None)
        if unknown is not None:
            raise BadRequest(f"{unknown[:60]!r} is not asked of this page; valid: {', '.join(valid)}")


Handler = Callable[[Asked, Known], Response]
"""Makes a page: pure but for what it asks `Known`. It runs in a thread, and may raise what `Site.route` answers."""

FormHandler = Callable[[Asked, Known, Mapping[str, str]], Response]
"""Does what a form asks for, and answers; the fields of the form are its argument `form`."""


class Site:
    """The pages' common ground, for one catalogue and one history."""

    def __init__(
        self,
        catalogue: Catalogue,
        history: HistoryReader,
        clock: Callable[[], float],
        recording: Recording | None = None,
    ) -> None:
        """`clock` gives epoch seconds: it only tells how far the data are behind, which week is over, and when
        something is recorded. Without `recording` nothing is ever written.
        """
        self.recording = recording
        self.catalogue = catalogue
        self.history = history
        self.clock = clock
        self.nav: list[tuple[str, str]] = []
        self._costly = threading.BoundedSemaphore(COSTLY_AT_ONCE)
        zones = {service.time_zone for service in catalogue.values()}
        self.zone = ZoneInfo(zones.pop()) if len(zones) == 1 else None
        """The one time zone of all services; None when they are in several."""
        self._templates = Environment(
            loader=PackageLoader("summaries"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["wording"] = wording
        self._templates.globals["slice_text"] = slice_text
        by_name = sorted(catalogue.values(), key=lambda service: (service.name, service.id))
        self._templates.globals["every_service"] = by_name

    def service(self, asked: Asked, part: str = "service") -> Service:
        """The service that the path names; raises `NotFound` that says which there are."""
        name = asked.parts[part]
        found = self.catalogue.get(name)
        if found is None:
            raise NotFound(f"No service is known as “{name[:80]}”.", self.services(asked))
        return found

    def services(self, asked: Asked) -> list[tuple[str, str]]:
        """(path, name) of each service's page, by name."""
        by_name = sorted(self.catalogue.values(), key=lambda service: (service.name, service.id))
        pages = PUBLIC if asked.is_public else "/service"
        return [(asked.link(f"{pages}/{service.id}"), service.name) for service in by_name]

    def render(self, asked: Asked, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of a template, which has `asked`, `link`, `nav` and its `frame` beside its `values`."""
        as_of = None if asked.as_of is None else wording.moment(asked.as_of, self.zone or ZoneInfo("UTC"))
        text = self._templates.get_template(template).render(
            asked=asked,
            link=asked.link,
            nav=self.nav,
            as_of_words=as_of,
            frame="public.html" if asked.is_public else "page.html",
            **values,
        )
        return HTMLResponse(text, status)

    def route(self, path: str, handler: Handler, *, as_data: bool = False, costly: bool = False) -> Route:
        """`handler` under `path`, with an answer for each way in which it may fail; `as_data`: as JSON.

        Of `costly` pages two are made at once: many readers at once must not take the memory of all.
        """
        if costly:
            handler = self._one_of_few(handler)

        async def endpoint(request: Request) -> Response:
            asked, problem = self._asked(request)
            if problem is not None:
                return self._refusal(asked, 400, problem, as_data)
            return await run_in_threadpool(self._answer, asked, handler, as_data)

        return Route(path, endpoint)

    def form_route(self, path: str, handler: FormHandler) -> Route:
        """`handler` of what a form of a page sends to `path`, with the answers of `route`, and those to strangers."""

        async def endpoint(request: Request) -> Response:
            asked, problem = self._asked(request)
            if problem is not None:
                return self._refusal(asked, 400, problem, as_data=False)
            try:
                form = await read_form(request)
            except Refused as error:
                return self._refusal(asked, error.status, f"{error}.", as_data=False)
            return await run_in_threadpool(self._answer, asked, lambda asked, known: handler(asked, known, form), False)

        return Route(path, endpoint, methods=["POST"])

    def _one_of_few(self, handler: Handler) -> Handler:
        def waiting(asked: Asked, known: Known) -> Response:
            if not self._costly.acquire(timeout=MOST_WAIT_SECONDS):
                raise Retry("many ask for such a page at once; ask again in a moment")
            try:
                return handler(asked, known)
            finally:
                self._costly.release()

        return waiting

    def not_found(self, asked: Asked, error: NotFound | None = None, *, as_data: bool = False) -> Response:
        """What was asked for, and what there is."""
        what = error.what if error is not None else f"Nothing is known under {asked.path[:200]}."
        choices = error.choices if error is not None else self.services(asked)
        if as_data:
            return JSONResponse({"error": what, "services": sorted(self.catalogue)}, 404)
        return self.render(asked, "not_found.html", 404, what=what, choices=choices)

    def _answer(self, asked: Asked, handler: Handler, as_data: bool) -> Response:
        known = Known(self.history, self.catalogue, asked.as_of)
        try:
            return handler(asked, known)
        except NotFound as error:
            return self.not_found(asked, error, as_data=as_data)
        except BadRequest as error:
            return self._refusal(asked, 400, str(error), as_data)
        except KeptError as error:
            status = 503 if isinstance(error, Retry) else 500
            # What failed names addresses and files: that is for those who run it, not for everybody.
            answer = self._refusal(asked, status, PUBLIC_FAILURE if asked.is_public else f"{error}.", as_data)
            if status == 503:
                answer.headers["retry-after"] = "5"
            return answer
        except Exception:
            log.exception("the page %s could not be made", asked.path[:200])
            return self._refusal(asked, 500, NOT_MADE, as_data)

    def _refusal(self, asked: Asked, status: int, words: str, as_data: bool) -> Response:
        if as_data:
            return JSONResponse({"error": words}, status)
        return self.render(asked, "refused.html", status, code=status, words=words, not_made=NOT_MADE)

    def _asked(self, request: Request) -> tuple[Asked, str | None]:
        """What was asked, and what is wrong with it."""
        user = request.scope.get("kept_user")
        path, parts = request.url.path, {name: str(value) for name, value in request.path_params.items()}
        plain = Asked(path=path, parts=parts, query={}, user=user)
        if len(request.url.query) > MOST_QUERY_CHARACTERS:
            return plain, f"the query is longer than {MOST_QUERY_CHARACTERS} characters; follow a link of a page"
        query = dict(request.query_params)
        theme = next((name for name in THEMES if name == query.get("theme")), None)
        if "theme" in query and theme is None:
            return plain, f"theme: {query['theme'][:60]!r} is not known; valid: {', '.join(THEMES)}"
        try:
            as_of = None if not query.get("as_of") else asked_moment(query["as_of"], self.zone)
        except ValueError as error:
            return plain, f"as_of: {error}"
        if as_of is not None and as_of > self.clock():
            return plain, f"as_of: {query['as_of'][:60]!r} is still to come; valid: a moment of the past"
        return Asked(path=path, parts=parts, query=query, as_of=as_of, theme=theme, user=user), None


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A table as a CSV file `name`; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return Response(
        text.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def harmless(cell: object) -> object:
    """A cell that no spreadsheet computes."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
