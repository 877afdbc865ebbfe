"""A world for the hub: three channels with buyers, a network that loses, doubles, delays and reorders, and workers that die.

Everything happens in one thread and by one random source, so a seed is a run. Whatever may happen between two calls to the
database or to a channel does: a buyer buys, a notice comes, another worker does a whole task, time passes, or the process ends.

KNOBS: plain; kin, with copies and merged orders; quota, every SKU is dealt to the channels; rush, crowds that want the same, polls and
looks back every few seconds, and logins that expire; frail, both but quota, with workers that die or freeze every few steps; dock, what
is sold is packed, labelled, sent and called off (dock.py); books, what is sold is booked, paid out and written into a ledger (books.py).
"""

import heapq
import sqlite3
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, text

from connectors.bogus.channel import Bogus, Document
from core import jobs
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Unavailable
from core.flows import sharing
from core.flows.allocation import ask_waiting
from core.store import connections, listings, stock, tasks
from core.store.connections import Connection as Account
from core.store.engine import Database
from core.store.sql import run as run_sql
from core.store.tables import us
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.depot import depot
from tests.flows.quick import Houses
from tests.flows.workers import Crash
from tests.simulation import books as ledgers
from tests.simulation import dock as docks
from tests.simulation.trouble import NO_TROUBLES, Troubles, must, zipf

NAMES = ("north", "south", "west")
GOODS = ("A", "B", "C")
TROUBLE = timedelta(seconds=40)  # how long buyers buy and things go wrong
CHANGES = docks.CHANGES | ledgers.CHANGES
DEEP = 4  # so much may happen meanwhile, meanwhile, ...


# What is reserved is what lines hold, lies there, and is never more than is due; an order is here once.
ALWAYS = """
select 'reserved', v.sku, v.reserved, v.on_hand from levels v where v.reserved < 0 or v.on_hand < v.reserved
  or v.reserved <> (select coalesce(sum(r.units), 0) from reservations r where r.sku = v.sku and r.location = v.location)
union all select 'held', l.line, l.held, l.hold from order_lines l where l.held > l.hold or l.held < 0
union all select 'twice', o.channel_id, count(*), 0 from orders o group by o.connection, o.channel_id having count(*) > 1
"""


# What a channel was told and has not answered, or only accepted, is somebody's to follow: that all is read back later excuses nobody.
FORGOTTEN = """
select distinct 'not answered', u.connection from pushes u where u.told_at is null and not exists (
  select 1 from tasks t where t.connection = u.connection and t.kind in ('publish_stock', 'verify_stock') and t.state <> 'done')
union all select distinct 'accepted', l.connection from listings l where l.accepted_at is not null and not exists (
  select 1 from tasks t where t.connection = l.connection and t.kind = 'verify_stock' and t.state <> 'done')
"""


class Shaky(Database):
    """A database between whose transactions things happen, and after each of which somebody looks."""

    between: Callable[[str], None] = staticmethod(lambda _: None)
    look: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Connection]:
        self.between("before a transaction")
        with super().write(lasting=lasting) as db:
            yield db
        self.look()
        self.between("after a commit")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with super().read() as db:
            yield db
        self.between("after a look")


@dataclass
class World:
    houses: Houses
    seed: int
    tell: bool = False
    copied: float = 0.0  # of the orders that west sells, so many are brought into north by an app
    combined: float = 0.0  # of the orders, so many are not paid at once, and may become one
    quota: bool = False  # every SKU is dealt to the channels
    rush: bool = False  # crowds want the same, everything is polled and looked at every few seconds, logins expire
    frail: bool = False  # workers die or freeze every few steps, goods come in all the time, one channel tells what is not sent yet
    dock: bool = False  # what is sold is packed, labelled and sent
    books: bool = False  # what is sold is booked, paid out and written into a ledger
    off: frozenset[str] = frozenset()  # kinds of trouble that do not happen
    trouble_s: float = TROUBLE.total_seconds()
    gone: dict[tuple[str, str], Document] = field(default_factory=dict)  # what was combined, and is not known there any more
    over: set[str] = field(default_factory=set)  # what was combined: nothing happens to it any more
    due: list[tuple[datetime, int, str, Callable[[], None]]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    held: list[Claim] = field(default_factory=list)
    depth: int = 0
    ending: str = ""
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    trace: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    crc: int = 0

    def __post_init__(self) -> None:
        self.random, self.more = Random(self.seed), Random(f"more {self.seed}")
        self.house: House = self.houses.make()
        self.hub, self.clock, self.systems = self.house.hub, self.house.clock, self.house.systems
        self.hub.box(self.house.merchant.id)  # read once, and not in the middle of a transaction
        self.end = self.clock.now + timedelta(seconds=self.trouble_s)
        drawn = Troubles.drawn(self.random)
        drawn = replace(drawn, expires=0.1 * self.more.random()) if self.rush else drawn
        drawn = replace(drawn, crash=0.06, freeze=0.4, meanwhile=0.25) if self.frail else drawn
        self.troubles = drawn.without(self.off)
        self.wanted = zipf(self.more, len(GOODS))
        if self.rush:
            bogus = self.hub.connectors["bogus"]
            self.hub.connectors = {"bogus": replace(bogus, poll_overlap=timedelta(seconds=6))}
        self.systems["north"].compares, self.systems["south"].queues, self.systems["south"].whole = True, True, False
        self.systems["north"].commits = self.frail
        for sku in GOODS:
            self._count(sku, self.random.randint(0, 10))
        self.side: docks.Dock | None = None
        self.desk: ledgers.Desk | None = None
        self.doing: list[list[Any]] = []  # [what, how many transactions of it are over]
        self.revisions: dict[tuple[str, str], int] = {}
        self.eye = sqlite3.connect(self.hub.database.url.removeprefix("sqlite:///"), isolation_level=None)
        self.hub.database.between, self.hub.database.look = self.between, self.see
        for system in self.systems.values():
            system.call = self.rough(system.account, self.house.connections[system.account], system.call, system)
        self.side = docks.Dock(self) if self.dock else None
        self.desk = ledgers.Desk(self) if self.books else None
        self.say(f"{self.troubles}")

    def say(self, words: str) -> None:
        self.crc = zlib.crc32(words.encode(), self.crc)
        self.trace.append(f"{self.clock.now:%M:%S.%f} {'  ' * self.depth}{words}")
        if self.tell:
            print(self.trace[-1])

    # ---- what happens between two calls

    def between(self, where: str) -> None:
        phase = self._phase(where)
        if self.depth >= DEEP or self.troubles is NO_TROUBLES:
            return
        self.clock.pass_(timedelta(milliseconds=self.random.randint(0, 60)))
        self._renew()
        if self.held and self.random.random() < self.troubles.crash:
            self.say(f"crash {where}")
            self._met("crash", phase)
            raise Crash
        if self.random.random() < self.troubles.meanwhile:
            self._met("others act", phase)
            self._meanwhile(phase)

    def _phase(self, where: str) -> str:
        """Of what is being done: how far it has come."""
        if where == "after a commit":
            for one in self.doing[-1:]:
                one[1] += 1
            return "written"
        if where in ("before a transaction", "after a look"):
            return "between two steps" if self.doing and self.doing[-1][1] else "at its start"
        return "before the call" if where.startswith("before") else "answered, not written"

    def _met(self, fault: str, phase: str) -> None:
        self.counts[fault] += 1
        self.cells[fault, str(self.doing[-1][0]) if self.doing else "claim", phase] += 1

    @contextmanager
    def _busy(self, what: str) -> Iterator[None]:
        self.doing.append([what, 0])
        try:
            yield
        finally:
            self.doing.pop()

    def _meanwhile(self, phase: str) -> None:
        """Others do something now; whoever is frozen does not renew its leases all the while."""
        freezes = bool(self.held) and self._may_freeze(phase) and self.random.random() < self.troubles.freeze
        self.depth += 1
        held, self.held = self.held, [] if freezes else self.held
        try:
            if freezes:
                self.say("frozen")
                self.clock.pass_(timedelta(seconds=6))
                self._met("freeze", phase)
            for _ in range(self.random.randint(1, 3)):
                self._step(self.clock.now + timedelta(seconds=1))
        finally:
            self.held = held
            self.depth -= 1

    def _may_freeze(self, phase: str) -> bool:
        """A call that leaves after its lease ran out nobody can take back."""
        if not self.dock:
            return self.held[-1].kind != "publish_stock"
        return phase == "answered, not written" or not any(claim.kind in docks.IRREVOCABLE for claim in self.held)

    def hold(self, claim: Claim) -> None:
        self.held = [*self.held, claim]
        self.doing.append([claim.kind, 0])

    def drop(self, claim: Claim) -> None:
        self.held = [one for one in self.held if one is not claim]
        self.doing.pop()

    def _renew(self) -> None:
        """What the keeper's thread of a living process does."""
        rows = [task for claim in self.held for task in claim.tasks]
        if rows and (self.random.random() < 0.3 or self.dock):
            with Database.write(self.hub.database) as db:
                tasks.renew(db, rows, self.hub.now)

    def rough(
        self, name: str, account: Account, plain: Callable[..., Any], system: Bogus | None = None
    ) -> Callable[..., Any]:  # fmt: skip
        """The calls of a channel, or of a carrier, as they go in this world."""

        @contextmanager
        def call(method: str, what: Any = None) -> Iterator[None]:
            self.between(f"before {name} {method}")
            with plain(method, what):
                if self.random.random() < self.troubles.fails_before:
                    raise self._failure(method)
                if self.troubles.expires and self.more.random() < self.troubles.expires:
                    raise self._expired(name, account)
                yield
            self.say(f"{name} {method} {self._pushes(method, what)}")
            if self.side and system and method in docks.TOLD:
                self.side.called(system, what)
            self.between(f"after {name} {method}")
            if self.random.random() < self.troubles.fails_after:
                self.say(f"the answer of {name} {method} is lost")
                self._met("lost answer", "during the call")
                raise OutcomeUnknown("lost") if method in CHANGES else Unavailable("lost")

        return call

    def _pushes(self, method: str, what: Any) -> str:
        return " ".join(f"{push.sku}={push.quantity}<{push.expected}" for push in what[0]) if method == "show" else ""

    def _failure(self, method: str) -> Exception:
        self.counts["failure"] += 1
        if self.random.random() < 0.3:
            self._met("429", "during the call")
            return RateLimited("slow down", wait_s=self.random.random() * 5)
        self._met("5xx", "during the call")
        return OutcomeUnknown("nobody knows") if method in CHANGES and self.random.random() < 0.5 else Unavailable("nobody there")

    def _expired(self, name: str, account: Account) -> Exception:
        """The login is not good any more; somebody logs in again soon."""
        self._met("login expired", "during the call")

        def again() -> None:
            with Database.write(self.hub.database) as db:
                connections.set_state(db, account.id, "active", None)

        self.at(self.more.random() * 10, f"{name} is logged in again", again)
        return AccessLost("expired")

    def see(self) -> None:
        """After each commit: what must hold at any moment. `eye` is a session of its own that begins nothing."""
        ill = self.eye.execute(ALWAYS).fetchall()
        must(not ill, "after every commit", ill)
        forgotten = self.eye.execute(FORGOTTEN).fetchall()
        must(not forgotten, "what a channel was told is followed until it shows", forgotten)
        for connection, order, revision in self.eye.execute("select connection, channel_id, revision from orders"):
            must(revision >= self.revisions.get((connection, order), 0), "no order goes back to what it was", order)
            self.revisions[connection, order] = revision
        for side in filter(None, (self.side, self.desk)):
            side.see()

    # ---- the world's own events

    def at(self, after_s: float, what: str, act: Callable[[], None]) -> None:
        heapq.heappush(self.due, (self.clock.now + timedelta(seconds=after_s), len(self.due) + self.counts["events"], what, act))
        self.counts["events"] += 1

    def _step(self, until: datetime) -> bool:
        """The next event, if it comes before then."""
        if not self.due or self.due[0][0] > until:
            return False
        when, _, what, act = heapq.heappop(self.due)
        self.clock.now = max(self.clock.now, when)
        if what:
            self.say(what)
        act()
        return True

    def every(self, seconds: float, what: str, act: Callable[[], None]) -> None:
        def again() -> None:
            act()
            if self.clock.now < self.end:
                self.at(seconds * (0.5 + self.random.random()), what, again)

        self.at(seconds * self.random.random(), what, again)

    def run(self) -> None:
        for system in self.systems.values():
            self.every(12 / (4 if self.rush else 1), "", lambda system=system: self._buyers(system))
            self.every(14, "", lambda system=system: self._change(system))
            if self.combined:
                self.every(15, "", lambda system=system: self._combine(system))
        for connection in self.house.connections.values():
            self.every(12 if self.rush else 40, "", lambda connection=connection: self.house.ask("poll_orders", connection=connection))
        self.every(8, "", self.systems["south"].settle)
        self.every(5 if self.frail else 25, "", self._receive)
        self.every(5, "", lambda: self._safely(lambda: jobs.sweep(self.hub), "sweep"))
        for queue in ("inside", "outside", "outside"):
            self.every(1.2, "", lambda queue=queue: self.work_one(queue))
        for side in filter(None, (self.side, self.desk)):
            side.begin()
        while self.clock.now < self.end and self._step(self.end):
            pass
        self._heal()
        for side in filter(None, (self.side, self.desk)):
            side.finish()
        self.check()

    def _safely(self, act: Callable[[], object], what: str) -> None:
        try:
            with self._busy(what):
                act()
        except Crash:
            self.counts["door or sweeper died"] += 1

    def work_one(self, queue: str) -> None:
        """One worker does one set."""
        start = self.random.choice(
            [tasks.FIRST, (self.house.merchant.id, self.random.choice(list(self.house.connections.values())).id, "p")]
        )
        try:
            with self.hub.database.read() as db:
                turn = tasks.next_turn(db, queue, start, self.hub.now)
            if turn:
                self.say(f"work {turn[1][-1:]} {turn[2]}")
                jobs.work_off(self.hub, queue, turn, self)
        except Crash:
            self.counts["worker died"] += 1

    def _buyers(self, system: Bogus) -> None:
        """One buys, or a crowd does."""
        for _ in range(self.more.randint(3, 8) if self.rush and self.more.random() < (0.3 if self.frail else 0.05) else 1):
            self._buy(system)

    def _goods(self) -> list[str]:
        if self.rush:
            return sorted({self.more.choices(GOODS, cum_weights=self.wanted)[0] for _ in range(2)})
        return self.random.sample(GOODS, self.random.randint(1, 2))

    def _buy(self, system: Bogus) -> None:
        """Nobody buys more than is on show. Where nothing is under way, every channel shows what it should."""
        if self.depth == 0:
            self._look()
        wanted = {sku: self.random.randint(1, 3) for sku in self._goods()}
        wanted = {sku: min(units, system.listings[f"L-{sku}", sku].shown) for sku, units in wanted.items()}
        if wanted := {sku: units for sku, units in wanted.items() if units}:
            self.say(f"{system.account} sells {wanted}")
            self.counts["sold"] += 1
            self.counts["orders"] += 1
            unpaid = {"payment": "unpaid"} if self.combined and self.random.random() < self.combined else {}
            sold = system.sell(wanted, **unpaid)
            self.announce(system, self.desk.dress(system, sold) if self.desk else sold)
            if self.copied and system.account == "west" and not unpaid and self.random.random() < self.copied:
                self.at(self.random.random() * 20, "", lambda: self._import(sold))

    def _import(self, original: Document) -> None:
        """An app writes an order of west's down in north, which takes its units off its own listings."""
        north, wanted = self.systems["north"], {line["sku"]: line["quantity"] for line in original["lines"]}
        self.say(f"north is told of west's {original['id']}")
        self.counts["copy"] += 1
        self.announce(north, north.sell(wanted, source="west", source_id=original["id"]))

    def _combine(self, system: Bogus) -> None:
        """Some unpaid orders, of one buyer, become one."""
        parts = [order for order, document in sorted(system.orders.items()) if _untouched(document)]
        if len(parts) < 2:
            return
        parts = self.random.sample(parts, self.random.randint(2, min(3, len(parts))))
        old, before = self.random.choice(["gone", "cancelled"]), {order: system.orders[order] for order in parts}
        new = system.combine(*parts, old=old)
        self.over |= set(parts)
        self.say(f"{system.account} combines {parts}, now {old}, into {new['id']}")
        self.counts["combined"] += 1
        if old == "gone":
            self.gone |= {(self.house.connections[system.account].id, order): document for order, document in before.items()}
        for document in (new, *(system.orders[order] for order in parts if order in system.orders)):
            self.announce(system, document)

    def _look(self) -> None:
        """Nothing happens while we look."""
        self.depth = DEEP
        if self._quiet():
            assert self._wrong() == [], f"{self.clock.now:%H:%M:%S} nothing is under way, and yet"
            self.counts["quiet"] += 1
        self.depth = 0

    def _change(self, system: Bogus) -> None:
        """Something happens to an order there."""
        if not (open_ := sorted(order for order in system.orders if order not in self.over)):
            return
        order = self.random.choice(open_)
        line = self.random.choice(system.orders[order]["lines"])
        left, on_show = acts.left(line), system.listings[line["listing"], line["sku"]].shown
        back = line["fulfilled"] - line["returned"]
        if self.quota and system.orders[order]["cancelled_at"]:
            left = 0  # what a channel shows again and sends all the same is sold twice there, whoever deals
        match self.random.choice(["pay", "cancel", "fulfill", "edit", "refund", "return", "undo"]):
            case "pay":
                document = acts.pay(system, order)
            case "cancel":
                document = acts.cancel(system, order, restock=self.random.random() < 0.8)
            case "fulfill" if left:
                document = acts.fulfill(system, order, line["id"], self.random.randint(1, left))
            case "undo" if back:
                document = acts.fulfill(system, order, line["id"], -1)
            case "edit" if on_show:
                acts.show_again(system, line, -1)
                document = acts.edit(system, order, line["id"], line["quantity"] + 1)
            case "refund" if left:
                document = acts.refund(system, order, line["id"], self.random.randint(1, left), self.random.choice(["cancel", "none"]))
            case "return" if back:
                document = acts.refund(system, order, line["id"], self.random.randint(1, back), "return")
            case _:
                return
        document = self.desk.changed(system, document) if self.desk else document
        self.say(
            f"{system.account} {order} {[(one['sku'], one['quantity'], one['cancelled'], one['fulfilled']) for one in document['lines']]}"
        )
        self.announce(system, document)

    def announce(self, system: Bogus, document: Document) -> None:
        """The channel pushes: lost, twice, or much later, as the network likes."""
        if self.random.random() < self.troubles.lost:
            self._on_the_way("lost")
            return
        for n in range(2 if self.random.random() < self.troubles.doubled else 1):
            wait_s = self.random.random() * (60 if self.random.random() < self.troubles.late else 1)
            if n or wait_s > 1:
                self._on_the_way("doubled" if n else "late")
            delivery = f"d{self.counts['events']}"
            self.at(wait_s, "", lambda delivery=delivery: self._door(system, document, delivery))

    def _on_the_way(self, fault: str) -> None:
        self.counts[fault] += 1
        self.cells[fault, "notice", "on its way"] += 1

    def _door(self, system: Bogus, document: Document, delivery: str) -> None:
        if system.orders.get(document["id"], document)["updated_at"] != document["updated_at"]:
            self._on_the_way("overtaken")
        one = notice(document, delivery, whole=system.whole)
        self._safely(lambda: deliver(self.house, [one], self.house.connections[system.account]), "notice")

    def _receive(self) -> None:
        """A delivery of goods is counted in."""
        sku, units = self.random.choice(GOODS), self.random.randint(0, 3)
        self._safely(lambda: self._count(sku, units), "goods")

    def _count(self, sku: str, more: int) -> None:
        merchant = self.house.merchant.id
        with self.hub.unit() as work:
            (level,) = stock.lock_levels(work.db, merchant, [sku]).values()
            row = {"sku": sku, "title": "", "location": self.house.place, "on_hand": level[0] + more, "counted_at": 0}  # reckoned, not seen
            stock.count(work.db, merchant, [row], work.now)
            for connection in listings.touch(work.db, merchant, [sku], None):
                work.ask(merchant, "publish_stock", connection, connection)
            ask_waiting(work, merchant)
        self.say(f"{more} more of {sku}")

    # ---- and at the end

    def _quiet(self) -> bool:
        """Nothing is under way: every order is known as it is, nothing waits to be told, read or done."""
        known = dict(self.all("select connection || '/' || channel_id, revision from orders"))
        told = all(
            known.get(f"{self.house.connections[name].id}/{order}") == us(datetime.fromisoformat(document["updated_at"]))
            for name, system in self.systems.items()
            for order, document in system.orders.items()
        )
        open_work = self.all("select 1 from tasks where state in ('due', 'running', 'parked') union all "
                              "select 1 from listings where changed > told or accepted_at is not null union all "
                              "select 1 from pushes where told_at is null")  # fmt: skip
        return told and not open_work and not self.systems["south"].pending

    def all(self, query: str) -> list[Any]:
        with Database.read(self.hub.database) as db:
            return [tuple(row) for row in db.execute(text(query))]

    def _heal(self) -> None:
        """Nothing goes wrong any more, and time passes."""
        self.say("---- nothing goes wrong any more")
        self.troubles, self.held, self.depth, self.doing = NO_TROUBLES, [], 0, []
        others = [*([self.side.carrier] if self.side else []), *([self.desk.ledger] if self.desk else [])]
        for connection in (*self.house.connections.values(), *others):
            with Database.write(self.hub.database) as db:
                connections.set_state(db, connection.id, "active", None)
        while self._step(self.clock.now + timedelta(hours=1)):
            pass
        for _ in range(3):
            self.clock.pass_(timedelta(minutes=4))
            with self.hub.unit() as work:
                tasks.retry(work.db, self.house.merchant.id, work.now)
            for connection in self.house.connections.values():
                self.house.ask("poll_orders", connection=connection)
            self.settle_down()
        must(self.clock.now <= self.end + timedelta(hours=1), "quiet within an hour", self.clock.now - self.end)

    def settle_down(self) -> None:
        """Everything that is due or will be, at the times when it is."""
        for _ in range(200):
            self.systems["south"].settle()
            jobs.sweep(self.hub)
            self.house.work()
            self.systems["south"].settle()
            later = self.all("""select min(at) from (
                select max(t.due_at, c.blocked_until) as at from tasks t join connections c on c.id = t.connection where t.state = 'due'
                union all select lease_until + 1 from tasks where state = 'running')""")[0][0]
            if later is None:
                return
            self.clock.now = max(self.clock.now, self.hub.at(later))
        raise AssertionError(f"work without end: {books.open_tasks(self.hub)}")

    def check(self) -> None:
        house = self.house
        wanted = sorted((house.connections[name].id, order) for name, system in self.systems.items() for order in system.orders)
        here = books.orders(self.hub)
        assert [one for one in here if one not in self.gone] == wanted, "every order exactly once"
        assert books.one(self.hub, "select count(*) from events where kind = 'OrderTaken'") == len(here), "every order taken once"
        assert (docks.left_over(self) if self.dock else books.open_tasks(self.hub)) == [], "everything is done"
        assert books.one(self.hub, "select count(*) from inbox where done_at is null") == 0, "every notice is read"
        books.balance(self.hub)
        self._check_lines()
        assert self._wrong() == [], "every listing shows what it should"
        assert not self.quota or books.one(self.hub, "select count(*) from order_lines where waits is not null") == 0, (
            "nothing is sold twice"
        )
        before = books.written(self.hub)
        books.settle_again(house)
        assert books.written(self.hub) == before, "a second look changes nothing"

    def _wrong(self) -> list[Any]:
        return books.wrong_shares(self.house) if self.quota else books.wrong_listings(self.house)

    def _check_lines(self) -> None:
        """What lines demand is what the channels' documents say, and what left and came back did so once."""
        rows = self.all("""select o.connection, o.channel_id, l.line, l.hold, l.booked_gone, l.booked_back, l.sku, l.sent
                            from order_lines l join orders o on o.id = l.order_id""")
        sent = {row[:3]: row[7] for row in rows}
        said = {
            (ref := (self.house.connections[name].id, order, line["id"])): (0, 0, 0)
            if "source_id" in document or line.get("gift_card")
            else acts.dues(document, line, sent.get(ref, 0))
            for name, system in self.systems.items()
            for order, document in system.orders.items()
            for line in document["lines"]
        }
        here = {row[:2] for row in rows}
        said |= {(*ref, line["id"]): (0, 0, 0) for ref, document in self.gone.items() if ref in here for line in document["lines"]}
        assert {row[:3]: row[3:6] for row in rows} == said, "every line demands what its document says"
        for sku in GOODS:
            moved = books.one(self.hub, "select coalesce(sum(units), 0) from movements where sku = :sku and cause <> 'counted'", sku=sku)
            missing = sum(row[0] for row in self.all("select json_extract(body, '$.missing') from events where kind = 'UnitsLeft'"))
            assert 0 <= moved + sum(row[4] - row[5] for row in rows if row[6] == sku) <= missing, "what left did so once"


def _untouched(document: Document) -> bool:
    """Unpaid, and nothing happened to it yet."""
    moved = any(line["fulfilled"] or line["cancelled"] for line in document["lines"])
    return document["payment"] == "unpaid" and not document["cancelled_at"] and not document["refunds"] and not moved


def run(houses: Houses, seed: int, *, tell: bool = False, **knobs: Any) -> World:
    """One seed. What breaks names it."""
    world = World(houses, seed, tell, **knobs)
    try:
        world.run()
    except Exception as error:
        world.hub.database.between, world.hub.database.look = lambda _: None, lambda: None
        world.say(f"{world._wrong()} {books.open_tasks(world.hub)} {books.parked(world.hub)}")
        error.add_note("\n".join(world.trace))
        raise Broken(world, error) from error
    else:
        world.ending = f"{books.digest(world.hub)} {world.crc:08x}"
    finally:
        world.hub.database.between, world.hub.database.look = lambda _: None, lambda: None
        world.eye.close()
        world.hub.database.close()
    return world


class Broken(AssertionError):
    """A world that broke: its error, and how to see it again."""

    def __init__(self, world: World, error: Exception) -> None:
        self.world, self.error = world, error
        knob = next(
            (name for name, knobs in KNOBS.items() if knobs and all(getattr(world, one) == value for one, value in knobs.items())), "plain"
        )
        super().__init__(
            f"seed {world.seed}: {error}\nreplay: crossdock simulate-world --world sqlite --knob {knob} --first {world.seed} --seeds 1"
        )


KIN = {"copied": 0.5, "combined": 0.6}
KNOBS: dict[str, dict[str, Any]] = {
    "frail": {**KIN, "rush": True, "frail": True, "trouble_s": 200.0},
    "rush quota": {"rush": True, "quota": True},
    "plain": {},
    "kin": KIN,
    "quota": {"quota": True},
    "rush": {"rush": True},
    "dock": {"dock": True, "trouble_s": 100.0},
    "books": {"books": True, "trouble_s": 100.0},
}
SOON = {"min_age_s": 3, "verify_s": 15}  # how old a change must be to be polled, how long what is accepted may take, in a rush


def _open_dock(house: House) -> None:
    """Its carrier and its address, and what things weigh."""
    depot(house)
    with house.hub.unit() as work:
        run_sql(work.db, "update skus set weight_g = 400")


def a_street(
    folder: Path, *, merges: bool = False, quota: bool = False, rush: bool = False, dock: bool = False, books: bool = False
) -> Houses:  # fmt: skip
    """Houses with two of each on the shelf, offered on three channels, one of which keeps one back; all or none of which merge orders."""
    street = Houses(folder, *NAMES, make_database=Shaky, merges=merges)

    def furnish(house: House) -> None:
        house.shelve(**dict.fromkeys(GOODS, 2))
        with house.hub.unit() as work:
            connections.set_buffer(work.db, house.connections["west"].id, 1)
            work.ask(house.merchant.id, "publish_stock", house.connections["west"].id, house.connections["west"].id)
            for connection in house.connections.values() if rush else ():
                connections.set_settings(work.db, connection.id, SOON)
        house.drain(timedelta(seconds=10))
        if dock:
            _open_dock(house)
        if books:
            ledgers.open_books(house)
        if quota:
            sharing.set_quota(house.hub, house.merchant.id, dict.fromkeys(GOODS, True), Who("u1", "Ann"))
            for _ in range(4):
                house.clock.pass_(timedelta(minutes=4))
                house.poll()

    street.furnish(furnish)
    return street
