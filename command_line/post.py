"""`kept post`: the weekly summary by e-mail, each week once. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from catalogue import services_of
from command_line.history_choice import history_settings
from command_line.logs import write_logs
from command_line.stopping import asked_to_stop, within_grace
from history.open import open_history
from kept.catalogue import Catalogue
from kept.deliveries import Delivery
from kept.errors import ConfigurationError, KeptError
from kept.iso_week import IsoWeek, last_week_over, week_named
from kept.settings import Settings
from kept.time_zones import time_zones
from summaries.post.letter import is_there, prepare
from summaries.post.metrics import PostMetrics
from summaries.post.office import recipients_of, send
from summaries.post.round import Post
from summaries.post.serving import Rounds, serving

LOOK_SECONDS: Final = 60.0
AFTER_AN_ERROR_SECONDS: Final = 300.0
"""A mail server that is away is not asked every minute."""
GRACE_SECONDS: Final = 5.0
"""What is being sent when the process is told to end may take so long."""

log = logging.getLogger("kept.post")


def post(
    week: Annotated[str | None, typer.Option(help="Such as 2026-W47.", show_default="the last whole week")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also when it was delivered before.")] = False,
    every_week: Annotated[
        bool,
        typer.Option(
            "--every-week", help="Stay, send each week's summary when it is due, and serve /metrics and /healthz."
        ),
    ] = False,
    history: Annotated[Path | None, typer.Option(help="History file; else the store of the settings.")] = None,
) -> None:
    """Send the weekly summary by e-mail, each week once.

    To KEPT_SUMMARY_TO, through KEPT_SMTP_SERVER. What was delivered is recorded in the history: a restart sends nothing
    twice.
    """
    if every_week and (week is not None or again):
        raise ConfigurationError("--every-week sends what is due; leave out --week and --again")
    settings = history_settings(history)
    services = services_of(settings)
    sender = _post(settings, services)
    if every_week:
        write_logs(settings)
        _every_week(sender, settings)
        return
    now = time.time()
    name = (last_week_over(int(now), sender.zone) if week is None else _named(week)).name
    store = open_history(settings)
    try:
        delivery = sender.deliver(store, name, now, again=again)
        if delivery is not None:
            typer.echo(_sent(delivery))
        elif any(one.week == name for one in store.deliveries()):
            typer.echo(f"{name}: delivered before; --again sends it once more")
        else:
            raise ConfigurationError(
                f"--week: no figures of {name} are there; `kept summary --week {name}` says what is"
            )
    finally:
        store.close()


def _named(week: str) -> IsoWeek:
    try:
        return week_named(week)
    except ValueError as error:
        raise ConfigurationError(f"--week: {error}") from error


def _post(settings: Settings, services: Catalogue) -> Post:
    return Post(
        sender=settings.summary_from,
        recipients=recipients_of(settings),
        hour=settings.summary_hour,
        zone=_zone(settings, services),
        prepare=partial(prepare, services, settings.board_url),
        send=partial(send, settings=settings),
        is_there=partial(is_there, services),
    )


def _zone(settings: Settings, services: Catalogue) -> ZoneInfo:
    zones = {settings.summary_time_zone} if settings.summary_time_zone else {one.time_zone for one in services.values()}
    if len(zones) > 1:
        raise ConfigurationError(
            f"KEPT_SUMMARY_TIME_ZONE: not set, and the services are in {', '.join(sorted(zones))}; name the one in "
            "which Monday begins"
        )
    (name,) = zones
    if name not in time_zones():
        raise ConfigurationError(f"KEPT_SUMMARY_TIME_ZONE: {name!r}; valid: an IANA name such as Europe/Amsterdam")
    return ZoneInfo(name)


def _every_week(sender: Post, settings: Settings) -> None:
    metrics, rounds = PostMetrics(), Rounds()
    with serving(settings, metrics, rounds) as where, asked_to_stop() as stop:
        log.warning("the weekly summary goes to %d recipients; http://%s/metrics", len(sender.recipients), where)
        try:
            while not stop.wait(within_grace(stop, partial(_round, sender, settings, metrics), GRACE_SECONDS)):
                rounds.ended()
        except KeyboardInterrupt:
            log.warning("stopped while the mail server or the history did not answer; the next start tries it again")


def _round(sender: Post, settings: Settings, metrics: PostMetrics) -> float:
    """Send what is due, show what was missed; how long to wait (s) until the next."""
    now, wait = time.time(), LOOK_SECONDS
    try:
        store = open_history(settings)
        try:
            try:
                delivery = sender.step(store, now)
                if delivery is not None:
                    log.warning("%s", _sent(delivery))
            except KeptError as error:
                log.error("the summary was not sent or not recorded, and that is tried again: %s", error)
                wait = AFTER_AN_ERROR_SECONDS
            except Exception:  # a process that ends here would tell nobody of the missed week
                log.exception("the summary could not be made, and is tried again")
                wait = AFTER_AN_ERROR_SECONDS
            delivered = max((one.at for one in store.deliveries()), default=None)
            metrics.show(len(sender.missed(store, now)), delivered)
        finally:
            store.close()
    except KeptError as error:
        log.error("the history cannot be read: %s", error)
    return wait


def _sent(delivery: Delivery) -> str:
    who = "1 recipient" if delivery.to == 1 else f"{delivery.to} recipients"
    return f"{delivery.week}: sent to {who}"
