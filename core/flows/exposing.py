"""The merchant's rules for what listings may show: set for one or many, told at once, and taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from core.domain.exposure import Rule, problem
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, displays, goods, listings
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
    _not_in_quota(work, merchant, done)
    listings.set_rules(work.db, merchant, {one.listing.id: one.now for one in done})
    for one in done:
        _tell_of_it(work, merchant, one, who)
    return done


class InQuota(Refused):
    """What is dealt lies there: nothing of it is sold ahead. `skus` say of which."""

    def __init__(self, skus: Iterable[str]) -> None:
        self.skus = sorted(skus)
        super().__init__(
            "in quota only what lies there is sold: take these out of quota first, or sell nothing ahead: " + ", ".join(self.skus)
        )


def _not_in_quota(work: Unit, merchant: str, done: Iterable[Ruled]) -> None:
    skus = {sku for one in done if one.now.promises for sku in one.listing.parts}
    dealt = [sku for sku, quota in goods.quotas(work.db, merchant, sorted(skus)).items() if quota]
    if dealt:
        raise InQuota(dealt)


def _tell_of_it(work: Unit, merchant: str, one: Ruled, who: Who) -> None:
    subject = "/".join(one.listing.name)
    audit.write(work.db, merchant, work.now, who.id, who.name, "listing.rule", subject, was=asdict(one.was), became=asdict(one.now))
    work.ask(merchant, "publish_stock", one.listing.connection, one.listing.connection)
