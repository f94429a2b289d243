"""What Alertmanager calls a receiver, from the addresses of an owner. Every text comes from the templates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from kept.owners import Email, Receiver, Slack, Webhook

HTML, TEXT, SUBJECT = "kept.mail.html", "kept.mail.text", "kept.subject"
SLACK_COLOR, SLACK_TEXT = "kept.slack.color", "kept.slack.text"


def receiver(name: str, addresses: Iterable[Receiver], secrets_folder: str, *, resolved: bool = True) -> dict[str, Any]:
    """A receiver that tells all `addresses`, also of what is over when `resolved`."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for address in addresses:
        match address:
            case Webhook():
                kind, configuration = "webhook_configs", _webhook(address, secrets_folder)
            case Email():
                kind, configuration = "email_configs", _email(address)
            case Slack():
                kind, configuration = "slack_configs", _slack(address, secrets_folder)
        by_kind.setdefault(kind, []).append({"send_resolved": resolved, **configuration})
    return {"name": name, **by_kind}


def secret_path(name: str, secrets_folder: str) -> str:
    """Path of a secret's file: `name` itself when it is absolute, else in the folder of secrets."""
    return str(PurePosixPath(secrets_folder) / name)


def _webhook(webhook: Webhook, secrets_folder: str) -> dict[str, Any]:
    if webhook.url_file is not None:
        return {"url_file": secret_path(webhook.url_file, secrets_folder)}
    if webhook.token_file is None:
        return {"url": webhook.url}
    token = {"type": "Bearer", "credentials_file": secret_path(webhook.token_file, secrets_folder)}
    return {"url": webhook.url, "http_config": {"authorization": token}}


def _email(email: Email) -> dict[str, Any]:
    return {
        "to": ", ".join(email.to),
        "headers": {"Subject": _filled(SUBJECT)},
        "html": _filled(HTML),
        "text": _filled(TEXT),
    }


def _slack(slack: Slack, secrets_folder: str) -> dict[str, Any]:
    channel = {} if slack.channel is None else {"channel": slack.channel}
    return {
        "api_url_file": secret_path(slack.url_file, secrets_folder),
        **channel,
        "title": _filled(SUBJECT),
        "title_link": "{{ .ExternalURL }}",
        "fallback": _filled(SUBJECT),
        "text": _filled(SLACK_TEXT),
        "color": _filled(SLACK_COLOR),
    }


def _filled(template: str) -> str:
    return f'{{{{ template "{template}" . }}}}'
