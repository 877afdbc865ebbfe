"""What is bought and printed once an order is released: a merchant's list of rules, of which the first that fits counts. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from core.domain.later import N_

MOST = 50  # rules of a merchant
BEST = "best"  # the cheapest of all carriers that arrives in time


@dataclass(frozen=True, slots=True)
class PrintRule:
    """Of which orders ("": of all), and what is done with them. `buy` is BEST, "carrier's connection/service", or "" for nothing; `label`
    and `slip` are the stations that print these ("": labels go where their location's do, slips nowhere)."""

    program: str = ""
    channel: str = ""  # a connection, or all of a channel: "amazon"
    service: str = ""  # what the buyer was promised, as the channel calls it
    country: str = ""
    tag: str = ""
    buy: str = ""
    label: str = ""
    slip: str = ""

    @property
    def stations(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for one in (self.label, self.slip) if one))


@dataclass(frozen=True, slots=True)
class PrintRules:
    """`before`: what they were before the last change."""

    rules: tuple[PrintRule, ...] = ()
    before: tuple[PrintRule, ...] | None = None


CONDITIONS: Mapping[str, str] = {
    "program": N_("Program"),
    "channel": N_("Channel"),
    "service": N_("Service"),
    "country": N_("Country"),
    "tag": N_("Tag"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule may ask of an order. Texts are compared without regard to large and small letters."""

    programs: Collection[str] = ()
    channels: Collection[str] = ()  # its connection and that one's channel
    service: str = ""
    country: str = ""
    tags: Collection[str] = ()

    def has(self, condition: str) -> set[str]:
        said = {
            "program": self.programs,
            "channel": self.channels,
            "service": (self.service,),
            "country": (self.country,),
            "tag": self.tags,
        }
        return {one.strip().casefold() for one in said[condition]}


def fits(rule: PrintRule, told: Told) -> bool:
    """Everything that the rule asks is so."""
    asked = {name: getattr(rule, name).strip().casefold() for name in CONDITIONS}
    return all(value in told.has(name) for name, value in asked.items() if value)


def first(rules: Sequence[PrintRule], told: Told) -> PrintRule | None:
    """The rule that counts for an order; None: nothing is done by itself."""
    return next((rule for rule in rules if fits(rule, told)), None)


def wrong(rules: Sequence[PrintRule], labels: Collection[str], pages: Collection[str], buys: Collection[str]) -> str:
    """Why these cannot be a merchant's rules; "": they can. `labels` are the stations that take labels, `pages` those that take PDFs,
    `buys` what may be bought besides BEST."""
    if len(rules) > MOST:
        return "these are more rules than there can be"
    checks: tuple[tuple[str, Callable[[PrintRule], bool]], ...] = (
        ("a rule does nothing", lambda one: not (one.buy or one.label or one.slip)),
        ("a country is two large letters: US", lambda one: bool(one.country) and not _is_country(one.country)),
        ("there is no such station", lambda one: not set(one.stations) <= {*labels, *pages}),
        ("this printer does not take such papers", lambda one: one.slip not in {"", *pages}),
        ("there is no such carrier", lambda one: one.buy not in {"", BEST, *buys}),
    )
    return next((why for why, is_so in checks if any(is_so(one) for one in rules)), "")


def _is_country(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isupper()


def changed(known: PrintRules, rules: Sequence[PrintRule]) -> PrintRules:
    """With these in place of those; what is the same is no change."""
    return known if tuple(rules) == known.rules else PrintRules(tuple(rules), known.rules)


def undone(known: PrintRules) -> PrintRules | None:
    """As before the last change; None where there is nothing to take back."""
    return None if known.before is None else PrintRules(known.before)
