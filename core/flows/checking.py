"""Addresses are checked by carriers before a label is bought: asking changes nothing, so it may be asked any number of times."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.checking import KEPT, Rule, is_doubtful, written
from core.domain.order import Address
from core.domain.shipments import PARCEL, State
from core.domain.shipping import Checked, Verdict
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import AccessLost, HubError, Refused
from core.flows import addressing, joined, labelling
from core.hub import Hub
from core.ports import ChecksAddresses
from core.store import audit, checks, connections, shipments
from core.store.connections import Connection
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

PROBLEM = "address"  # of a shipment: its address is doubted, and somebody must decide
BEFORE = (State.RELEASED, State.PACKED)


def check_addresses(hub: Hub, claim: Claim) -> None:
    """Ask a carrier about each of these shipments' addresses, one after the other; one that cannot be asked holds nothing up."""
    for id in claim.subjects:
        address = _address(hub, claim.merchant, id)
        said = _asked(hub, claim.merchant, address) if address else None
        with hub.unit(claim, finish=False) as work:
            _write(hub, work, claim.merchant, id, address, said)
    with hub.unit(claim):
        return


def _address(hub: Hub, merchant: str, id: str) -> Address | None:
    """Where it goes; None where nobody need ask."""
    with hub.database.read() as db:
        one = shipments.found(db, merchant, [id]).get(id)
        if one is None or one.way != PARCEL or one.state not in BEFORE or checks.rule(db, merchant) is Rule.OFF:
            return None
        facts = shipments.seen(db, merchant, [one.order_id], hub.box(merchant)).get(one.order_id)
    person = facts.person if facts else None
    return (person.final_ship_to or person.ship_to) if person else None


def _asked(hub: Hub, merchant: str, address: Address) -> Checked:
    """The first word of a carrier that can tell; who declines, is slow or broken is passed by, and who knows us no more is shown."""
    for account, connector in labelling.carriers(hub, merchant):
        if address.country not in (connector.carries.countries or {address.country}):
            continue
        carrier = hub.carrier(account)
        try:
            said = carrier.check(address) if isinstance(carrier, ChecksAddresses) else Checked(Verdict.UNCHECKED)
        except AccessLost as error:
            _lost(hub, account, error)
            continue
        except HubError:
            continue
        if said.verdict is not Verdict.UNCHECKED:
            return said
    return Checked(Verdict.UNCHECKED)


def _lost(hub: Hub, account: Connection, error: AccessLost) -> None:
    """The task is nobody's connection's: what is lost is said here, as core.jobs says it of a connection's own tasks."""
    with hub.database.write() as db:
        connections.lose_access(db, account.id, account.login, str(error))


def _write(hub: Hub, work: Unit, merchant: str, id: str, address: Address | None, said: Checked | None) -> None:
    """What was said counts if it still goes there."""
    one = joined.lock(hub, work, merchant, id) if address and said else None
    if one is None or said is None or address is None or one.state not in BEFORE or _now(hub, work, merchant, one) != address:
        return
    kept = checks.was_kept(work.db, merchant, id)
    checks.say(work.db, merchant, id, KEPT if kept else said.verdict.value, () if kept else said.better, hub.box(merchant))
    held = not kept and is_doubtful(address, said) and checks.rule(work.db, merchant) is Rule.HOLD
    if held and one.problem is None:
        shipments.set_problem(work.db, id, PROBLEM)
    elif not held and one.problem == PROBLEM:
        shipments.set_problem(work.db, id, None)


def _now(hub: Hub, work: Unit, merchant: str, one: Shipment) -> Address | None:
    person = shipments.facts(work.db, merchant, [one.order_id], hub.box(merchant))[one.order_id].person
    return (person.final_ship_to or person.ship_to) if person else None


# ---- what the rule would do


@dataclass(frozen=True, slots=True)
class Trial:
    """What holding what carriers doubt would do to the shipments that wait for a label: `held` are those that would get none, with the
    carrier's verdict; `unchecked` are those of which no carrier could tell; `looked` were looked at in all, `left` were not."""

    looked: int
    held: Sequence[tuple[str, Verdict]]
    unchecked: Sequence[str]
    left: bool


def trial(hub: Hub, merchant: str, most: int) -> Trial:
    """Asks carriers about as many addresses, and changes nothing."""
    with hub.database.read() as db:
        rows = checks.waiting(db, merchant, most + 1)
        facts = shipments.seen(db, merchant, [row.order_id for row in rows[:most]], hub.box(merchant))
    said = [(row.name, *_doubted(hub, merchant, facts.get(row.order_id))) for row in rows[:most] if not row.kept]
    held = [(name, verdict) for name, verdict, doubtful in said if doubtful]
    return Trial(min(len(rows), most), held, [name for name, verdict, _ in said if verdict is Verdict.UNCHECKED], len(rows) > most)


def _doubted(hub: Hub, merchant: str, facts: Facts | None) -> tuple[Verdict, bool]:
    """A carrier's verdict on where it goes, and whether somebody should look."""
    person = facts.person if facts else None
    address = (person.final_ship_to or person.ship_to) if person else None
    said = _asked(hub, merchant, address) if address else Checked(Verdict.UNCHECKED)
    return said.verdict, address is not None and is_doubtful(address, said)


# ---- what somebody decides


def use(hub: Hub, merchant: str, id: str, n: int, who: Who) -> None:
    """It goes to the address as a carrier writes it, the n-th of those that were told: a correction of ours, like any other. Raises
    Refused."""
    with hub.unit() as work:
        one, (_, better) = joined.lock(hub, work, merchant, id), checks.said(work.db, merchant, id, hub.box(merchant))
        address = _now(hub, work, merchant, one)
        if not 0 <= n < len(better) or address is None:
            raise Refused("no carrier told such an address")
        wanted = written(address, better[n])
    addressing.correct(hub, merchant, one.order_id, {part: getattr(wanted, part) or "" for part in addressing.PARTS}, who)


def keep(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """The address is right as it is, for this order, whatever carriers say. Raises Refused where its label is bought already."""
    with hub.unit() as work:
        one = joined.lock(hub, work, merchant, id)
        _before(one)
        checks.say(work.db, merchant, id, KEPT, (), hub.box(merchant))
        if one.problem == PROBLEM:
            shipments.set_problem(work.db, id, None)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.address_kept", id, shipment=one.name)


def again(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Ask once more, as if nobody had said anything. Raises Refused where its label is bought already."""
    with hub.unit() as work:
        one = joined.lock(hub, work, merchant, id)
        _before(one)
        checks.say(work.db, merchant, id, None, (), hub.box(merchant))
        if one.problem == PROBLEM:
            shipments.set_problem(work.db, id, None)
        work.ask(merchant, "check_addresses", id)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.address_again", id, shipment=one.name)


def _before(one: Shipment) -> None:
    if one.state not in BEFORE:
        raise Refused(f"it is {one.state}")
