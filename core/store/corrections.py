"""Addresses that one of us corrected: sealed beside what the channel says, with a mark of what it said then."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Address, Person
from core.store.sql import run
from core.store.vault import Box

_person, _address = msgspec.json.Decoder(Person), msgspec.json.Decoder(Address)


@dataclass(frozen=True, slots=True, repr=False)
class Reached:
    """Whom an order goes to: `person` with the address that counts, `theirs` the channel's own where ours is another. `torn`: the channel
    says yet another one than it said when ours was written down, and somebody must choose."""

    person: Person | None
    theirs: Address | None = None
    torn: bool = False


def mark(box: Box, to: Address | None) -> str:
    """A keyed hash of an address; "" where nobody knows it."""
    return str(box.index("ship to " + msgspec.json.encode(to).decode())) if to else ""


def reached(row: Any, id: str, box: Box) -> Reached:
    """Of a row's `person`, `ship_to` and `ship_to_was`; `id` is the order's."""
    person = _person.decode(box.open_text(f"orders|person|{id}", row.person)) if row.person else None
    if person is None or not row.ship_to:
        return Reached(person)
    ours, theirs = _address.decode(box.open_text(f"orders|ship_to|{id}", row.ship_to)), person.final_ship_to or person.ship_to
    if ours == theirs:
        return Reached(person)
    return Reached(replace(person, ship_to=ours, final_ship_to=None), theirs, mark(box, theirs) != row.ship_to_was)


OF = "select person, ship_to, ship_to_was from orders where id = :id and merchant || '' = :merchant"


def of(db: Connection, merchant: str, id: str, box: Box) -> Reached | None:
    """None where the merchant has no such order."""
    row = run(db, OF, id=id, merchant=merchant).first()
    return reached(row, id, box) if row else None


WRITE = "update orders set ship_to = :ship_to, ship_to_was = :was where id = :id and merchant || '' = :merchant"


def write(db: Connection, merchant: str, id: str, ours: Address, theirs: Address | None, box: Box) -> None:
    """From now on it goes to `ours`, in place of what the channel says now. The order is locked."""
    sealed = box.seal_text(f"orders|ship_to|{id}", msgspec.json.encode(ours))
    run(db, WRITE, id=id, merchant=merchant, ship_to=sealed, was=mark(box, theirs))


def drop(db: Connection, merchant: str, id: str) -> None:
    """It goes to where the channel says."""
    run(db, WRITE, id=id, merchant=merchant, ship_to=None, was=None)
