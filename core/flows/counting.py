"""Counts and maps that a merchant says in a file: looked at first, then taken whole or not at all."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.counts import Counted, Said, Sheet, booked_by_count, gone_by, in_the_count, look_alikes, many
from core.domain.order import Order
from core.domain.places import LocationKind
from core.domain.stock import Key
from core.flows import kits
from core.flows.allocation import Wish, ask_waiting, map_listing
from core.flows.join import verdict
from core.hub import Hub
from core.store import connections, counts, listings, orders, places, stock
from core.store.connections import Connection
from core.store.counts import Level, Listed
from core.store.listings import Name, Shelf
from core.store.tables import when
from core.store.unit import Unit


class WrongLines(Exception):
    """(line, why) of what cannot be taken. Nothing was changed."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self.lines = sorted(lines)
        super().__init__("; ".join(f"line {line}: {why}" for line, why in self.lines))


@dataclass(frozen=True, slots=True)
class Shelved:
    """What lay on a shelf and will: `counted` units at their moment, and `moved` by orders since. None: nobody counted it."""

    sku: str
    location: str
    was: int | None
    will: int | None
    reserved: int
    counted: int | None
    moved: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """Units of a shelf that no channel was shown, and will not be. None: nobody had counted it."""

    sku: str
    location: str
    was: int | None
    will: int


@dataclass(frozen=True, slots=True)
class Remapped:
    """What one unit of a listing consumed and will."""

    channel: str
    account: str
    listing: str
    channel_sku: str
    title: str
    was: Mapping[str, int]
    will: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Effect:
    """What would change at a connection, in listings: raise, lower, zero, and words for what is left alone. `showing` show stock now."""

    connection: str
    channel: str
    account: str
    live: bool
    showing: int
    listings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What a file does, or would do. `orders` wait and would be reserved: (channel, the channel's id). `same` rows say what is so
    already, `silent` ones nothing."""

    at: int
    shelves: Sequence[Shelved] = ()
    maps: Sequence[Remapped] = ()
    effects: Sequence[Effect] = ()
    orders: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    same: int = 0
    silent: int = 0
    safeties: Sequence[Withheld] = ()


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def take(hub: Hub, merchant: str, sheet: Sheet, *, allow_alike: bool = False, dry_run: bool = False) -> Report:
    """Take all of it in one transaction; gives what changed. Looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Report] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        made.append(take_in(hub, work, merchant, sheet, allow_alike=allow_alike))
        if dry_run:
            raise _OnlyLooked
    return made[0]


def take_in(hub: Hub, work: Unit, merchant: str, sheet: Sheet, *, allow_alike: bool = False) -> Report:
    """The same in the caller's transaction, which must not be kept when this raises WrongLines."""
    return _Desk(hub, work, merchant, sheet, allow_alike=allow_alike).take()


def count_one(hub: Hub, work: Unit, merchant: str, one: Counted) -> Shelved:
    """One SKU's count at one place, in the caller's transaction; what channels will show is not looked at. Raises WrongLines."""
    return _Desk(hub, work, merchant, Sheet((one,), titles={one.sku: one.title}, lines={one.sku: one.line})).count()


@dataclass
class _Desk:
    """One file and what is known of what it names."""

    hub: Hub
    work: Unit
    merchant: str
    sheet: Sheet
    allow_alike: bool = False
    wrong: list[tuple[int, str]] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        db = self.work.db
        self.counts = self.sheet.counts
        self.connections = connections.all_of(db, self.merchant)
        known = places.locations(db, self.merchant)
        self.places, self.amazons = {row.name: row.id for row in known}, {row.name for row in known if row.kind == LocationKind.FBA}
        stock.lock_levels(db, self.merchant, self._skus())
        self.levels = counts.levels(db, self.merchant, self._skus())

    @cached_property
    def listings(self) -> list[Listed]:
        return counts.listings(self.db, self.merchant) if self.sheet.maps else []

    @cached_property
    def known(self) -> dict[str, str]:
        return counts.skus(self.db, self.merchant)

    def _skus(self) -> set[str]:
        counted, kept = {one.sku for one in self.counts}, {one.sku for one in self.sheet.safety}
        return counted | kept | {sku for one in self.sheet.maps for sku in one.parts}

    def _at(self, one: Counted) -> int:
        return self.work.now if one.counted_at is None else one.counted_at

    @property
    def db(self) -> Db:
        return self.work.db

    def take(self) -> Report:
        maps = [(said, name) for said in self.sheet.maps if (name := self._listing(said))]
        made = self._checked()
        before, waited = self._shown(), set(self._waiting())
        safeties = self._safeties()
        remapped = self._write(made, maps, safeties)
        if self.wrong:
            raise WrongLines(self.wrong)
        shelves = [shelved for _, shelved in made]
        changed = [one for one in shelves if one.was != one.will]
        after = self._shown() if changed or remapped or safeties else before
        effects = [effect for one in self.connections if (effect := _effect(one, before, after))]
        ready = [ref for ref in self._waiting() if ref not in waited]
        return Report(
            at=self.work.now, shelves=changed, maps=remapped, effects=effects, orders=[self._named(ref) for ref in ready],
            warnings=[*self._warnings(shelves, effects)], same=len(shelves) - len(changed) + len(maps) - len(remapped),
            silent=self.sheet.silent, safeties=safeties,
        )  # fmt: skip

    def count(self) -> Shelved:
        """The only row of a sheet that says nothing else."""
        made = self._checked()
        self._write(made, [], [])
        return made[0][1]

    def _checked(self) -> list[tuple[Counted, Shelved]]:
        made = self._shelves()
        self._check_spelling()
        self._check_counts(made)
        self._check_safety()
        if self.wrong:
            raise WrongLines(self.wrong)
        return made

    def _write(
        self, made: Sequence[tuple[Counted, Shelved]], maps: Sequence[tuple[Said, Name]], safeties: Sequence[Withheld]
    ) -> list[Remapped]:
        self._count([(one, shelved) for one, shelved in made if shelved.was != shelved.will])
        stock.keep_safe(self.db, self.merchant, {(one.sku, self.places[one.location]): one.will for one in safeties})
        self._book_what_left(maps)
        remapped = self._remap(maps)
        self._tell([shelved for _, shelved in made], {one.sku for one in safeties})
        return remapped

    # ---- what cannot be taken

    def _check_spelling(self) -> None:
        new = {sku: line for sku, line in (self.sheet.lines or {}).items() if not self._is_on_a_shelf(sku)}
        alike = look_alikes(new, self.known) if new and not self.allow_alike else {}
        for sku, other in alike.items():
            self.wrong.append(
                ((self.sheet.lines or {})[sku], f"{sku} differs only by case or blanks from {other}; spell it so, or --allow-alike")
            )

    def _check_counts(self, made: Sequence[tuple[Counted, Shelved]]) -> None:
        said = [(one.line, one.location) for one in self.counts] + [(one.line, one.location) for one in self.sheet.safety]
        amazons = [(line, place) for line, place in said if place in self.amazons]
        self.wrong += [(line, f"location: {place} is Amazon's own: its levels are read, not counted") for line, place in amazons]
        for one, shelved in made:
            if why := _cannot_count(one, self._at(one), shelved, self._level(one), self.work.now):
                self.wrong.append((one.line, f"{one.sku}: {why}"))

    def _check_safety(self) -> None:
        counted = self.levels.keys() | {self._key(one) for one in self.counts if one.on_hand is not None}
        for one in self.sheet.safety:
            if (one.sku, self.places.get(one.location, "")) not in counted:
                self.wrong.append((one.line, f"{one.sku}: nobody has counted it at {one.location}: say on_hand, too"))

    def _safeties(self) -> list[Withheld]:
        """Those that are others than before."""
        was = {key: level.safety for key, level in self.levels.items()}
        made = [Withheld(one.sku, one.location, was.get((one.sku, self.places[one.location])), one.units) for one in self.sheet.safety]
        return [one for one in made if (one.was or 0) != one.will]

    def _is_on_a_shelf(self, sku: str) -> bool:
        """It is ours for sure, without a look at all that are."""
        return any(key[0] == sku for key in self.levels)

    def _is_ours(self, sku: str) -> bool:
        return self._is_on_a_shelf(sku) or sku in self.known

    def _level(self, one: Counted) -> Level | None:
        return self.levels.get((one.sku, self.places.get(one.location, "")))

    def _listing(self, said: Said) -> Name | None:
        """The one listing that is meant; else what is wrong is noted."""
        found = _meant(said, self.connections)
        if not isinstance(found, Connection):
            self.wrong.append((said.line, found))
            return None
        there = _named([one for one in self.listings if one.connection == found.id], said)
        if len(there) == 1:
            return there[0].name
        words = "is not a listing" if not there else f"are {len(there)} listings"
        self.wrong.append((said.line, f"{said.listing or '-'} {said.channel_sku or '-'} {words} of {found.channel} {found.account}"))
        return None

    # ---- counts

    def _shelves(self) -> list[tuple[Counted, Shelved]]:
        """Each row with its shelf as it is and would be."""
        moved = self._moved_since()
        return [(one, self._shelved(one, moved.get(self._key(one), 0))) for one in self.counts]

    def _count(self, changed: Sequence[tuple[Counted, Shelved]]) -> None:
        """Write what is another than before. What a row finds as it is was most likely not counted, but left as it was exported: its
        moment says nothing of parcels that nobody told us of yet."""
        titles = {sku: title for sku, title in (self.sheet.titles or {}).items() if title or not self._is_ours(sku)}
        counts.name(self.db, self.merchant, titles, self.work.now)
        rows = [self._row(one, shelved.moved) for one, shelved in changed if one.on_hand is not None]
        if rows:
            stock.count(self.db, self.merchant, rows, self.work.now)
        gone = {self._key(one): shelved.was or 0 for one, shelved in changed if one.on_hand is None}
        counts.uncount(self.db, self.merchant, gone, self.work.now)

    def _key(self, one: Counted) -> Key:
        """Its shelf; a location that is new is made."""
        if one.location not in self.places:
            self.places[one.location] = self.hub.ids()
            self.fresh.add(one.location)
            stock.add_location(self.db, self.merchant, self.places[one.location], one.location)
        return one.sku, self.places[one.location]

    def _row(self, one: Counted, moved: int) -> dict[str, Any]:
        sku, place = self._key(one)
        on_hand = max(0, (one.on_hand or 0) + moved)
        return {"sku": sku, "title": one.title, "location": place, "on_hand": on_hand, "counted_at": self._at(one)}

    def _shelved(self, one: Counted, moved: int) -> Shelved:
        level = self._level(one)
        reserved = level.reserved if level else 0
        will = None if one.on_hand is None else max(one.on_hand + moved, reserved, 0)
        return Shelved(one.sku, one.location, level.on_hand if level else None, will, reserved, one.on_hand, moved)

    def _moved_since(self) -> dict[Key, int]:
        """What orders took off these shelves, and brought back, after the moment of their count."""
        old = {self._key(one): self._at(one) for one in self.counts if self._at(one) < self.work.now and self._level(one)}
        rows = counts.moved(self.db, self.merchant, old)
        known = counts.orders(self.db, self.merchant, (row.order for row in rows))
        sums, rest = Counter[Key](), Counter[tuple[str, str]]()
        for row in rows:
            key, name = (row.sku, row.location), (row.order, row.sku)
            if name not in rest:
                rest[name] = _by_then(known.get(row.order), row.sku, old[key])
            early = in_the_count(row.since, row.before, rest[name])
            rest[name] -= row.before + early
            sums[key] += row.since - early
        return dict(sums)

    def _book_what_left(self, maps: Sequence[tuple[Said, Name]]) -> None:
        """Lines that wait for one of these maps, or for the first count of their SKU: what had left by then is in the count."""
        moments = self._moments({name: said.parts for said, name in maps})
        waits = [(row, at) for row in counts.unmapped(self.db, self.merchant) if (at := moments(row)) is not None]
        known = counts.orders(self.db, self.merchant, (row.order_id for row, _ in waits))
        counts.book(self.db, self.merchant, [_booked(row, known[row.order_id], at) for row, at in waits])

    def _moments(self, maps: Mapping[Name, Mapping[str, int]]) -> Any:
        """The moment for a line that waits: when its goods were counted, the longest ago of them; None: by nobody."""
        at = _earliest((sku, level.counted_at) for (sku, _), level in self.levels.items())
        first = _earliest((one.sku, self._at(one)) for one in self.counts if one.on_hand is not None)
        new = {sku: moment for sku, moment in first.items() if sku not in at}

        def moment(row: Any) -> int | None:
            parts = maps.get((row.connection, row.listing, row.sku))
            if parts is None:
                return new.get(row.sku.strip())
            return min((found for sku in parts if (found := first.get(sku, at.get(sku))) is not None), default=None)

        return moment

    # ---- maps

    def _remap(self, maps: Sequence[tuple[Said, Name]]) -> list[Remapped]:
        """Write the maps that are others than before."""
        by_name, by_id = {one.name: one for one in self.listings}, {one.id: one for one in self.connections}
        made = []
        for said, name in maps:
            listed, owner = by_name[name], by_id[name[0]]
            if listed.parts == said.parts:
                continue
            if self._can_be(said, name):
                map_listing(self.work, self.merchant, name, said.parts)
            made.append(Remapped(owner.channel, owner.account, name[1], name[2], listed.title, listed.parts, dict(said.parts)))
        return made

    def _can_be(self, said: Said, name: Name) -> bool:
        """Else what is wrong with the map is noted: then nothing of the file is kept."""
        try:
            kits.check(self.work, self.merchant, name, said.parts, alone=any(one.alone for one in self.listings if one.name == name))
        except kits.WrongKit as error:
            self.wrong.append((said.line, f"{said.channel_sku or said.listing}: {error}"))
            return False
        return True

    # ---- what follows

    def _tell(self, shelves: Sequence[Shelved], kept: set[str]) -> None:
        listings.propose(self.db, self.merchant)
        moved = {one.sku for one in shelves if one.was != one.will} | kept
        for connection in sorted(listings.touch(self.db, self.merchant, moved, None)):
            self.work.ask(self.merchant, "publish_stock", connection, connection)
        ask_waiting(self.work, self.merchant)

    def _shown(self) -> list[Shelf]:
        return listings.all_of(self.db, self.merchant)

    def _waiting(self) -> list[str]:
        return [ref for waits in ("stock", "mapping") for ref in orders.waiting(self.db, self.merchant, waits)]

    def _named(self, ref: str) -> tuple[str, str]:
        connection, _, order = ref.partition("/")
        return next((one.channel for one in self.connections if one.id == connection), ""), order

    def _warnings(self, shelves: Sequence[Shelved], effects: Sequence[Effect]) -> Iterator[str]:
        """What is allowed and most likely not meant."""
        for one in shelves:
            if one.will is not None and one.counted is not None and one.will > one.counted + one.moved:
                yield f"{one.sku}: {one.will} stay on hand, since so many are promised; {one.counted} were counted"
        zeros = sum(1 for one in shelves if one.will == 0 and one.was)
        if many(zeros, having := sum(1 for one in shelves if one.was)):
            yield f"{zeros} of the {having} SKUs in it that have stock would have none"
        for effect in effects:
            zeros = effect.listings.get("zero", 0)
            if many(zeros, effect.showing):
                yield f"{effect.channel} {effect.account}: {zeros} of its {effect.showing} listings that show stock would show none"
        yield from (f"the location {name} is new" for name in sorted(self.fresh))


def _cannot_count(one: Counted, at: int, shelved: Shelved, level: Level | None, now: int) -> str:
    if at > now:
        return f"counted_at {when(at).isoformat()} is yet to come"
    if level is None or shelved.was == shelved.will:
        return ""
    if at < min(level.counted_at, now):  # a clock that was set back stops nobody
        return f"was counted again after that, at {when(level.counted_at).isoformat()}: an older count says nothing any more"
    return f"{level.reserved} are promised" if one.on_hand is None and level.reserved else ""


def _meant(said: Said, known: Sequence[Connection]) -> Connection | str:
    """The connection of that id, account, label or channel; or what is wrong with what was said."""
    mine = [one for one in known if said.channel in ("", one.channel)]
    if said.connection:
        mine = next(
            (
                found
                for what in ("id", "account", "label", "channel")
                if (found := [one for one in mine if getattr(one, what) == said.connection])
            ),
            [],
        )
    words = " ".join(filter(None, (said.channel, said.connection)))
    if len(mine) == 1:
        return mine[0]
    return (
        f"{words or 'a listing without its channel'}: no connection is called so"
        if not mine
        else f"{words}: say which connection, there are {len(mine)}"
    )


def _named(mine: Sequence[Listed], said: Said) -> list[Listed]:
    """Listings of that id and SKU, as the channel spells them; one that is not said may be anything."""
    found = [one for one in mine if said.listing in ("", one.listing)]
    exact = [one for one in found if one.sku == said.channel_sku]
    blank = [one for one in found if one.sku.strip() == said.channel_sku.strip()]
    return exact or blank or (found if not said.channel_sku else [])


def _earliest(moments: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for sku, at in moments:
        found[sku] = min(at, found.get(sku, at))
    return found


def _by_then(known: "counts.Known | None", sku: str, at: int) -> int:
    """Units of a SKU that an order had moved on hand by that moment, by what it says itself; less than none: they had left."""
    if known is None:
        return 0
    moved = 0
    for line, part, units in known.parts:
        gone, back = gone_by(known.order, line, when(at), seen=known.saved_at <= at) if part == sku else (0, 0)
        moved += (back - gone) * units
    return moved


def _booked(row: Any, known: "counts.Known", at: int) -> dict[str, Any]:
    gone, back = gone_by(known.order, row.line, when(at), seen=known.saved_at <= at)
    return {
        "order_id": row.order_id,
        "line": row.line,
        "gone": max(row.booked_gone, min(gone, row.gone)),
        "back": max(row.booked_back, min(back, row.back)),
    }


def _effect(one: Connection, before: Sequence[Shelf], after: Sequence[Shelf]) -> Effect | None:
    """What of a connection's listings should show something else than before; None: nothing."""
    was = {shelf.id: (shelf.wanted, shelf.parts) for shelf in before}
    mine = [shelf for shelf in after if shelf.connection == one.id]
    found = Counter(verdict(shelf) for shelf in mine if was.get(shelf.id) != (shelf.wanted, shelf.parts))
    showing = sum(1 for shelf in mine if shelf.shown and shelf.writable is None)
    return Effect(one.id, one.channel, one.account, one.live_at is not None, showing, dict(found)) if found else None


def since_count(work: Unit, merchant: str, wishes: Sequence[Wish], taken: Mapping[str, Order]) -> list[Wish]:
    """Lines of which units left, or came back, before their goods were counted: those are in the count, and count as booked."""
    news = {_name(wish) for wish in wishes if _moved_by(wish)}
    at = counts.counted(work.db, merchant, news) if news else {}
    return [_since(wish, taken[wish.order], at[_name(wish)]) if _moved_by(wish) and _name(wish) in at else wish for wish in wishes]


def _name(wish: Wish) -> Name:
    return (wish.connection, wish.listing, wish.sku)


def _moved_by(wish: Wish) -> bool:
    return wish.due.gone > wish.booked.gone or wish.due.back > wish.booked.back


def _since(wish: Wish, order: Order, at: int) -> Wish:
    gone, back = booked_by_count(wish.due, wish.booked.gone, wish.booked.back, gone_by(order, wish.line, when(at), seen=False))
    return replace(wish, booked=replace(wish.booked, gone=gone, back=back))
