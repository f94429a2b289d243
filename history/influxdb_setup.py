"""What Kept needs in an InfluxDB server: organization, buckets, two tokens, the daily task. Running it again is free.

Tokens go into files that only their owner may read, and nowhere else.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.onboarding_request import OnboardingRequest
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource
from influxdb_client.domain.task_create_request import TaskCreateRequest
from influxdb_client.domain.task_update_request import TaskUpdateRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.setup_service import SetupService
from msgspec import Struct

from history.daily_rollup import tasks
from history.influxdb_connection import SPEAKS_TLS, InfluxConnection, Refused, asked_in_the_clear, of_network
from kept.catalogue import Service
from kept.errors import ConfigurationError, KeptError, Retry, Stop
from kept.settings import Settings

DAY_SECONDS = 86_400
KEPT_SECONDS = 400 * DAY_SECONDS
"""A year to look back on, and a month to compare it with; the days are kept for ever."""
FOR_EVER = 0
TIMEOUT_MS = 30_000
WRITE_TOKEN, READ_TOKEN = "kept-write.token", "kept-read.token"
OWNER_ALONE, OWNER_AND_GROUP = 0o600, 0o640
"""Who may read a file with a secret."""
State = Literal["made", "is there", "brought up to date"]


class Step(Struct, frozen=True):
    """One thing that is there now: what kind, its name, and whether it was before. `remark` is for people."""

    kind: Literal["server", "organization", "bucket", "token", "task"]
    name: str
    state: State
    remark: str = ""


class InfluxSetup:
    """The steps, done with an operator's token (or one that may do all of them)."""

    def __init__(self, settings: Settings, operator_token: str) -> None:
        """`settings` name the server, the organization and the bucket."""
        self._settings = settings
        self._name = f"InfluxDB {settings.influxdb_url}"
        self._daily = f"{settings.influxdb_bucket}_daily"
        self._client = InfluxDBClient(
            settings.influxdb_url,
            token=operator_token,
            org=settings.influxdb_org,
            timeout=TIMEOUT_MS,
            ssl_ca_cert=settings.ssl_cafile,
        )

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def is_empty(self) -> bool:
        """Whether the server was never set up: it has no user and no token yet."""
        with self._mapped("ask whether it is set up"):
            return bool(SetupService(self._client.api_client).get_setup().allowed)

    def first_set_up(self, username: str, password: str, token: str) -> Step:
        """Make the first user, the organization and the bucket of an empty server; `token` becomes the operator's."""
        request = OnboardingRequest(
            username=username,
            password=password,
            org=self._settings.influxdb_org,
            bucket=self._settings.influxdb_bucket,
            retention_period_seconds=KEPT_SECONDS,
            token=token,
        )
        with self._mapped("set it up"):
            SetupService(self._client.api_client).post_setup(request)
        return Step("server", self._settings.influxdb_url, "made", f"first user {username}")

    def run(
        self, folder: Path, services: Sequence[Service], *, read_folder: Path | None = None, mode: int = OWNER_ALONE
    ) -> Iterator[Step]:
        """Make what is missing, one step after the other; tokens go into files of `mode` in `folder`.

        That of readers goes into `read_folder` if there is one, so that who reads it never sees the other.
        """
        org_id, step = self._organization()
        yield step
        kept, step = self._bucket(org_id, self._settings.influxdb_bucket, KEPT_SECONDS)
        yield step
        daily, step = self._bucket(org_id, self._daily, FOR_EVER)
        yield step
        of_readers = read_folder or folder
        make_folder(folder)
        make_folder(of_readers)
        # A worker reads what it amends; it has no business with the days.
        both = (kept, daily)
        yield self._token(org_id, folder / WRITE_TOKEN, mode, [("read", kept), ("write", kept)], both)
        yield self._token(org_id, of_readers / READ_TOKEN, mode, [("read", kept), ("read", daily)], both)
        for name, text in tasks(services, self._settings.influxdb_bucket, self._daily).items():
            yield self._task(org_id, name, text)

    def _organization(self) -> tuple[str, Step]:
        name = self._settings.influxdb_org
        with self._mapped(f"look for organization {name}"):
            found = [each for each in self._client.organizations_api().find_organizations() if each.name == name]
        if found:
            return str(found[0].id), Step("organization", name, "is there")
        with self._mapped(f"make organization {name}"):
            made = self._client.organizations_api().create_organization(name=name)
        return str(made.id), Step("organization", name, "made")

    def _bucket(self, org_id: str, name: str, seconds: int) -> tuple[Bucket, Step]:
        buckets = self._client.buckets_api()
        with self._mapped(f"look for bucket {name}"):
            found = [each for each in buckets.find_buckets_iter(org_id=org_id) if each.name == name]
        if found:
            rules = found[0].retention_rules
            has = rules[0].every_seconds if rules else FOR_EVER
            remark = "" if has == seconds else f"keeps {_duration(has)} instead of {_duration(seconds)}: left as it is"
            return found[0], Step("bucket", name, "is there", remark)
        # One point a day makes small shards: a year of them each.
        shard = 365 * DAY_SECONDS if seconds == FOR_EVER else None
        rule = BucketRetentionRules(every_seconds=seconds, shard_group_duration_seconds=shard)
        with self._mapped(f"make bucket {name}"):
            made = buckets.create_bucket(bucket_name=name, retention_rules=rule, org=org_id)
        return made, Step("bucket", name, "made", f"keeps {_duration(seconds)}")

    def _token(
        self, org_id: str, file: Path, mode: int, rights: Sequence[tuple[str, Bucket]], buckets: Sequence[Bucket]
    ) -> Step:
        """A token with these rights in `file`; the one that is there is left when of `buckets` it has these alone."""
        wrong = self._what_is_wrong(read_secret(file), rights, buckets) if file.exists() else ""
        if wrong is None:
            set_mode(file, mode)
            return Step("token", str(file), "is there")
        permissions = [
            Permission(action=action, resource=PermissionResource(type="buckets", id=bucket.id, org_id=org_id))
            for action, bucket in rights
        ]
        with self._mapped(f"make the token {file.stem}"):
            made = self._client.authorizations_api().create_authorization(org_id, permissions)
        write_secret(file, str(made.token), mode)
        may = ", ".join(f"{action} {bucket.name}" for action, bucket in rights)
        return Step("token", str(file), "made", f"may {may}{wrong}")

    def _what_is_wrong(self, token: str, rights: Sequence[tuple[str, Bucket]], buckets: Sequence[Bucket]) -> str | None:
        """What is wrong with the token of a file, as the end of a remark; None when nothing is."""
        wanted = {(action, bucket.name) for action, bucket in rights}
        connection = InfluxConnection(
            self._settings.influxdb_url, self._settings.influxdb_org, token, ca_file=self._settings.ssl_cafile
        )
        try:
            has = {
                (action, b.name) for action in ("read", "write") for b in buckets if _may(connection, action, b.name)
            }
        finally:
            connection.close()
        if wanted - has:
            return "; the one that was in the file did not work"
        return "; the one that was in the file could do more" if has - wanted else None

    def _task(self, org_id: str, name: str, text: str) -> Step:
        api = self._client.tasks_api()
        with self._mapped(f"look for task {name}"):
            found = api.find_tasks(name=name, org_id=org_id)
        if found and found[0].flux.strip() == text.strip():
            return Step("task", name, "is there")
        if found:
            with self._mapped(f"change task {name}"):
                api.update_task_request(found[0].id, TaskUpdateRequest(flux=text, status="active"))
            return Step("task", name, "brought up to date")
        with self._mapped(f"make task {name}"):
            api.create_task(task_create_request=TaskCreateRequest(org_id=org_id, flux=text, status="active"))
        return Step("task", name, "made", "every hour")

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._kept_error(error, doing) from error
        except urllib3.exceptions.HTTPError as error:
            raise Retry(f"{self._name}: does not answer; start it, or set KEPT_INFLUXDB_URL") from error

    def _kept_error(self, error: ApiException, doing: str) -> KeptError:
        said: Any = error.message
        if not error.status:  # no answer: the client's word for a failure of TLS
            return of_network(self._name, error, self._settings.ssl_cafile)
        if error.status in (401, 403):
            return Stop(f"{self._name}: the token may not {doing} ({error.status}); give an operator's in --token-file")
        if asked_in_the_clear(said):
            return Stop(f"{self._name}: {SPEAKS_TLS}")
        if error.status >= 500:
            return Retry(f"{self._name}: could not {doing} ({error.status} {said}); try again")
        return Stop(f"{self._name}: could not {doing} ({error.status} {said})")


def _may(connection: InfluxConnection, action: str, bucket: str) -> bool:
    try:
        if action == "read":
            connection.query("from(bucket: bucket) |> range(start: -1s) |> limit(n: 1)", {"bucket": bucket})
        else:
            connection.write(bucket, b"# a comment writes nothing, and needs the right to write", "s")
    except (Stop, Refused):
        return False
    return True


def make_folder(folder: Path) -> None:
    """Make the folder for secrets, for its owner alone; one that is there stays as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"{folder}: cannot be made: {error.strerror}; name another place") from error


def read_secret(file: Path) -> str:
    """The secret in `file`. Raises `ConfigurationError` when it cannot be read or is empty."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from error
    if not secret:
        raise ConfigurationError(f"{file}: is empty; a secret is expected in it")
    return secret


def set_mode(file: Path, mode: int) -> None:
    """Who may read a secret that is there already. Raises `Stop`."""
    try:
        file.chmod(mode)
    except OSError as error:
        raise Stop(f"{file}: its rights cannot be set: {error.strerror}; it belongs to somebody else") from error


def check_place(file: Path) -> None:
    """Whether a secret can be put into `file`, asked before what it is for is made. Raises `Stop`."""
    make_folder(file.absolute().parent)
    trial = file.with_name(f".{file.name}.trial-{secrets.token_hex(4)}")
    write_secret(trial, "")
    trial.unlink()


def write_secret(file: Path, secret: str, mode: int = OWNER_ALONE) -> None:
    """Put `secret` into `file` with `mode`, in one step. Raises `Stop`."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, mode)
            stream.write(secret + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Stop(f"{file}: cannot be written: {error.strerror}; name another place") from error


def _duration(seconds: int) -> str:
    return "for ever" if seconds == FOR_EVER else f"{seconds // DAY_SECONDS} d"
