"""How a merchant decides from where orders leave: strategies, splitting, zones with their costs, and who never sends what where."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import replace

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
        known = {row.id for row in places.locations(work.db, merchant) if row.kind != LocationKind.FBA}
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


def read_zones(text: str, names: Mapping[str, str], rules: Rules) -> Rules:
    """The zones of a CSV with the columns location (its name or id), country, prefix, zone and cost ("4.90", in the rules' currency; empty:
    not known), in place of those there were. `names` are ids by names and ids. Raises Refused with the line."""
    found: dict[str, list[Zone]] = {}
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise Refused(f"the file lacks the column {missing[0]}")
    for row in rows:
        said = {name: (row[name] or "").strip() for name in COLUMNS}
        if said["location"] not in names:
            raise Refused(f"line {rows.line_num}: there is no location {said['location']}")
        found.setdefault(names[said["location"]], []).append(_zone(said, rules.currency, rows.line_num))
    return replace(rules, zones={location: tuple(some) for location, some in found.items()})


def _zone(said: Mapping[str, str], currency: str, line: int) -> Zone:
    if said["zone"] not in map(str, range(1, FAR + 1)):
        raise Refused(f"line {line}: a zone is a number from 1 to {FAR}")
    if said["cost"] and not currency:
        raise Refused("say first in which currency costs are")
    return Zone(said["country"].upper(), said["prefix"], int(said["zone"]), _cost(said["cost"], currency, line) if said["cost"] else None)


def _cost(text: str, currency: str, line: int) -> int:
    try:
        minor = Money.parse(text, currency).minor
    except (ValueError, ArithmeticError):
        minor = -1
    if not 0 <= minor <= 1_000_000_000:
        raise Refused(f"line {line}: {text} is no cost in {currency}")
    return minor
