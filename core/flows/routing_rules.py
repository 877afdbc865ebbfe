"""How a merchant decides from where orders leave: strategies, splitting, zones with their costs, and who never sends what where."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from core.domain.later import N_
from core.domain.money import Money
from core.domain.places import LocationKind
from core.domain.routing import FAR, Rules, Zone
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, places, routings

MOST = 2_000  # rows of all locations together: they are read with every page of orders that are released
COLUMNS = ("location", "country", "prefix", "zone", "cost")


def set_rules(hub: Hub, merchant: str, who: Who, change: Callable[[Rules], Rules]) -> Rules:
    """What the change makes of the merchant's rules. Orders that are released from now on follow them. Raises Refused for what cannot be
    meant."""
    with hub.unit() as work:
        known = {row.id for row in places.locations(work.db, merchant) if row.kind != LocationKind.FBA or row.party}
        before = routings.rules(work.db, merchant)
        rules = change(before)
        _check(rules, known)
        if before.currency not in ("", rules.currency) and rules.zones == before.zones:
            raise Refused(f"what parcels cost was said in {before.currency}: bring the zones anew")
        routings.set_rules(work.db, merchant, rules)
        said = {
            "strategies": list(rules.strategies),
            "split": rules.split,
            "move": rules.move,
            "zones": sum(map(len, rules.zones.values())),
        }
        audit.write(work.db, merchant, work.now, who.id, who.name, "settings.routing", merchant, **said, never=len(rules.never))
        work.ask(merchant, "release_orders", merchant)
    return rules


def _check(rules: Rules, known: set[str]) -> None:
    rows = [row for some in rules.zones.values() for row in some]
    if len(set(rules.strategies)) != len(rules.strategies):
        raise Refused("a strategy is named twice")
    if rules.zones.keys() - known or {one.location for one in rules.never} - known:
        raise Refused("there is no such location that could send")
    if len(rows) > MOST or len(rules.never) > MOST:
        raise Refused(f"that is more than {MOST} rows")
    if not all(map(_is_country, [row.country for row in rows] + [one.country for one in rules.never if one.country])):
        raise Refused("a country is two large letters: US")


def _is_country(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isupper()


class WrongZones(Refused):
    """A row of zones cannot be meant: `what` is a word of WRONG, `value` what stood there."""

    def __init__(self, what: str, line: int = 0, value: str = "") -> None:
        said = WRONG.get(what, what) % {"value": value}
        super().__init__(f"line {line}: {said}" if line else said)
        self.what, self.line, self.value = what, line, value


WRONG: dict[str, str] = {
    "column": N_("the file lacks the column %(value)s"),
    "location": N_("there is no location %(value)s"),
    "zone": N_("a zone is a number from 1 to 9"),
    "currency": N_("say first in which currency costs are"),
    "cost": N_("%(value)s is no cost"),
    "country": N_("a country is two large letters: US"),
}


def read_zones(text: str, names: Mapping[str, str], rules: Rules) -> Rules:
    """The zones of a CSV with the columns location (its name or id), country, prefix, zone and cost ("4.90", in the rules' currency; empty:
    not known), in place of those there were. `names` are ids by names and ids. Raises WrongZones with the line."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise WrongZones("column", 0, missing[0])
    return with_zones(((rows.line_num, {name: row[name] or "" for name in COLUMNS}) for row in rows), names, rules)


def with_zones(rows: Iterable[tuple[int, Mapping[str, str]]], names: Mapping[str, str], rules: Rules) -> Rules:
    """The rules with these zones (line, texts by column), in place of those there were. Raises WrongZones."""
    found: dict[str, list[Zone]] = {}
    for line, row in rows:
        said = {name: row[name].strip() for name in COLUMNS}
        if said["location"] not in names:
            raise WrongZones("location", line, said["location"])
        found.setdefault(names[said["location"]], []).append(_zone(said, rules.currency, line))
    return replace(rules, zones={location: tuple(some) for location, some in found.items()})


def _zone(said: Mapping[str, str], currency: str, line: int) -> Zone:
    country = said["country"].upper()
    if not _is_country(country):
        raise WrongZones("country", line)
    if said["zone"] not in map(str, range(1, FAR + 1)):
        raise WrongZones("zone", line)
    if said["cost"] and not currency:
        raise WrongZones("currency", 0)
    return Zone(country, said["prefix"], int(said["zone"]), _cost(said["cost"], currency, line) if said["cost"] else None)


def _cost(text: str, currency: str, line: int) -> int:
    try:
        minor = Money.parse(text, currency).minor
    except (ValueError, ArithmeticError):
        minor = -1
    if not 0 <= minor <= 1_000_000_000:
        raise WrongZones("cost", line, text)
    return minor


def write_zones(rules: Rules, names: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The rows that `read_zones` takes; `names` are names by ids."""
    rows = ((names.get(at, at), row) for at, some in rules.zones.items() for row in some)
    return [(name, row.country, row.prefix, str(row.zone), _text(row.cost, rules.currency)) for name, row in rows]


def _text(cost: int | None, currency: str) -> str:
    return "" if cost is None or not currency else Money(cost, currency).text()


@dataclass(frozen=True, slots=True)
class Change:
    """What other zones would change: rows that come, that go, and that say something else."""

    come: int
    go: int
    other: int


def changed(before: Rules, after: Rules) -> Change:
    was, now = _rows(before), _rows(after)
    return Change(len(now.keys() - was.keys()), len(was.keys() - now.keys()), sum(now[key] != was[key] for key in now.keys() & was.keys()))


def _rows(rules: Rules) -> dict[tuple[str, str, str], tuple[int, int | None, str]]:
    rows = ((at, row) for at, some in rules.zones.items() for row in some)
    return {(at, row.country, row.prefix): (row.zone, row.cost, rules.currency) for at, row in rows}


def bring_back(hub: Hub, merchant: str, who: Who, was: Rules, now: Rules) -> None:
    """The rules are again as they were, unless somebody changed them since. Raises Refused."""

    def back(found: Rules) -> Rules:
        if found != now:
            raise Refused("somebody changed the rules since")
        return was

    set_rules(hub, merchant, who, back)
