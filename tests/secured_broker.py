"""A real broker that clients reach over TLS and SASL only by the rules: every kind of security has its own port.

What is not granted is refused. Only the plain port, over which the broker speaks with itself, may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from kept.rights import ROLE_HELP, Right, Role, rights
from kept.settings import Settings
from local_stack.broker import Broker, Listener
from local_stack.ports import LOOPBACK, free_port
from tests.certificates import Authority

PASSWORD = "a-Secret-nobody-shall-read"
USERS: dict[Role, str] = {role: f"kept-{role}" for role in ROLE_HELP}
"""One user for each role."""
STRANGER = "kept-stranger"
"""Has the same password and only the rights that a test grants."""
BY_CERTIFICATE = "CN=kept-client"
"""Who comes with the client certificate, as the broker knows them."""
HERE = f"IP:{LOOPBACK}"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required " + " ".join(
    f'user_{name}="{PASSWORD}"' for name in USERS.values()
)


class SecuredBroker:
    """The broker, its authority, and settings for each way in."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "authority")
        self.other_authority = Authority(folder, "other-authority")
        self.client_certificate, self.client_key = self.authority.issue("kept-client", "DNS:client.example.org")
        self.stranger_certificate, self.stranger_key = self.other_authority.issue("stranger", "DNS:x.example.org")
        self.password_file = folder / "password"
        self.password_file.write_text(f"{PASSWORD}\n")
        self.password_file.chmod(0o600)
        here = _keystore(self.authority.keystore("broker", HERE))
        expired = _keystore(self.authority.keystore("late-broker", HERE, expired=True))
        elsewhere = _keystore(self.authority.keystore("elsewhere", "DNS:elsewhere.example.org"))
        truststore = {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(self.authority.certificate)}
        scram = {"sasl.enabled.mechanisms": "SCRAM-SHA-512", "scram-sha-512.sasl.jaas.config": SCRAM}
        plain = {"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": f"{PLAIN};"}
        self._listeners = {
            "SCRAM": _listener("SCRAM", "SASL_SSL", {**here, **scram}),
            "TLS": _listener("TLS", "SSL", here),
            "MUTUAL": _listener("MUTUAL", "SSL", {**here, **truststore, "ssl.client.auth": "required"}),
            "ELSEWHERE": _listener("ELSEWHERE", "SSL", elsewhere),
            "EXPIRED": _listener("EXPIRED", "SSL", expired),
            "PLAINTLS": _listener("PLAINTLS", "SASL_SSL", {**here, **plain}),
            "PLAIN": _listener("PLAIN", "SASL_PLAINTEXT", plain),
        }
        self.broker = Broker(
            folder / "kafka",
            heap_mib=384,
            brief=True,
            listeners=list(self._listeners.values()),
            settings={
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",
            },
            format_arguments=[
                argument
                for name in (*USERS.values(), STRANGER)
                for argument in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={PASSWORD}]")
            ],
        )

    def port(self, listener: str) -> int:
        """The port of a listener."""
        return self._listeners[listener].port

    def settings(self, listener: str = "SCRAM", **more: Any) -> Settings:
        """A worker's settings that are right for this listener; `more` win."""
        protocol = self._listeners[listener].protocol
        right: dict[str, Any] = {"brokers": f"{LOOPBACK}:{self.port(listener)}", "security_protocol": protocol}
        if protocol.endswith("SSL"):
            right["ssl_cafile"] = str(self.authority.certificate)
        if listener == "MUTUAL":
            right |= {"ssl_certfile": str(self.client_certificate), "ssl_keyfile": str(self.client_key)}
        if protocol.startswith("SASL"):
            mechanism = "PLAIN" if listener.startswith("PLAIN") else "SCRAM-SHA-512"
            right |= {"sasl_mechanism": mechanism, "sasl_username": USERS["worker"], "sasl_password": PASSWORD}
        return Settings(**{**right, **more})

    def grant_all(self, settings: Settings) -> None:
        """Give each of `USERS` the rights of its role, for the pipeline of `settings`."""
        for role, user in USERS.items():
            self.grant(user, [right for right in rights(settings) if right.role == role])

    def grant(self, user: str, rights: Iterable[Right]) -> None:
        """Give `user` these rights."""
        admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        try:
            answer = admin.create_acls([acl for right in rights for acl in _acls(user, right)])
        finally:
            admin.close()
        assert not answer["failed"], answer


def _acls(user: str, right: Right) -> list[ACL]:
    kind = ResourceType[right.resource.replace("-", "_").upper()]
    pattern = ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL
    return [
        ACL(
            principal=f"User:{user}",
            host="*",
            operation=ACLOperation[_snake(operation)],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(kind, right.name, pattern),
        )
        for operation in right.operations
    ]


def _snake(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in operation).removeprefix("_")


def _listener(name: str, protocol: str, settings: dict[str, str]) -> Listener:
    return Listener(name=name, protocol=protocol, port=free_port(), settings=settings)


def _keystore(file: Path) -> dict[str, str]:
    return {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(file)}
