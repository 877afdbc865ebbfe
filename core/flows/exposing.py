"""The merchant's rules for what listings may show: set for one or many, told at once, and taken back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from core.domain.exposure import Rule, problem
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, displays, listings
from core.store.displays import Listed
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Ruled:
    """A listing that has another rule now than it had."""

    listing: Listed
    was: Rule
    now: Rule


def set_rules(hub: Hub, merchant: str, rules: Mapping[int, Rule], who: Who) -> list[Ruled]:
    """These listings, by their ids, show what their rules let them from now on: all of them, or none. Gives those that had another.
    Raises Refused for a listing that is not there, or a rule that cannot be meant."""
    with hub.unit() as work:
        return set_rules_in(work, merchant, rules, who)


def set_rules_in(work: Unit, merchant: str, rules: Mapping[int, Rule], who: Who) -> list[Ruled]:
    """The same in the caller's transaction."""
    for rule in rules.values():
        if wrong := problem(rule):
            raise Refused(wrong)
    listings.lock(work.db, rules)
    found = {one.id: one for one in displays.these(work.db, merchant, rules)}
    if rules.keys() - found.keys():
        raise Refused("there is no such listing")
    done = [Ruled(found[id], found[id].rule, rule) for id, rule in sorted(rules.items()) if found[id].rule != rule]
    listings.set_rules(work.db, merchant, {one.listing.id: one.now for one in done})
    for one in done:
        _tell_of_it(work, merchant, one, who)
    return done


def _tell_of_it(work: Unit, merchant: str, one: Ruled, who: Who) -> None:
    subject = "/".join(one.listing.name)
    audit.write(work.db, merchant, work.now, who.id, who.name, "listing.rule", subject, was=asdict(one.was), became=asdict(one.now))
    work.ask(merchant, "publish_stock", one.listing.connection, one.listing.connection)
