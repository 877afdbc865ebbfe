"""SKUs' cards: written by a person, filled from what channels tell, and the way back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain import cards as rules
from core.domain.cards import Card, Value, WrongCell
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.ports import Found
from core.store import audit, goods, places
from core.store import cards as store
from core.store.cards import Held
from core.store.unit import Unit

LONGEST_BIN = 60


class WrongCard(Exception):
    """What was said of this SKU cannot be."""

    def __init__(self, sku: str, why: str) -> None:
        super().__init__(why)
        self.sku = sku


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody says of a SKU: these `fields` of its card, exactly these `barcodes` (None: as they are), and its bin at each of these
    locations ("": nobody says where)."""

    fields: Mapping[str, Value] = field(default_factory=dict)
    barcodes: tuple[str, ...] | None = None
    bins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What is another at a SKU than it was, in the same words both times; `odd` are barcodes whose last digit does not fit."""

    sku: str
    was: Mapping[str, Any]
    now: Mapping[str, Any]
    odd: tuple[str, ...] = ()


def write(hub: Hub, merchant: str, wishes: Mapping[str, Wish], who: Who) -> list[Written]:
    """Write what somebody says of these SKUs, all of it or nothing. Gives those that changed. Raises WrongCard for a SKU that is not there
    and for what cannot be, with the SKU and the field; Refused for a location that is not there."""
    with hub.unit() as work:
        return write_in(work, merchant, wishes, who)


def write_in(work: Unit, merchant: str, wishes: Mapping[str, Wish], who: Who) -> list[Written]:
    """The same in the caller's transaction."""
    held, bins = store.lock(work.db, merchant, wishes), store.bins(work.db, merchant, wishes)
    _check(work, merchant, wishes, held)
    done = [written for sku, wish in sorted(wishes.items()) if (written := _written(held[sku], wish, bins))]
    _write(work, merchant, done, held)
    for one in done:
        audit.write(work.db, merchant, work.now, who.id, who.name, "sku.card", f"sku/{one.sku}", was=dict(one.was), became=dict(one.now))
    return done


def _check(work: Unit, merchant: str, wishes: Mapping[str, Wish], held: Mapping[str, Held]) -> None:
    if strangers := sorted(wishes.keys() - held.keys()):
        raise WrongCard(strangers[0], f"there is no SKU {strangers[0]}")
    for sku, wish in sorted(wishes.items()):
        _check_one(sku, wish)
    rooms = {row.id for row in places.locations(work.db, merchant)} if any(wish.bins for wish in wishes.values()) else set()
    if any(location not in rooms for wish in wishes.values() for location in wish.bins):
        raise Refused("there is no such location")
    _check_barcodes(work, merchant, wishes)


def _check_one(sku: str, wish: Wish) -> None:
    try:
        rules.check(wish.fields)
    except WrongCell as error:
        raise WrongCard(sku, f"{sku}: {error}") from None
    if any(len(said) > LONGEST_BIN or not said.isprintable() for said in wish.bins.values()):
        raise WrongCard(sku, f"{sku}: bin: at most {LONGEST_BIN} letters that can be printed")


def _check_barcodes(work: Unit, merchant: str, wishes: Mapping[str, Wish]) -> None:
    """None would be two SKUs'. What one gives up another may take in the same breath."""
    claimed: dict[str, str] = {}
    for sku, wish in sorted(wishes.items()):
        for code in wish.barcodes or ():
            if claimed.setdefault(code, sku) != sku:
                raise WrongCard(sku, f"{sku}: barcodes: {code} is {claimed[code]}'s as well")
    for code, owner in sorted(store.owners(work.db, merchant, claimed).items()):
        given_up = owner in wishes and wishes[owner].barcodes is not None
        if owner != claimed[code] and not given_up:
            raise WrongCard(claimed[code], f"{claimed[code]}: barcodes: {code} is {owner}'s")


def _written(held: Held, wish: Wish, bins: Mapping[store.Shelf, str]) -> Written | None:
    """What would change, or None."""
    was, now = dict[str, Any](), dict[str, Any]()
    card = rules.changed(held.card, rules.with_(held.card, wish.fields))
    card |= {name: getattr(rules.with_(held.card, wish.fields), name) for name in rules.COST} if card.keys() & set(rules.COST) else {}
    for name, value in card.items():
        was[name], now[name] = getattr(held.card, name), value
    if wish.barcodes is not None and set(wish.barcodes) != set(held.barcodes):
        was["barcodes"], now["barcodes"] = list(held.barcodes), sorted(wish.barcodes)
    moved = {at: said for at, said in wish.bins.items() if bins.get((held.sku, at), "") != said}
    if moved:
        was["bins"], now["bins"] = {at: bins.get((held.sku, at), "") for at in moved}, moved
    odd = tuple(code for code in now.get("barcodes", ()) if code not in held.barcodes and rules.odd(code))
    return Written(held.sku, was, now, odd) if now else None


def _write(work: Unit, merchant: str, done: Sequence[Written], held: Mapping[str, Held]) -> None:
    changed = {one.sku: {name: value for name, value in one.now.items() if name in rules.NAMES} for one in done}
    store.write(work.db, merchant, {sku: rules.with_(held[sku].card, some) for sku, some in changed.items() if some})
    coded = [one for one in done if "barcodes" in one.now]
    store.uncode(work.db, merchant, [(code, one.sku) for one in coded for code in set(one.was["barcodes"]) - set(one.now["barcodes"])])
    store.encode(work.db, merchant, [(code, one.sku) for one in coded for code in set(one.now["barcodes"]) - set(one.was["barcodes"])])
    goods.find_anew(work.db, merchant, sorted(one.sku for one in coded))
    store.put(work.db, merchant, {(one.sku, at): said for one in done for at, said in one.now.get("bins", {}).items()})


def back(one: Written) -> Wish:
    """What takes it back."""
    codes = tuple(one.was["barcodes"]) if "barcodes" in one.was else None
    fields_ = {name: value for name, value in one.was.items() if name in rules.NAMES}
    return Wish(fields_, codes, one.was.get("bins", {}))


# ---- what channels tell


def fill(work: Unit, merchant: str, connection: str, items: Iterable[Found]) -> None:
    """Blanks of our cards are filled with what a channel tells of the goods that it sells one by one. What is there stays, whoever wrote
    it; a barcode that another SKU has stays that one's; a SKU that has one gets no other."""
    names = {(one.listing, one.sku): one for one in items if one.card is not None or one.barcode}
    sold = store.sold_alone(work.db, merchant, connection, names)
    told = {held.sku: names[name] for name, held in sorted(sold.items(), reverse=True)}
    coded = store.barcodes(work.db, merchant, sorted(sku for sku, one in told.items() if one.barcode))
    some = {held.sku for held in sold.values() if _card(held, told[held.sku]) or (told[held.sku].barcode and held.sku not in coded)}
    held = store.lock(work.db, merchant, some)  # and looked at again: somebody may have written meanwhile
    cards = {sku: card for sku, one in held.items() if (card := _card(one, told[sku]))}
    store.write(work.db, merchant, cards)
    codes = [(code, sku) for sku, one in held.items() if (code := told[sku].barcode) and not one.barcodes and _fits(code)]
    store.encode(work.db, merchant, codes)
    goods.find_anew(work.db, merchant, [sku for _, sku in codes])


def _card(one: Held, told: Found) -> Card | None:
    """The card with its blanks filled; None where none is."""
    made = rules.filled(one.card, told.card) if told.card is not None else one.card
    return made if made != one.card else None


def _fits(code: str) -> bool:
    return len(code) <= rules.LONGEST_BARCODE and code.isprintable() and code.split() == [code]
