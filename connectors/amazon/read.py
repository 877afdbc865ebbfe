"""How a field of a payload is read: what is missing or of the wrong kind is named, its value never is. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from connectors.http import as_datetime
from core.domain.money import Money
from core.errors import BadPayload, HubError

T = TypeVar("T")

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Unreadable(ValueError):
    """A field that we need is missing or of the wrong kind; the message names it and holds no value."""


def text(of: Mapping[str, Any], key: str) -> str:
    value = of[key]
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is not a text")
    return value


def maybe_text(of: Mapping[str, Any], key: str) -> str:
    """Empty where there is none: Amazon leaves out or nulls what a role may not see."""
    value = of.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{key} is not a text")
    return value


def part(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = of[key]
    if not isinstance(value, dict):
        raise Unreadable(f"{key} is not an object")
    return value


def maybe_part(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return NOTHING if of.get(key) is None else part(of, key)


def items(of: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = of[key]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unreadable(f"{key} is not a list of objects")
    return value


def maybe_items(of: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    return () if of.get(key) is None else items(of, key)


def words(of: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = of.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unreadable(f"{key} is not a list of texts")
    return tuple(value)


def units(of: Mapping[str, Any], key: str) -> int:
    value = of[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Unreadable(f"{key} is not a number of units")
    return value


def maybe_units(of: Mapping[str, Any], key: str) -> int | None:
    return None if of.get(key) is None else units(of, key)


def time(of: Mapping[str, Any], key: str) -> datetime:
    try:
        return as_datetime(of[key])
    except (TypeError, ValueError):
        raise Unreadable(f"{key} is not a time with a zone") from None


def maybe_time(of: Mapping[str, Any], key: str) -> datetime | None:
    return None if of.get(key) is None else time(of, key)


def currency_of(of: Mapping[str, Any], key: str) -> str:
    """The currency of the amount under `key`: three capital letters."""
    code = text(part(of, key), "currencyCode")
    if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise Unreadable(f"{key}.currencyCode is not a currency")
    return code


def minor(of: Mapping[str, Any], key: str, currency: str) -> int:
    """The amount {amount, currencyCode} under `key` in minor units of `currency`; another currency is unreadable."""
    amount = part(of, key)
    if text(amount, "currencyCode") != currency:
        raise Unreadable(f"{key}.currencyCode is not the order's {currency}")
    digits = text(amount, "amount")
    try:
        return Money.parse(digits, currency).minor
    except ValueError:
        raise Unreadable(f"{key}.amount is not an amount of {currency}") from None


def need(answer: Any, key: str, kind: type[T], error: type[HubError] = BadPayload) -> T:
    """A field of an answer without which we cannot go on; `error` is raised where it is not there."""
    value = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(value, kind):
        raise error(f"amazon answer: {key} is missing")
    return value
