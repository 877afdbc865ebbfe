"""What carriers said of the addresses of shipments."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.checking import KEPT, Rule
from core.domain.order import Address
from core.store import people
from core.store.sql import run
from core.store.vault import Box

SETTING = "address_check"
_addresses = msgspec.json.Decoder(tuple[Address, ...])


def rule(db: Connection, merchant: str) -> Rule:
    said = people.settings(db, merchant)[1].get(SETTING)
    return Rule(said) if said in set(Rule) else Rule.OFF


SAY = "update shipments set address_verdict = :verdict, address_better = :better where id = :id and merchant || '' = :merchant"


def say(db: Connection, merchant: str, id: str, verdict: str | None, better: Sequence[Address], box: Box) -> None:
    """This was said of a shipment's address; None: nobody said anything of the one that it has now. The shipment is locked."""
    sealed = box.seal_text(f"shipments|address_better|{id}", msgspec.json.encode(tuple(better))) if better else None
    run(db, SAY, id=id, merchant=merchant, verdict=verdict, better=sealed)


def said(db: Connection, merchant: str, id: str, box: Box) -> tuple[str, tuple[Address, ...]]:
    """The verdict, "" where nobody asked yet, and addresses as a carrier would write them."""
    row = run(
        db, "select address_verdict, address_better from shipments where id = :id and merchant || '' = :merchant", id=id, merchant=merchant
    ).first()
    return (row.address_verdict or "", better_of(row, id, box)) if row else ("", ())


def better_of(row: Any, id: str, box: Box) -> tuple[Address, ...]:
    """Of a row's `address_better`."""
    return _addresses.decode(box.open_text(f"shipments|address_better|{id}", row.address_better)) if row.address_better else ()


# All that may be held: what has its label is not looked at any more.
WAITING = f"""
select s.id, s.name, s.order_id, s.person <> '' and exists (
  select 1 from shipments k where k.order_id = s.order_id and k.person = s.person and k.address_verdict = '{KEPT}') as kept
from shipments s where s.merchant = :merchant and s.state in ('released', 'packed', 'labelled') and s.state <> 'labelled'
  and s.way = 'parcel' order by s.ship_by, s.id limit :most
"""
LET_GO = "update shipments set problem = null where merchant = :merchant and problem is not null and problem = 'address'"


def waiting(db: Connection, merchant: str, most: int) -> list[Any]:
    """Shipments that wait for a label {id, name, order_id, kept}; those that must leave first at the head. `kept`:
    somebody said that the address is right."""
    return list(run(db, WAITING, merchant=merchant, most=most))


def let_go(db: Connection, merchant: str) -> None:
    """No shipment is held for its address any more."""
    run(db, LET_GO, merchant=merchant)


WAS_KEPT = f"""
select 1 from shipments mine join shipments s on s.order_id = mine.order_id and s.person = mine.person
where mine.id = :id and mine.merchant || '' = :merchant and mine.person <> '' and s.address_verdict = '{KEPT}' limit 1
"""


def was_kept(db: Connection, merchant: str, id: str) -> bool:
    """Whether somebody said of an earlier shipment of the order that this same address is right."""
    return run(db, WAS_KEPT, id=id, merchant=merchant).first() is not None
