"""What panels say of indicators, in the words of their definitions, so that a board never says otherwise."""

from __future__ import annotations

from kept.catalogue import Catalogue
from kept.indicators.definitions import BY_NAME


def about(*names: str) -> str:
    """Formula and trap of each indicator. Raises `KeyError` for an unknown one."""
    return "\n\n".join(f"**{name}**: {BY_NAME[name].formula}. Beware: {BY_NAME[name].trap}." for name in names)


def money_unit(catalogue: Catalogue) -> str:
    """Grafana's unit for money: with the currency when all services have the same, else a bare number."""
    currencies = {service.costs.currency for service in catalogue.values() if service.costs is not None}
    return f"prefix:{currencies.pop()} " if len(currencies) == 1 else "none"
