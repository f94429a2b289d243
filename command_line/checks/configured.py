"""Do the settings and the catalogue make sense, and are the secrets kept?"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalogue import services_of
from command_line.checks.finding import Finding, mend, note, ok
from kept.case_hashing import KEY_VARIABLE, CaseKey
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, KeptError
from kept.settings import PREFIX, SECRETS, Settings, read_settings
from kept.state_formats import FORMATS
from kept.tls import tls_context


def settings(environment: Mapping[str, str]) -> tuple[list[Finding], Settings | None]:
    """What is said of the settings, and the settings when they can be read."""
    given = sorted(name for name in environment if name.startswith(PREFIX))
    try:
        read = read_settings(environment)
    except ConfigurationError as error:
        return [mend("settings", str(error), "see docs/settings.md")], None
    seen = ", ".join(given) if given else f"none: the defaults of one machine, broker {read.brokers}"
    return [ok("settings", seen)], read


def secrets(environment: Mapping[str, str]) -> list[Finding]:
    """Secrets belong into files that only their owner reads."""
    return list(_secrets(environment)) or [ok("secrets", "none given")]


def security(settings: Settings) -> list[Finding]:
    """Are the certificates readable, and is anything secret sent in the clear?"""
    return list(_security(settings))


def services(settings: Settings) -> list[Finding]:
    """The catalogue, as `kept catalogue check` reads it."""
    try:
        found = services_of(settings)
    except (KeptError, OSError) as error:
        return [mend("catalogue", str(error), "mend it, and look with: kept catalogue check")]
    where = settings.catalogue or "the simulated city"
    said = [ok("catalogue", f"{len(found)} service{'' if len(found) == 1 else 's'} in {where}")]
    return [*said, *_case_ids(found, settings)]


def _case_ids(found: Catalogue, settings: Settings) -> Iterator[Finding]:
    asking = sum(service.privacy.case_ids == "hashed" for service in found.values())
    who = f"{asking} service{'' if asking == 1 else 's'}"
    if not asking:
        return
    if not settings.case_key:
        seen = f"the catalogue asks for hashed case ids of {who}, and {KEY_VARIABLE} is not set"
        yield note("case ids", seen, "only what publishes events needs the key: see docs/privacy.md")
        return
    try:
        key = CaseKey(settings.case_key)
    except ConfigurationError as error:
        yield mend("case ids", str(error), "put the key of the other producers there: see docs/privacy.md")
        return
    yield ok("case ids", f"hashed for {who}; fingerprint {key.fingerprint}, the same on all machines that publish")


def state_format(settings: Settings) -> list[Finding]:
    """Can this release write the format that the settings ask for?"""
    try:
        return [ok("state format", f"written in {FORMATS.written(settings.state_format)}")]
    except ConfigurationError as error:
        return [mend("state format", str(error), "see docs/upgrading.md")]


def _secrets(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(SECRETS):
        variable = f"{PREFIX}{name.upper()}"
        if variable in environment:
            fix = f"put it into a file that only its owner may read, and set {variable}_FILE"
            yield note(variable, "a secret in a plain variable: child processes and crash reports have it", fix)
        path = environment.get(f"{variable}_FILE")
        if path is not None:
            yield _private(f"{variable}_FILE", Path(path))
    key = environment.get(f"{PREFIX}SSL_KEYFILE") or environment.get(f"{PREFIX}SSL_CERTFILE")
    if key:
        yield _private(f"{PREFIX}SSL_KEYFILE", Path(key))


def _private(variable: str, path: Path) -> Finding:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return mend(variable, f"{path}: {error.strerror}", "name a file that this user may read")
    if mode & stat.S_IRWXO:
        return mend(variable, f"every user of this machine may read {path}", f"chmod o= {path}")
    return ok(variable, f"{path}, mode {stat.S_IMODE(mode):o}")


def _security(settings: Settings) -> Iterator[Finding]:
    what = "security"
    unused = settings.sasl_username is not None and not settings.uses_sasl()
    if unused:
        seen = f"{PREFIX}SECURITY_PROTOCOL is {settings.security_protocol}: {PREFIX}SASL_USERNAME means nothing"
        yield note(what, seen, f"set {PREFIX}SECURITY_PROTOCOL, or take it away")
    if settings.security_protocol == "SASL_PLAINTEXT":
        yield note(what, "the login and all events go over the network unencrypted", "use SASL_SSL")
    if settings.uses_tls():
        try:
            tls_context(settings)
        except ConfigurationError as error:
            yield mend("certificates", str(error), "see docs/kafka.md")
            return
        yield ok("certificates", f"trusted: {settings.ssl_cafile or 'the authorities of the system'}")
    if not unused and settings.security_protocol != "SASL_PLAINTEXT":
        yield ok(what, settings.security_protocol)
