"""Where orders that wait would leave from by other rules, beside where they leave from now. Nothing is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.routing import Decision, Rules
from core.flows import routing
from core.flows.releasing import View, view_of
from core.hub import Hub
from core.store import shipments, unreleased
from core.store.shipments import Site

NEWEST = 50


@dataclass(frozen=True, slots=True)
class Trial:
    """An order and its units by location, by the rules of today and by the others; none: it waits."""

    id: str
    name: str
    now: Mapping[str, int]
    then: Mapping[str, int]

    @property
    def differs(self) -> bool:
        return self.now != self.then


def try_out(hub: Hub, merchant: str, rules: Rules) -> list[Trial]:
    """The 50 newest that wait, as if these rules held. Reservations stay where they are."""
    with hub.unit() as work:
        sites = shipments.sites(work.db, merchant)
        found = shipments.facts(work.db, merchant, unreleased.newest(work.db, merchant, NEWEST), hub.box(merchant))
        view = view_of(work.db, merchant, found)
        asks = [view.ask(id) for id in found]
        now = routing.route(work, merchant, asks, sites, write=False)
        then = routing.route(work, merchant, asks, sites, write=False, rules=rules)
    return [
        Trial(id, one.name, _units(view, id, sites, now.decisions.get(id)), _units(view, id, sites, then.decisions.get(id)))
        for id, one in reversed(found.items())
    ]


def _units(view: View, order: str, sites: Sequence[Site], decided: Decision | None) -> dict[str, int]:
    """Units by the names of locations, as they are decided, or as they lie."""
    names = {site.id: site.name for site in sites}
    if decided and (decided.sends or not decided.split):
        return {names[at]: sum(lines.values()) for at, lines in decided.sends.items()}
    units: dict[str, int] = {}
    for line in view.to_send(order):
        for at, count in routing.here(line).items():
            if at in names:
                units[names[at]] = units.get(names[at], 0) + count
    return units
