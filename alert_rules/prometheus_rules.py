"""Rule groups as objects of Kubernetes, for the Prometheus operator: one `PrometheusRule` a group.

One a group, because an object must stay under 1.5 MB, and `kubectl apply` without `--server-side` under 256 KiB: a
service's rules are some 25 KB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alert_rules.rule_text import FIRST_LINE, Group, body_of, group_of
from kept.errors import ConfigurationError

API_VERSION = "monitoring.coreos.com/v1"
LABELS = {"app.kubernetes.io/name": "kept-rules", "app.kubernetes.io/part-of": "kept"}
"""For the `ruleSelector` of a Prometheus."""


def as_prometheus_rules(groups: Iterable[Group]) -> str:
    """A file of several documents: the same groups give the same text.

    Raises `ConfigurationError` for a service whose id ends in a dash: no object of Kubernetes may be named so.
    """
    return f"{FIRST_LINE}\n" + "---\n".join(body_of(_object(group)) for group in groups)


def _object(group: Group) -> dict[str, Any]:
    if group.name.endswith("-"):
        raise ConfigurationError(
            f"id: {group.name!r} cannot be the name of an object of Kubernetes; valid: an id that ends in a letter "
            "or digit; or write rule files (--format files)"
        )
    return {
        "apiVersion": API_VERSION,
        "kind": "PrometheusRule",
        "metadata": {"name": group.name, "labels": LABELS},
        "spec": {"groups": [group_of(group)]},
    }
