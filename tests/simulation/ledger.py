"""The pure world's hub: rows in memory and transactions that nobody interrupts, around the real decisions of core.

What decides is the product's own code: core.domain.stock, sharing and exposure, and those parts of core.flows that are pure (which copy
of an order counts, what its lines demand, what a sale takes off a listing, what a channel is told, what became of it). What stands here
is what core.store says in SQL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from core.domain import sharing as dealing
from core.domain import stock
from core.domain.exposure import NO_RULE, exposure
from core.domain.order import Order
from core.domain.places import NOWHERE, PlaceMap
from core.domain.stock import Key
from core.domain.tasks import LEASE, QUEUES, Claim, Outcome, Task
from core.errors import LostLease, Stale
from core.flows import allocation, intake, settling, sharing
from core.flows.allocation import Wish
from core.flows.kin import NOBODY
from core.ports import Limits, Told
from core.store.inbox import Kept
from core.store.listings import Dirty, Mapped, Moved
from core.store.orders import UNBOOKED, Booked, Known, Written
from core.store.quotas import Listed
from core.store.tables import us, when
from tests.simulation.shops import moment

HOME = "home"
MAP = PlaceMap({NOWHERE: (HOME,)}, first=HOME)
GROUND = settling.Ground(moment(0), MAP)
LIMITS = Limits()
LEASE_US = us(when(0) + LEASE)


@dataclass(slots=True)
class Row:
    """A listing as the hub believes it: the columns of `listings` that its flows decide by; `asked`: a push without an answer."""

    id: int
    shop: str
    name: str
    parts: Mapping[str, int]
    buffer: int
    shown: int | None = 0
    shown_from: int = 0
    shown_at: int = 1
    figure_at: int = 0
    changed: int = 1
    told: int = 0
    heard: int = 0
    accepted_at: int | None = None
    raise_from: int | None = None
    share: int | None = None
    holds: int | None = None
    asked: bool = False
    as_of: int = 0  # the hub's commit that what rests was reckoned from


@dataclass(slots=True)
class Job:
    """A task that is open."""

    id: int
    shop: str
    kind: str
    subject: str
    due_at: int
    state: str = "due"
    generation: int = 0
    tries: int = 0
    crashes: int = 0
    again: bool = False
    lease_until: int = 0


@dataclass
class Ledger:
    """`seq` counts the commits that moved stock. `quota` are the SKUs that are dealt; `compares` says of each shop whether it does."""

    rows: dict[int, Row]
    quota: frozenset[str]
    compares: Mapping[str, bool]
    now: int = 0
    seq: int = 1
    levels: dict[Key, list[int]] = field(default_factory=dict)
    reserved: dict[tuple[str, str], dict[Key, int]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    lines: dict[tuple[str, str], tuple[Wish, Booked]] = field(default_factory=dict)
    waiting: dict[tuple[str, str], str] = field(default_factory=dict)  # by line: the ref of its order
    inbox: dict[str, list[Kept]] = field(default_factory=dict)
    deliveries: set[str] = field(default_factory=set)
    bodies: dict[bytes, Order] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    tasks: dict[tuple[str, str], Job] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        self.of_shop: dict[str, list[Row]] = {}
        self.of_name: dict[tuple[str, str], Row] = {}
        self.of_sku: dict[str, list[Row]] = {}
        for row in self.rows.values():
            self.of_shop.setdefault(row.shop, []).append(row)
            self.of_name[row.shop, row.name] = row
            for sku in row.parts:
                self.of_sku.setdefault(sku, []).append(row)
        reader = SimpleNamespace(order=lambda body, _: self.bodies[body])
        self.reader = SimpleNamespace(connector=lambda _: reader)

    def id(self) -> int:
        self.made += 1
        return self.made

    # ---- tasks

    def ask(self, kind: str, subject: str, shop: str, wait_us: int = 0) -> None:
        due, job = self.now + wait_us, self.tasks.get((kind, subject))
        if job is None:
            self.tasks[kind, subject] = Job(self.id(), shop, kind, subject, due)
        elif job.state == "running":
            job.due_at, job.again = (due if not job.again else min(due, job.due_at)), True
        else:
            job.due_at = min(due, job.due_at)

    def due(self) -> list[Job]:
        return [
            job for job in self.tasks.values()
            if job.state == "due" and job.due_at <= self.now and (QUEUES[job.kind] == "inside" or self.blocked.get(job.shop, 0) <= self.now)
        ]  # fmt: skip

    def claim(self, head: Job, most: int) -> Claim:
        same = [job for job in self.due() if (job.kind, job.shop) == (head.kind, head.shop) and job is not head]
        held = [head] if head.crashes else [head, *(job for job in same if not job.crashes)][:most]
        for job in held:
            job.state, job.again, job.lease_until = "running", False, self.now + LEASE_US
            job.generation, job.tries = job.generation + 1, job.tries + 1
        return Claim([Task(job.id, "m", job.shop, job.kind, job.subject, job.generation, job.tries) for job in held])

    def held(self, claim: Claim) -> list[Job]:
        """The rows of a claim. Raises LostLease where one is another's by now."""
        found = [self.tasks.get((task.kind, task.subject)) for task in claim.tasks]
        if any(job is None or job.id != task.id or job.generation != task.generation or job.state != "running"
               for job, task in zip(found, claim.tasks, strict=True)):  # fmt: skip
            raise LostLease
        return [job for job in found if job]

    def record(self, claim: Claim) -> None:
        for job, task in zip(self.held(claim), claim.tasks, strict=True):
            self._record(job, claim.outcome(task))
        claim.finished = True

    def _record(self, job: Job, outcome: Outcome) -> None:
        if outcome.state == "done" and not job.again:
            del self.tasks[job.kind, job.subject]
            return
        due = self.now + int(outcome.wait_s * 1e6)
        job.due_at = job.due_at if job.again and (outcome.state != "due" or job.due_at < due) else due
        job.state, job.again, job.crashes = "due", False, 0 if outcome.state == "done" else job.crashes
        job.tries = 0 if outcome.state == "done" else job.tries - (not outcome.counts)

    def revive(self) -> None:
        for job in self.tasks.values():
            if job.state == "running" and job.lease_until < self.now:
                job.state, job.generation, job.crashes = "due", job.generation + 1, job.crashes + 1

    # ---- orders in

    def keep(self, order: Order, read_at: int | None, delivery: str) -> None:
        if delivery in self.deliveries:
            return
        self.deliveries.add(delivery)
        body = f"{order.ref} {order.name}".encode()
        self.bodies[body] = order
        self.inbox.setdefault(order.ref, []).append(Kept(self.id(), order.ref, "", us(order.revision), read_at, body))
        self.ask("take_orders", order.ref, order.connection)

    def is_news(self, order: Order) -> bool:
        known = self.known.get(order.ref)
        return known is None or us(order.revision) > known.revision or (us(order.revision) == known.revision and not known.final)

    def read_to(self, shop: str) -> tuple[int, bool]:
        waits = any(job.shop == shop and job.kind in ("take_orders", "fetch_orders") for job in self.tasks.values())
        return self.marks[shop], not waits

    def take(self, shop: str, reading: intake.Reading) -> list[Order]:
        """Save what is newer and settle what it demands; gives what was saved."""
        written = {ref: Written(order, b"", None, order.name, kept.read_at) for ref, (kept, order) in reading.best.items()}
        new = [ref for ref, one in written.items() if intake._wanted(reading, ref, one, self.known.get(ref))]
        booked = {(ref, line.id): self._booked(ref, line.id) for ref in new for line in written[ref].order.lines}
        view = settling.View(NOBODY, booked, (), {shop: GROUND})
        wishes = [wish for ref in new for wish in settling._wishes(view, ref, written[ref].order, self.known.get(ref))]
        self.settle([wish for wish in wishes if settling._moves(wish)], [wish for wish in wishes if not settling._moves(wish)])
        for ref in new:
            one = written[ref]
            self.known[ref] = Known(ref, one.order, us(one.order.revision), one.digest, one.read_at, saved_at=self.now)
        self._fetches(shop, reading)
        self._close(reading)
        return [written[ref].order for ref in new]

    def _booked(self, ref: str, line: str) -> Booked:
        return self.lines[ref, line][1] if (ref, line) in self.lines else UNBOOKED

    def _fetches(self, shop: str, reading: intake.Reading) -> None:
        for ref, revision in reading.fetch.items():
            best = max(
                us(reading.best[ref][1].revision) if ref in reading.best else 0, self.known[ref].revision if ref in self.known else 0
            )
            if revision is None or revision > best:
                self.ask("fetch_orders", ref, shop)

    def _close(self, reading: intake.Reading) -> None:
        for ref in reading.best:
            if left := [kept for kept in self.inbox.get(ref, ()) if kept.id not in reading.outcomes]:
                self.inbox[ref] = left
            else:
                self.inbox.pop(ref, None)

    # ---- shelves

    def settle(self, wishes: Sequence[Wish], still: Sequence[Wish] = ()) -> None:
        maps = {allocation._name(wish): self._mapped(wish) for wish in wishes}
        reserved = {(wish.order, wish.line): self.reserved.get((wish.order, wish.line), {}) for wish in wishes}
        skus = {sku for one in maps.values() for sku in one.parts}
        lines = [allocation._line(wish, maps, reserved, {}) for wish in wishes]
        plan = stock.settle(lines, {(sku, HOME): self._level(sku) for sku in skus})
        self._apply(plan)
        booked = {(line.order, line.line): Booked(held, gone, back, waits) for line, held, gone, back, waits in plan.lines}
        short = [wish for wish in wishes if "stock" in (wish.booked.waits, booked[wish.order, wish.line].waits)]
        for wish in (*wishes, *still):
            self._write(wish, booked.get((wish.order, wish.line), wish.booked))
        self._tell(plan.skus.union(sku for wish in short for sku in maps[allocation._name(wish)].parts), wishes, maps)
        if plan.frees:
            self.ask_waiting()

    def _mapped(self, wish: Wish) -> Mapped:
        row = self.of_name[wish.connection, wish.sku]
        return Mapped({row.id: (row.shown_from, row.shown_at)}, dict(row.parts))

    def _level(self, sku: str) -> tuple[int, int]:
        on_hand, reserved = self.levels[sku, HOME]
        return on_hand, reserved

    def _apply(self, plan: stock.Plan) -> None:
        for key, (on_hand, reserved) in plan.shelves.items():
            level = self.levels[key]
            if level[1] + reserved < 0 or level[0] + on_hand < level[1] + reserved:
                raise Stale("a shelf changed under a plan")
        for key, (on_hand, reserved) in plan.shelves.items():
            self.levels[key][0] += on_hand
            self.levels[key][1] += reserved
        for (order, line, sku, place), units in plan.reservations.items():
            self.reserved.setdefault((order, line), {})[sku, place] = units
        self.seq += 1

    def _write(self, wish: Wish, booked: Booked) -> None:
        key = (wish.order, wish.line)
        self.lines[key] = (wish, booked)
        if booked.waits:
            self.waiting[key] = wish.ref
        else:
            self.waiting.pop(key, None)

    def _tell(self, skus: Iterable[str], wishes: Sequence[Wish], maps: Mapping[Any, Mapped]) -> None:
        for id, moved in allocation.moves(wishes, maps).items():
            self._sold(self.rows[id], moved)
        self.touch(skus)

    def _sold(self, row: Row, moved: Moved) -> None:
        """What the SQL statement LOWER does."""
        units = moved.units
        row.changed, row.heard = row.changed + 1, row.heard + 1
        row.shown = None if units is None or row.shown is None else max(0, row.shown - units)
        if row.holds is not None:
            row.holds = row.holds + moved.back if units is None else max(0, row.holds - units)
        if row.share is not None and units is not None:
            row.share = max(0, row.share - units)
        self.ask("publish_stock", row.shop, row.shop)

    def touch(self, skus: Iterable[str]) -> None:
        for row in {row.id: row for sku in sorted(skus) for row in self.of_sku[sku]}.values():
            row.changed += 1
            self.ask("publish_stock", row.shop, row.shop)

    def ask_waiting(self) -> None:
        for key, ref in self.waiting.items():
            parts = self.of_name[self.lines[key][0].connection, self.lines[key][0].sku].parts
            if all(self.free(sku) >= each for sku, each in parts.items()):
                self.ask("reserve", ref, ref.split("/", 1)[0])

    def look_again(self, refs: Iterable[str]) -> None:
        """Settle these orders' lines as they are written down."""
        wanted = set(refs)
        rows = [(wish, booked) for (ref, _), (wish, booked) in self.lines.items() if ref in wanted]
        self.settle([Wish(wish.order, wish.ref, wish.connection, wish.line, wish.listing, wish.sku, wish.placed_at, wish.due, booked,
                          places=MAP) for wish, booked in rows])  # fmt: skip
        self.ask_waiting()

    def count(self, sku: str, more: int) -> None:
        """So many more lie there, or fewer, of those that nobody is promised."""
        self.levels[sku, HOME][0] += more
        self.seq += 1
        self.touch([sku])
        if more > 0:
            self.ask_waiting()

    def free(self, sku: str) -> int:
        on_hand, reserved = self.levels[sku, HOME]
        return on_hand - reserved

    # ---- stock out

    def dirty(self, shop: str) -> list[Dirty]:
        return [self._dirty(row) for row in self.of_shop[shop] if row.changed > row.told]

    def _dirty(self, row: Row) -> Dirty:
        dealt = not self.quota.isdisjoint(row.parts)
        return Dirty(
            row.id, row.name, row.name, {}, row.shown, self.wanted(row), row.changed, None, 0, "", row.heard, row.asked,
            figure_at=row.figure_at, shares=tuple(row.parts) if dealt else (),
        )  # fmt: skip

    def wanted(self, row: Row) -> int:
        share = None if self.quota.isdisjoint(row.parts) else row.share or 0
        owed = self.short()
        return exposure(row.parts, {sku: self.free(sku) - owed.get(sku, 0) for sku in row.parts}, NO_RULE, row.buffer, share).units

    def as_shown(self, row: Row) -> Dirty:
        return Dirty(row.id, row.name, row.name, {}, row.shown, row.shown or 0, row.changed, None, 0, "", row.heard, asked=False)

    def answered(self, rows: Iterable[Mapping[str, Any]], began: int, *, proves: bool = False) -> None:
        """What the SQL statements CLOSE and ANSWER do."""
        for said in rows:
            row = self.rows[said["id"]]
            row.asked = False
            row.shown = said["shown"] if row.heard == said["heard"] else None
            row.shown_from, row.shown_at = began, self.now
            row.figure_at = row.figure_at if proves and said["told"] == Told.SHOWN else self.now
            row.raise_from = None if said["settled"] else row.raise_from
            row.accepted_at = self.now if said["told"] in ("accepted", "lost") else row.accepted_at
            row.told = max(row.told, said["changed"]) if said["settled"] else row.told

    def confirm(self, read: Iterable[tuple[Dirty, int]], began: int) -> None:
        """What the SQL statement CONFIRM does."""
        for one, shown in read:
            row = self.rows[one.id]
            if row.changed == one.changed == row.told and row.heard == one.heard and row.shown_at <= began:
                row.changed += shown != row.shown
                row.accepted_at, row.shown, row.shown_from, row.shown_at, row.figure_at = None, shown, began, self.now, self.now

    def raise_again(self, shop: str, read_to: int) -> bool:
        found = [row for row in self.of_shop[shop] if row.raise_from is not None and row.raise_from < read_to]
        for row in found:
            row.changed, row.raise_from = row.changed + 1, None
        return bool(found)

    def giving(self, rows: Iterable[Row]) -> bool:
        found = [
            row for row in rows
            if row.holds is not None and row.shown is not None and row.holds > row.shown and row.raise_from is None
            and row.accepted_at is None and not row.asked
        ]  # fmt: skip
        for row in found:
            row.raise_from = row.figure_at
        return bool(found)

    def deal(self, shop: str, skus: Iterable[str]) -> bool:
        """What core.flows.sharing.deal does; whether some wait for a poll."""
        found = [self._listed(row) for row in self._component(skus)]
        levels = {(sku, HOME): self._level(sku) for one in found for sku in one.parts}
        ground = self._ground(shop, found, free := sharing._free(levels, {}, self.short()))
        owners = [ground.owner(one) for one in found]
        made = dealing.deal(owners, free)
        for one in found:
            if one.connection == shop and one.id in made.shares:
                self._deal(self.rows[one.id], made.shares[one.id], made.holds[one.id])
        later = [self.rows[one.id] for one in found if one.connection == shop and one.id in made.later]
        for row in later:
            row.raise_from = row.figure_at if row.raise_from is None and row.shown is not None else row.raise_from
        self._wake_others(shop, found, {one.id: made.shares[one.id] for one in owners if one.sure and not one.stuck})
        return bool(later)

    def _component(self, skus: Iterable[str]) -> list[Row]:
        known, wanted = set[str](), set(skus)
        while wanted - known:
            known = set(wanted)
            wanted |= {sku for one in known & self.quota for row in self.of_sku[one] for sku in row.parts}
        return sorted({row.id: row for sku in known & self.quota for row in self.of_sku[sku]}.values(), key=lambda row: row.id)

    def _listed(self, row: Row) -> Listed:
        busy = row.accepted_at is not None or row.asked
        parts = {sku: each for sku, each in row.parts.items() if sku in self.quota}
        return Listed(row.id, row.shop, row.shop, row.name, row.name, NOWHERE, row.shown, row.share, row.holds, row.figure_at, NO_RULE,
                      row.buffer, busy, "active", parts)  # fmt: skip

    def _ground(self, shop: str, found: Sequence[Listed], free: Mapping[Key, int]) -> sharing.Ground:
        shops = {one.connection for one in found}
        read = {one: self.read_to(one) for one in shops}
        return sharing.Ground(
            shop, free, {(one, NOWHERE): (HOME,) for one in shops}, {one.id: self.rows[one.id].heard for one in found}, read,
            self.compares,
        )  # fmt: skip

    def short(self) -> dict[str, int]:
        """Units that lines wait for, whatever else they wait for: nobody else is shown these."""
        short: dict[str, int] = {}
        for key in self.waiting:
            wish, booked = self.lines[key]
            for sku, each in self.of_name[wish.connection, wish.sku].parts.items():
                short[sku] = short.get(sku, 0) + (wish.due.hold - booked.held) * each
        return short

    def _deal(self, row: Row, share: int, holds: int) -> None:
        row.changed += row.share != share
        row.share, row.holds = share, holds

    def _wake_others(self, shop: str, found: Sequence[Listed], shares: Mapping[int, int]) -> None:
        for one in found:
            if one.connection != shop and one.share != shares.get(one.id, one.share):
                self.rows[one.id].changed += 1
                self.ask("publish_stock", one.connection, one.connection)
