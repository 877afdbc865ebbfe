"""The pure world: the product's decisions among shops, buyers and workers that die, without a database, thousands of times a minute.

Workers are generators: whatever happens between two of their calls does, since each stops there and the heap of events goes on. Its
hub is in ledger.py, its channels are in shops.py. Beyond what the other world checks at its end, each sale is checked when it happens:
in quota nothing is sold that is not there, and in the pool no unit is, but for sales that the hub could not have told that channel yet.
"""

import heapq
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core import jobs
from core.domain.order import Line, Order
from core.domain.tasks import QUEUES, Claim, Task
from core.errors import LostLease, OutcomeUnknown, RateLimited, Unavailable
from core.flows import intake, stock
from core.ports import Told
from tests.simulation import shops
from tests.simulation.ledger import HOME, LIMITS, Ledger, Row
from tests.simulation.shops import SECOND, Shop, Stand
from tests.simulation.trouble import NO_TROUBLES, Troubles, must, zipf

NAMES = ("north", "south", "west")
GOODS = ("A", "B", "C", "D", "E")
KIT = {"A": 1, "B": 2}
TROUBLE_S, HOUR = 30, 3600 * SECOND
AGE, OVERLAP, RIPE = 3 * SECOND, 6 * SECOND, 5 * SECOND
WORKERS, LATE_S = 3, 40
BATCH = {"take_orders": 100, "reserve": 100, "fetch_orders": 8}
Steps = Iterator[None]


@dataclass(slots=True)
class Sale:
    """Units of a SKU that somebody took: at which stand, with which change of which order, and the hub's commit that knew of it first.
    `shown_at`: nobody took them, that stand shows them again by itself."""

    units: int
    at: int
    stand: Stand | None = None
    shown_at: Stand | None = None
    ref: str = ""
    version: int = 0
    heard: int | None = None


@dataclass(slots=True)
class Worker:
    number: int
    claim: Claim | None = None
    steps: Steps | None = None
    frozen: bool = False


@dataclass
class World:
    """`off`: kinds of trouble that do not happen; `trouble_s`: how long they do."""

    seed: int
    quota: bool = False
    off: frozenset[str] = frozenset()
    trouble_s: float = TROUBLE_S
    tell: bool = False
    now: int = SECOND * 1_000_000
    counts: Counter[str] = field(default_factory=Counter)
    trace: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    ending: str = ""

    def __post_init__(self) -> None:
        self.random = random = Random(self.seed)
        self.chance, self.heap, self.pushed, self.crc = random.random, list[tuple[int, int, Callable[..., None], tuple[Any, ...]]](), 0, 0
        drawn = Troubles.drawn(random)
        self.troubles = drawn.without(self.off)
        self.end, self.healed = self.now + int(self.trouble_s * SECOND), False
        self.weights, self.pace_s = zipf(random, len(GOODS)), random.choice([0.2, 0.5, 1.0])
        self.goods = {sku: random.randint(0, 25) for sku in GOODS}
        self.free = dict(self.goods)
        self.shops = {name: self._shop(n, name) for n, name in enumerate(NAMES)}
        self.sales: dict[str, list[Sale]] = {sku: [] for sku in GOODS}
        self.sales_of: dict[str, list[Sale]] = {}
        self.untold: set[str] = set()
        self.workers = [Worker(n) for n in range(WORKERS)]
        self.ledger = self._ledger()
        self.do = {name: getattr(self, f"_{name}") for name in FLOWS}
        self.placed = 0

    def _shop(self, n: int, name: str) -> Shop:
        buffer = self.random.choice([0, 0, 1])
        stands = {sku: Stand(sku, {sku: 1}, buffer) for sku in GOODS} | {"KIT": Stand("KIT", KIT, buffer)}
        return Shop(name, stands, compares=n == 0, queues=n == 1, slow_us=self.random.randint(0, AGE - SECOND))

    def _ledger(self) -> Ledger:
        stands = [(name, stand) for name, shop in self.shops.items() for stand in shop.stands.values()]
        rows = {n: Row(n, name, stand.name, stand.parts, stand.buffer) for n, (name, stand) in enumerate(stands)}
        compares = {name: shop.compares for name, shop in self.shops.items()}
        made = Ledger(rows, frozenset(GOODS if self.quota else ()), compares, self.now)
        made.levels = {(sku, HOME): [units, 0] for sku, units in self.goods.items()}
        made.marks = dict.fromkeys(self.shops, self.now - SECOND)
        return made

    # ---- time

    def at(self, after_us: int, act: Callable[..., None], *of: Any) -> None:
        self.pushed += 1
        heapq.heappush(self.heap, (self.now + after_us, self.pushed, act, of))

    def within(self, seconds: float) -> int:
        return int(self.chance() * seconds * SECOND)

    def say(self, *words: object) -> None:
        self.trace.append(f"{(self.now // 1000) % 10_000_000 / 1000:.3f} {' '.join(map(str, words))}")

    def run(self) -> None:
        self._begin()
        heap, ledger, counts = self.heap, self.ledger, self.counts
        deadline = self.end + HOUR
        while heap:
            self.now, _, act, of = heapq.heappop(heap)
            ledger.now = self.now
            if not self.healed and self.now >= self.end:
                self._heal()
            must(self.now < deadline, "quiet within an hour", sorted(ledger.tasks) if self.healed else "")
            counts["events"] += 1
            act(*of)
        self._check()
        state = (sorted(ledger.levels.items()), sorted(counts.items()), [row.shown for row in ledger.rows.values()], self.now, self.crc)
        self.ending = f"{zlib.crc32(repr(state).encode()):08x}"

    def _begin(self) -> None:
        for name in self.shops:
            self.ledger.ask("publish_stock", name, name)
            self.at(self.within(self.pace_s * 3), self._buyers, name)
            self.at(self.within(8), self._changes, name)
            self.at(self.within(10), self._poll, name)
        self.at(self.within(3), self._true)
        self.at(self.within(8), self._goods)
        self.at(0, self._sweep)

    def _heal(self) -> None:
        self.troubles, self.healed = NO_TROUBLES, True
        for worker in self.workers:
            worker.frozen = False

    # ---- buyers, merchants and the network

    def _buyers(self, name: str) -> None:
        """One buys, or a crowd does."""
        for _ in range(self.random.randint(4, 12) if self.chance() < 0.05 else 1):
            self._buy(self.shops[name])
        if not self.healed:
            self.at(self.within(self.pace_s * 6), self._buyers, name)

    def _buy(self, shop: Shop) -> None:
        wanted: dict[str, int] = {}
        for _ in range(1 + (self.chance() < 0.2)):
            stand = shop.stands["KIT" if self.chance() < 0.1 else self.random.choices(GOODS, cum_weights=self.weights)[0]]
            if units := min(1 + (self.chance() < 0.3), stand.shown - wanted.get(stand.name, 0)):
                wanted[stand.name] = wanted.get(stand.name, 0) + units
        if not wanted:
            self.counts["sold out"] += 1
            return
        self.placed += 1
        order = shops.first(shop.name, str(self.placed), wanted, self.now)
        for name, units in wanted.items():
            self._take(shop.stands[name], units, order)
        self.counts["orders"] += 1
        self._written(shop, order)

    def _take(self, stand: Stand, units: int, order: Order) -> None:
        """A buyer takes these off a stand: was every one of them there, or is it explained why it was still on show?"""
        for sku, each in stand.parts.items():
            self._judge(stand, sku, each, units)
        stand.shown -= units
        for sku, each in stand.parts.items():
            self._sale(sku, Sale(units * each, self.now, stand, None, order.ref, int(order.name)))
        self.crc = zlib.crc32(f"{self.now} {stand.name} {units}".encode(), self.crc)
        if self.tell:
            self.say(order.ref, "sells", units, stand.name, "of", stand.shown + units, "on show")

    def _sale(self, sku: str, sale: Sale) -> None:
        self.sales[sku].append(sale)
        self.sales_of.setdefault(sale.ref, []).append(sale)

    def _judge(self, stand: Stand, sku: str, each: int, units: int) -> None:
        there, on_show = self.free[sku], stand.shown * each
        if sku in self.ledger.quota:
            shown = sum(one.shown * one.parts[sku] for shop in self.shops.values() for one in shop.stands.values() if sku in one.parts)
            must(shown <= there, "in quota no more is on show than there is", f"{shown} of {sku} on {there} at {self.now}")
        elif on_show > there:
            slack = sum(sale.units for sale in self.sales[sku] if self._explains(sale, stand))
            must(
                on_show <= max(0, there) + slack,
                "what is sold twice is explained",
                f"{on_show} of {sku} on show at {stand.name}, {there} there, {slack} late",
            )
            self.counts["oversold, explained"] += min(units * each, on_show - there)
        self.free[sku] = there - units * each

    def _explains(self, sale: Sale, stand: Stand) -> bool:
        """What this stand shows was reckoned before the hub knew of that sale; its own it took off itself, unless it was set since."""
        late = sale.heard is None or sale.heard > stand.as_of
        return late and sale.shown_at in (None, stand) and not (sale.stand is stand and sale.at >= stand.set_at)

    def _written(self, shop: Shop, order: Order) -> None:
        shop.write(order, self.now)
        self.untold.add(order.ref)
        self._announce(shop, order)

    def _announce(self, shop: Shop, order: Order) -> None:
        if self.chance() < self.troubles.lost:
            self.counts["lost"] += 1
            return
        doubled = self.chance() < self.troubles.doubled
        self.counts["doubled"] += doubled
        for n in range(1 + doubled):
            late = self.chance() < self.troubles.late
            self.counts["late"] += late
            self.at(self.within(LATE_S if late else 1), self._door, order, f"{order.ref} {order.name} {n}")

    def _door(self, order: Order, delivery: str) -> None:
        known = self.ledger.known.get(order.ref)
        self.counts["reordered"] += known is not None and int(known.order.name) > int(order.name)
        self.ledger.keep(order, None, delivery)
        self._ring()

    def _changes(self, name: str) -> None:
        if not self.healed:
            self.at(self.within(8), self._changes, name)
            if shop := self.shops[name]:
                ids = list(shop.orders)
                if ids:
                    self._change(shop, shop.orders[self.random.choice(ids[-30:])])

    def _change(self, shop: Shop, order: Order) -> None:
        line = self.random.choice(order.lines)
        stand, act = (
            shop.stands[line.id if line.id in shop.stands else line.sku or ""],
            self.random.choice(["cancel", "send", "return", "more"]),
        )
        sent = line.fulfilled - shops.back(order, line)
        if order.is_cancelled:
            return
        if act == "cancel" and any(one.open for one in order.lines):
            self._cancel(shop, order, restock=self.chance() < 0.8)
        elif act == "send" and line.open and self._may_send(order, line):
            self._written(shop, shops.changed_line(order, line, self.now, fulfilled=line.fulfilled + 1))
        elif act == "return" and sent > 0:
            self._free(stand, 1, changed := shops.returned(order, line, 1, self.now))
            self._written(shop, changed)
        elif act == "more" and stand.shown > 0:
            changed = shops.changed_line(order, line, self.now, ordered=line.ordered + 1)
            self._take(stand, 1, changed)
            self._written(shop, changed)
        self.counts[act] += 1

    def _may_send(self, order: Order, line: Line) -> bool:
        """People pick what is reserved for it, and what they picked is not picked again before the hub hears of it."""
        if (order.ref, line.id) not in self.ledger.lines:
            return False
        booked = self.ledger.lines[order.ref, line.id][1]
        return line.fulfilled < booked.gone + booked.held

    def _cancel(self, shop: Shop, order: Order, *, restock: bool) -> None:
        changed = shops.later(order, self.now, cancelled_at=shops.moment(self.now), cancelled=True)
        for line in order.lines:
            self._unsell(shop.stands[line.sku or ""], line.open, order.ref)
            self._free(shop.stands[line.sku or ""], line.open, changed, on_show=restock)
        self._written(shop, changed)

    def _unsell(self, stand: Stand, units: int, ref: str) -> None:
        """So many are not sold any more: they explain nothing."""
        for sku, each in stand.parts.items():
            left = units * each
            for sale in self.sales[sku]:
                if sale.ref == ref and sale.stand is stand:
                    cut = min(left, sale.units)
                    sale.units, left = sale.units - cut, left - cut

    def _free(self, stand: Stand, units: int, order: Order, *, on_show: bool = True) -> None:
        """These are there for others now; the shop shows them again, or waits to be told."""
        stand.shown += units * on_show
        for sku, each in stand.parts.items():
            self.free[sku] += units * each
            if on_show and units:
                self._sale(sku, Sale(units * each, self.now, None, stand, order.ref, int(order.name)))

    def _goods(self) -> None:
        """Goods come in; in the pool some are lost too."""
        sku, units = self.random.choices(GOODS, cum_weights=self.weights)[0], self.random.randint(-2, 8)
        if units < 0 and (self.quota or self.ledger.free(sku) < -units):
            units = 0
        if units:
            self.goods[sku] += units
            self.free[sku] += units
            self.ledger.count(sku, units)
            if units < 0:
                self.sales[sku].append(Sale(-units, self.now, heard=self.ledger.seq))
            self._ring()
        if self.tell:
            self.say(units, "more of", sku)
        if not self.healed:
            self.at(self.within(8), self._goods)

    def _true(self) -> None:
        self.shops["south"].settle(self.now)
        if not self._over():
            self.at(self.within(3), self._true)

    # ---- workers, the sweeper and the clockwork

    def _poll(self, name: str) -> None:
        if not self._over():
            self.ledger.ask("poll_orders", name, name)
            self._ring()
            self.at(self.within(10) + SECOND, self._poll, name)

    def _sweep(self) -> None:
        for worker in self.workers:
            if worker.claim and not worker.frozen:
                self._renew(worker.claim)
        self.ledger.revive()
        self._ring(sure=True)
        if not self._over():
            self.at(2 * SECOND, self._sweep)

    def _renew(self, claim: Claim) -> None:
        for task in claim.tasks:
            job = self.ledger.tasks.get((task.kind, task.subject))
            if job and job.generation == task.generation and job.state == "running":
                job.lease_until = self.now + 4 * SECOND

    def _ring(self, *, sure: bool = False) -> None:
        """One that is idle wakes up, unless nobody hears the bell."""
        if not sure and self.chance() < self.troubles.meanwhile:
            self.counts["bell lost"] += 1
            return
        for worker in self.workers:
            if worker.steps is None:
                self.at(1000, self._step, worker)
                if not sure:
                    return

    def _step(self, worker: Worker) -> None:
        if worker.steps is None and not self._begin_set(worker):
            return
        worker.frozen = False
        try:
            next(worker.steps)  # type: ignore[arg-type]
        except StopIteration:
            self._rest(worker)
        except LostLease:
            self.counts["lease lost"] += 1
            self._rest(worker)
        except (Unavailable, OutcomeUnknown, RateLimited) as error:
            self._failed(worker, error)
        else:
            self._go_on(worker)

    def _begin_set(self, worker: Worker) -> bool:
        due = self.ledger.due()
        if not due:
            return False
        worker.claim = claim = self.ledger.claim(head := self.random.choice(due), BATCH.get(head.kind, 1))
        worker.steps = self.do[claim.kind](claim)
        return True

    def _rest(self, worker: Worker) -> None:
        worker.claim = worker.steps = None
        self.at(1000, self._step, worker)

    def _go_on(self, worker: Worker) -> None:
        """It lives, it dies, or it is not heard of for longer than its lease."""
        draw, troubles = self.chance(), self.troubles
        if draw < troubles.crash:
            self.counts["crash"] += 1
            if self.tell:
                self.say("worker", worker.number, "dies over", worker.claim.subjects if worker.claim else "")
            worker.claim = worker.steps = None
            self.at(SECOND, self._step, worker)
        elif draw < troubles.crash + troubles.freeze:
            self.counts["freeze"] += 1
            worker.frozen = True
            self.at(7 * SECOND, self._step, worker)
        else:
            self.at(int(draw * 60_000), self._step, worker)

    def _failed(self, worker: Worker, error: Exception) -> None:
        claim = worker.claim
        assert claim is not None
        wait_us = int((error.wait_s if isinstance(error, RateLimited) else 2.0) * SECOND)
        if not isinstance(error, OutcomeUnknown):
            self.ledger.blocked[claim.connection] = max(self.ledger.blocked.get(claim.connection, 0), self.now + wait_us)
        claim.finished, claim.outcomes = False, {task.id: jobs.judge(error, self._first(task), 0.5) for task in claim.tasks}
        try:
            self.ledger.record(claim)
        except LostLease:
            self.counts["lease lost"] += 1
        self._rest(worker)

    def _first(self, task: Task) -> Task:
        """Waits are those of a first try: what is sought is not how long an hour is."""
        return Task(task.id, task.merchant, task.connection, task.kind, task.subject, task.generation, 1)

    def _call(self, shop: str, what: str, act: Callable[[], Any]) -> Any:
        """An outside call, which may fail before or after it had its effect."""
        if self.chance() < self.troubles.fails_before:
            self._fail(what)
        found = act()
        if self.tell:
            self.say(shop, what, found if what == "show" else "")
        if self.chance() < self.troubles.fails_after:
            self.counts["lost answer"] += 1
            raise OutcomeUnknown("lost") if what == "show" else Unavailable("lost")
        return found

    def _fail(self, what: str) -> None:
        if self.chance() < 0.3:
            self.counts["429"] += 1
            raise RateLimited("slow down", wait_s=self.chance() * 5)
        self.counts["5xx"] += 1
        raise OutcomeUnknown("nobody knows") if what == "show" and self.chance() < 0.5 else Unavailable("nobody there")

    # ---- what core.flows do, a step at a time

    def _take_orders(self, claim: Claim) -> Steps:
        ledger = self.ledger
        waiting = [kept for ref in claim.subjects for kept in ledger.inbox.get(ref, ())]
        yield
        reading = intake.read(ledger.reader, _Named(claim.connection), waiting)  # type: ignore[arg-type]
        yield
        ledger.held(claim)
        for order in ledger.take(claim.connection, reading):
            self._heard(order)
        ledger.record(claim)
        self._ring()
        yield

    def _heard(self, order: Order) -> None:
        for sale in self.sales_of[order.ref]:
            if sale.heard is None and sale.version <= int(order.name):
                sale.heard = self.ledger.seq
        if order.name == self.shops[order.connection].orders[order.id].name:
            self.untold.discard(order.ref)

    def _fetch_orders(self, claim: Claim) -> Steps:
        shop, asked = self.shops[claim.connection], self.now
        yield
        found = self._call(shop.name, "fetch", lambda: [shop.orders[subject.split("/", 1)[1]] for subject in claim.subjects])
        yield
        self.ledger.held(claim)
        for order in found:
            self.ledger.keep(order, asked, f"fetched {self.ledger.id()}")
        self.ledger.record(claim)
        self._ring()
        yield

    def _poll_orders(self, claim: Claim) -> Steps:
        ledger, shop, asked = self.ledger, self.shops[claim.connection], self.now
        since, until = ledger.marks[shop.name] - OVERLAP, self.now - AGE
        yield
        found = self._call(shop.name, "poll", lambda: shop.changed(since, self.now))
        yield
        ledger.held(claim)
        for order in found:
            if ledger.is_news(order):
                ledger.keep(order, asked, f"poll {ledger.id()}")
        ledger.marks[shop.name] = until
        if ledger.raise_again(shop.name, until):
            ledger.ask("publish_stock", shop.name, shop.name)
        self._ask_before_raising(shop.name)
        ledger.record(claim)
        self._ring()
        yield

    def _ask_before_raising(self, shop: str) -> None:
        if waits := [row.raise_from for row in self.ledger.of_shop[shop] if row.raise_from is not None]:
            self.ledger.ask("poll_orders", shop, shop, max(SECOND, min(waits) - self.now + AGE + SECOND))

    def _reserve(self, claim: Claim) -> Steps:
        yield
        self.ledger.held(claim)
        self.ledger.look_again(claim.subjects)
        self.ledger.record(claim)
        self._ring()
        yield

    def _publish_stock(self, claim: Claim) -> Steps:
        ledger, shop = self.ledger, self.shops[claim.connection]
        batch = ledger.dirty(shop.name)
        if dealt := {sku for one in batch for sku in one.shares}:
            yield
            ledger.held(claim)
            if ledger.deal(shop.name, dealt):
                self._ask_before_raising(shop.name)
            yield
            batch = ledger.dirty(shop.name)
        as_of = ledger.seq
        look, began = [one for one in batch if stock.unknown(one)], self.now
        actual = {}
        if look:
            yield
            actual = self._call(shop.name, "shown", lambda: {one.name: shop.stands[one.listing].shown for one in look})
        tell, rest, _ = stock.decide([one for one in batch if not (one.shares and stock.unknown(one))], actual, LIMITS, "")
        read_to, taken = ledger.read_to(shop.name)
        tell, early = stock.hold_back(tell, self.now, read_to, taken=taken)
        self._judge_raises(shop, tell, self.now)
        yield
        ledger.held(claim)
        for one in rest:
            self._rests(shop, one, as_of)
        ledger.answered([_learned(one, actual[one.name]) for one in look if one.name in actual], began)
        if any(one.asked for one in look):
            ledger.ask("verify_stock", shop.name, shop.name, RIPE)
        for one, figure_at in early.unread:
            ledger.rows[one.id].told, ledger.rows[one.id].raise_from = max(ledger.rows[one.id].told, one.changed), figure_at
        self._ask_before_raising(shop.name)
        for one, _ in tell:
            ledger.rows[one.id].asked = True
        key, began = f"k{ledger.id()}", self.now
        yield
        pushes = [(push.listing, push.quantity, push.expected, as_of) for _, push in tell]
        answers = self._call(shop.name, "show", lambda: shop.show(pushes, key, self.now)) if tell else ()
        yield
        ledger.held(claim)
        by_name = {answer.name: answer for answer in answers}
        ledger.answered([stock._answer_row(one, push, by_name.get(one.name), "") for one, push in tell], began, proves=shop.compares)
        self._give_back(shop.name, [ledger.rows[one.id] for one in batch if one.shares])
        if any(row.changed > row.told for row in ledger.of_shop[shop.name]):
            ledger.ask("publish_stock", shop.name, shop.name, 0 if tell else SECOND)
        if any(answer.told is Told.ACCEPTED for answer in answers):
            ledger.ask("verify_stock", shop.name, shop.name, RIPE)
        ledger.record(claim)
        self._ring()
        yield

    def _judge_raises(self, shop: Shop, tell: stock.Tell, looked: int) -> None:
        """More is told only where every sale there is known that the figure was read after."""
        for one, push in tell:
            figure_at = looked if stock.unknown(one) else one.figure_at
            if push.quantity > (push.expected or 0):
                stand = shop.stands[one.listing]
                unread = [
                    sale for sku in stand.parts for sale in self.sales[sku] if sale.stand is stand and sale.heard is None and sale.units
                ]
                must(all(sale.at >= figure_at for sale in unread), "more is shown only past the orders", f"{shop.name} {one.listing}")

    def _rests(self, shop: Shop, one: stock.Dirty, as_of: int) -> None:
        """It shows what it should, the hub thinks, all that it knew at that commit reckoned in: as if it had been set when it was read.
        Not where an earlier number was accepted, or asked for by a worker that froze over its call, and may come true yet: that is the
        channel's own delay, until it is read back."""
        row, stand = self.ledger.rows[one.id], shop.stands[one.listing]
        row.told = max(row.told, one.changed)
        row.as_of = as_of
        if row.accepted_at is None and not one.asked:
            self._proved(stand, as_of, self.now if stock.unknown(one) else row.shown_at)

    def _proved(self, stand: Stand, as_of: int, at: int) -> None:
        stand.as_of, stand.set_at = max(stand.as_of, as_of), max(stand.set_at, at)

    def _give_back(self, shop: str, rows: list[Row]) -> None:
        ledger = self.ledger
        if ledger.giving(rows):
            read_to, taken = ledger.read_to(shop)
            if taken and ledger.raise_again(shop, read_to):
                ledger.ask("publish_stock", shop, shop)
            self._ask_before_raising(shop)

    def _verify_stock(self, claim: Claim) -> Steps:
        ledger, shop, began = self.ledger, self.shops[claim.connection], self.now
        ripe = [row for row in ledger.of_shop[shop.name] if row.accepted_at is not None and row.accepted_at <= began - RIPE]
        over = [ledger.as_shown(row) for row in ripe]
        yield
        actual = self._call(shop.name, "shown", lambda: {one.id: shop.stands[one.listing].shown for one in over}) if over else {}
        yield
        ledger.held(claim)
        ledger.confirm([(one, actual[one.id]) for one in over], began)
        for row in ripe:
            if row.accepted_at is None and row.changed == row.told:
                self._proved(shop.stands[row.name], row.as_of, began)
        self._give_back(shop.name, [row for row in ripe if row.holds is not None])
        if any(row.changed > row.told for row in ledger.of_shop[shop.name]):
            ledger.ask("publish_stock", shop.name, shop.name)
        if waits := [row.accepted_at for row in ledger.of_shop[shop.name] if row.accepted_at is not None]:
            ledger.ask("verify_stock", shop.name, shop.name, max(SECOND, min(waits) + RIPE - self.now))
        ledger.record(claim)
        self._ring()
        yield

    # ---- what must hold

    def _over(self) -> bool:
        return self.now > self.end + LATE_S * SECOND and self._quiet()

    def _quiet(self) -> bool:
        """Nothing is under way: every order is known as it is, nothing waits to be told, read or done."""
        ledger = self.ledger
        waits = any(
            row.changed > row.told or row.asked or row.accepted_at is not None or row.raise_from is not None for row in ledger.rows.values()
        )
        return not (
            waits or self.untold or ledger.tasks or ledger.inbox or any(stand.pending for stand in self.shops["south"].stands.values())
        )

    def _check(self) -> None:
        must(self._quiet(), "in the end everything is done", sorted(self.ledger.tasks))
        for shop in self.shops.values():
            for order in shop.orders.values():
                self._check_order(order)
        for sku in GOODS:
            self._check_shelf(sku)
        for row in self.ledger.rows.values():
            shown, wanted = self.shops[row.shop].stands[row.name].shown, self._should_show(row)
            must(shown == wanted, "every listing shows what it should", f"{row.shop} {row.name} shows {shown}, should {wanted}")
        for key in self.ledger.waiting:
            wish = self.ledger.lines[key][0]
            parts = self.shops[wish.connection].stands[wish.sku].parts
            must(any(self.ledger.free(sku) < each for sku, each in parts.items()), "nobody waits for what is there", f"{wish.ref}")
        self.counts["quiet"] += 1

    def _should_show(self, row: Row) -> int:
        """Said once more and plainly: what is free less what orders wait for and what is kept back, or what it was dealt."""
        if self.quota:
            return row.share or 0
        owed = self.ledger.short()
        return max(0, min((self.ledger.free(sku) - owed.get(sku, 0)) // each for sku, each in row.parts.items()) - row.buffer)

    def _check_order(self, order: Order) -> None:
        for line in order.lines:
            due = (0 if order.is_cancelled else line.open, line.fulfilled, shops.back(order, line))
            wish, booked = self.ledger.lines[order.ref, line.id]
            said = (wish.due.hold, wish.due.gone, wish.due.back)
            must(said == due, "every line demands what its order says", f"{order.ref} {said} {due}")
            must((booked.gone, booked.back) == due[1:], "what left and came back did so once", f"{order.ref} {booked}")
            held = sum(self.ledger.reserved.get((order.ref, line.id), {}).values())
            each = sum(self.shops[order.connection].stands[line.sku or ""].parts.values())
            must(
                booked.held * each == held and booked.held <= due[0], "what a line holds is reserved for it", f"{order.ref} {booked} {held}"
            )
            must(booked.held == due[0] or booked.waits, "a line that holds less than it should waits", f"{order.ref} {booked}")

    def _check_shelf(self, sku: str) -> None:
        on_hand, reserved = self.ledger.levels[sku, HOME]
        held = sum(units for one in self.ledger.reserved.values() for (mine, _), units in one.items() if mine == sku)
        must(0 <= reserved == held <= on_hand, "reserved is what lines hold, and lies there", f"{sku} {on_hand} {reserved} {held}")
        short = self.ledger.short().get(sku, 0)
        must(
            on_hand - reserved - short == self.free[sku],
            "the books say what is there",
            f"{sku} {on_hand} {reserved} {short} {self.free[sku]}",
        )
        must(not (self.quota and short), "in quota nothing is sold twice", f"{sku} {short}")


@dataclass(frozen=True, slots=True)
class _Named:
    id: str


def _learned(one: stock.Dirty, shown: int) -> dict[str, Any]:
    told = "lost" if one.asked else "read"
    return {"id": one.id, "changed": one.changed, "shown": shown, "told": told, "settled": 0, "heard": one.heard}


FLOWS = ("take_orders", "fetch_orders", "poll_orders", "reserve", "publish_stock", "verify_stock")
assert all(kind in QUEUES for kind in FLOWS)


def run(seed: int, **knobs: Any) -> World:
    world = World(seed, **knobs)
    world.run()
    return world
