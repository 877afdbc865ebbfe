"""The books of a world: a ledger that answers badly and that somebody edits by hand, channels that pay out and now and then pay wrongly,
days and months that pass; and a judge of what is promised about money.

What channels have of orders and payouts, and what stands in the ledger, is the truth; what our journal says is held against both.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connectors.bogus import paying
from connectors.bogus.channel import Bogus, Document, a_line
from connectors.bogus.ledger import BogusBooks, manifest
from connectors.http import as_datetime
from core.domain.deposits import Deposit
from core.domain.journal import Account
from core.domain.ledgers import DocKind, Posted
from core.domain.ledgers import Document as Paper
from core.domain.matching import Cause
from core.domain.money import Money, total
from core.domain.order_entries import OPENING
from core.domain.payouts import Leaf, Movement, Occasion, Part
from core.domain.who import Who
from core.errors import Refused
from core.flows import accounts, depositing, gateways, posting
from core.flows import books as keeping
from core.flows import connections as flows
from core.flows.gateways import Said
from core.ports import Paying
from core.store import connections, payouts
from core.store.engine import Database
from core.store.sql import run as run_sql
from tests.conftest import START, House
from tests.simulation.trouble import must

if TYPE_CHECKING:
    from tests.simulation.world import World

ANN = Who("u1", "Ann")
CHANGES = frozenset({"post"})  # after these nobody knows whether it was done
FIRST = START.date() - timedelta(days=30)
ZONES = ("UTC", "America/Los_Angeles", "Pacific/Auckland")
MODES = ("per_order", "daily", "per_payout")
LONG = timedelta(days=50)  # until then all that is not paid out is overdue, and every month is over
MAP = {account.value: "1009" for account in Account} | {
    "clearing": "1001", "bank": "1000", "sales": "1002", "shipping": "1003", "returns": "1004", "discounts": "1005", "seller_tax": "1006",
    "selling_fees": "1007", "gift_cards": "1008", "receivable": "1010",
}  # fmt: skip

# Every entry balances, what stands open is the sum of its postings, and each version of an entry takes back the one before or follows one.
ALWAYS = """
select 'unbalanced', p.entry, sum(p.amount) from postings p group by p.entry, p.currency having sum(p.amount) <> 0
union all select 'open', i.item, i.open from items i where i.open <> (select coalesce(sum(p.amount), 0) from postings p
  where p.item = i.item and p.account = 'clearing' and p.connection = i.connection and p.gateway = i.gateway and p.currency = i.currency)
union all select 'residue', p.connection, sum(p.amount) from postings p where p.account = 'clearing' group by p.connection, p.currency
  having sum(p.amount) <> (select coalesce(sum(i.open), 0) from items i where i.connection = p.connection and i.currency = p.currency)
union all select 'booked twice', e.subject || ' ' || e.key, count(*) from entries e
  group by e.subject, e.key having sum(case when e.reverses is null then 1 else -1 end) not in (0, 1)
"""
# What the ledger shall have is some open task's to write.
FORGOTTEN = """
select 'document', d.number, d.state from documents d where d.state in ('wanted', 'asked') and d.after is null and not exists (
  select 1 from tasks t where t.kind = 'post_document' and t.subject = d.id and t.state <> 'done')
union all select 'payout', p.channel_id, p.state from payouts p where p.booked_at is null and not exists (
  select 1 from tasks t where t.kind in ('read_payout', 'book_payout') and t.subject = p.id and t.state <> 'done')
union all select 'blocked', d.number, d.why from documents d where d.state = 'blocked' and (d.why is null or d.why = '')
"""


@dataclass
class Shelf(BogusBooks):
    """A ledger as there are some: it may not know keys, and may find what it wrote only later."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keeps_keys: bool = True
    late: timedelta = timedelta(0)
    written: dict[str, datetime] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)

    def known(self, key: str) -> Posted | None:
        return super().known(key) if self.keeps_keys else None

    def found(self, key: str) -> Posted | None:
        if self.clock() < self.written.get(key, self.clock()) + self.late:
            return None
        return super().known(key)

    def write(self, document: Paper, key: str) -> Posted:
        posted = super().write(document, key)
        self.written.setdefault(key, self.clock())
        return posted


def open_books(house: House) -> None:
    """Books are kept, and a ledger is there; nobody said yet how it is written."""
    house.hub.connectors = {**house.hub.connectors, "bogus_books": manifest(BogusBooks())}
    keeping.begin(house.hub, house.merchant.id, FIRST, ANN)
    ledger = flows.connect(house.hub, house.merchant.id, "bogus_books", "north-books", {})
    posting.map_accounts(house.hub, house.merchant.id, ledger, ANN, MAP)
    house.drain()


@dataclass
class Desk:
    """`planted` are the differences that payouts were told with: (channel, order, how)."""

    world: "World"
    closed: tuple[int, str] = (0, "")  # the last entry when a period was closed, and until when
    repriced: set[str] = field(default_factory=set)  # orders that cost something else than when their money was told to come
    planted: list[tuple[str, str, str]] = field(default_factory=list)
    planting: bool = True
    old: set[tuple[str, str]] = field(default_factory=set)  # orders from before the books began
    reserved: dict[tuple[str, str], Money] = field(default_factory=dict)  # what a channel keeps back, by currency
    extras: int = 0  # lines of payouts that are for no order
    deposits: int = 0

    def __post_init__(self) -> None:
        world, self.random, self.more = self.world, Random(f"books {self.world.seed}"), Random(f"more books {self.world.seed}")
        hub, self.merchant = world.hub, world.house.merchant.id
        keys = self.random.random() < 0.6
        self.system = Shelf(clock=world.clock, keeps_keys=keys, late=timedelta(seconds=self.random.choice([0, 20]) if keys else 0))
        self.gateways = self.more.random() < 0.4  # orders say who took their money, and the channel pays out what it took itself
        bogus = hub.connectors["bogus"]
        pays = Paying("bogus", frozenset({paying.OWN}) if self.gateways else None)
        hub.connectors = {**hub.connectors, "bogus": replace(bogus, pays=pays), "bogus_books": manifest(self.system)}
        self.zone = self.random.choice(ZONES)
        with Database.write(hub.database) as db:
            run_sql(
                db, "update merchants set settings = json_set(settings, '$.zone', :zone) where id = :id", zone=self.zone, id=self.merchant
            )
            (self.ledger,) = connections.all_of(db, self.merchant, connections.LEDGER)
        self.modes = {one.id: self.random.choice(MODES) for one in world.house.connections.values()}
        self._choose(None, at_once=self.random.random() < 0.3)
        self.system.call = world.rough("books", self.ledger, self.system.call)  # type: ignore[method-assign]

    def _choose(self, on: date | None, **other: Any) -> None:
        hub, ledger = self.world.hub, self.world.hub.connection(self.ledger.id)
        posting.choose(hub, self.merchant, ledger, ANN, starts=FIRST, chosen=self.modes, switch_on=on, **other)

    @property
    def today(self) -> date:
        return self.world.clock().astimezone(ZoneInfo(self.zone)).date()

    def begin(self) -> None:
        """What happens by the clock, and what people do."""
        world = self.world
        for _ in range(2):
            for queue in ("inside later", "outside later"):
                world.every(1.2, "", lambda queue=queue: world.work_one(queue))
        world.every(9, "", self._night)
        world.every(6, "", self._clockwork)
        world.every(12, "", self._person)
        for system in world.systems.values():
            world.every(25, "", lambda system=system: self._pay_out(system))
            world.every(35, "", lambda system=system: self._gift(system))
        world.every(14, "", self._clerk)
        world.at(world.trouble_s * self.random.random(), "", self._switch)

    # ---- what happens

    def _night(self) -> None:
        """Hours or days pass, for all that is to come as well; no channel works that long on what it accepted."""
        if self.world.depth:
            return
        self.world.systems["south"].settle()
        by = timedelta(hours=self.random.choice([3, 10, 22, 24, 26, 70]))
        self.world.say(f"{by} pass")
        self._pass(by)

    def _pass(self, by: timedelta) -> None:
        self.world.due = [(at + by, *rest) for at, *rest in self.world.due]
        self.world.end += by
        self.world.clock.pass_(by)

    def _clockwork(self) -> None:
        self.world._safely(self._ask, "sweep")

    def _ask(self) -> None:
        with self.world.hub.unit() as work:
            for kind in ("read_ledger", "gather_documents", "read_changes"):
                work.ask(self.merchant, kind, self.ledger.id, self.ledger.id)
            for one in self.world.house.connections.values():
                work.ask(self.merchant, "read_payouts", one.id, one.id)

    def _switch(self) -> None:
        """From a day on the books are written in another way."""
        self.modes = {id: self.random.choice(MODES) for id in self.modes}
        self.world.say(f"from {self.today} on {sorted(self.modes.values())}")
        self.world._safely(lambda: self._choose(self.today), "sweep")

    def _person(self) -> None:
        act = self.random.choice([self._close, self._close_there, self._edit, self._edit, self._unblock, self._retire])
        self.world._safely(act, "sweep")

    def _close(self) -> None:
        if self.world.depth:
            return
        until = self.today - timedelta(days=self.random.randint(1, 4))
        self.world.say(f"closed until {until}")
        self.closed = (0, "")
        keeping.close(self.world.hub, self.merchant, until, ANN)
        (last,) = self.world.eye.execute("select coalesce(max(id), 0) from entries").fetchone()
        self.closed = (last, until.isoformat())
        self.world.counts["period closed"] += 1

    def _close_there(self) -> None:
        self.system.closed = self.random.choice([None, self.today - timedelta(days=self.random.randint(1, 3))])
        self.world.say(f"the ledger is closed until {self.system.closed}")

    def _retire(self) -> None:
        self.system.retired = self.random.choice([set(), {"1002"}, {"1007"}])
        self.world.say(f"nobody may use {self.system.retired}")

    def _edit(self) -> None:
        """Somebody changes a document there, or deletes it."""
        if found := self.world.eye.execute("select number from documents where state = 'posted' order by number").fetchall():
            (number,) = self.random.choice(found)
            self.world.say(f"somebody edits {number}")
            self.system.tamper(number, gone=self.random.random() < 0.3)
            self.system.edited.add(number)
            self.world.counts["edited by hand"] += 1

    def _unblock(self) -> None:
        """Somebody tries what was declined once more, on another day where that was why."""
        for id, why in self.world.eye.execute("select id, why from documents where state = 'blocked' order by id").fetchall():
            self._again(id, why)

    def _again(self, id: str, why: str) -> None:
        self.world.counts["tried again"] += 1
        with_day = {"on": self.today} if why == "closed" and self.random.random() < 0.5 else {}
        try:
            posting.again(self.world.hub, self.merchant, id, ANN, **with_day)
        except Refused:
            self.world.counts["may not"] += 1

    # ---- what the bank shows

    def _clerk(self) -> None:
        """Somebody reads the bank's statement."""
        act = self.more.choice([self._see, self._see, self._deposit, self._deposit, self._no_deposit, self._declare])
        self.world._safely(act, "sweep")

    def _arrived(self) -> list[Any]:
        """Payouts that are booked and lie in no deposit."""
        return self.world.all("""select id, amount, currency from payouts where state = 'paid' and origin = 'feed' and in_deposit is null
                                 and booked_at is not null order by channel_id, connection""")

    def _see(self) -> None:
        if found := self._arrived():
            id, minor, currency = self.more.choice(found)
            seen = self.more.choice(["", Money(minor, currency).text(), Money(minor - 100, currency).text()])
            self.world.say(f"the bank shows {seen or 'nothing'} of {id}")
            with Database.read(self.world.hub.database) as db:
                known = payouts.one(db, self.merchant, id)
            assert known
            self._perhaps(lambda: accounts.bank(self.world.hub, self.merchant, known, seen, ANN))
            self.world.counts["bank read"] += 1

    def _deposit(self) -> None:
        """Several payouts came as one line, now and then a little less than they are."""
        currency = self.more.choice(["USD", "EUR"])
        found = [one for one in self._arrived() if one[2] == currency][-self.more.randint(2, 3) :]
        if len(found) > 1:
            amount = Money(sum(one[1] for one in found) - self.more.choice([0, 0, 250]), currency)
            self.deposits += 1
            self.world.say(f"a deposit of {amount.text()} {currency} holds {len(found)}")
            one = Deposit(f"D{self.deposits}", self.today, amount)
            self._perhaps(lambda: depositing.add(self.world.hub, self.merchant, one, [row[0] for row in found], ANN))
            self.world.counts["deposit"] += 1

    def _no_deposit(self) -> None:
        if found := self.world.all("select id from deposits order by id"):
            (id,) = self.more.choice(found)
            self.world.say(f"{id} was no deposit")
            self._perhaps(lambda: depositing.undo(self.world.hub, self.merchant, id, ANN))

    def _declare(self) -> None:
        """What a gateway without a feed paid, less its fee."""
        for connection, currency in self.world.all(
            "select distinct connection, currency from items where gateway = 'paypal' and open <> 0"
        ):
            self._declare_all(connection, currency)

    def _declare_all(self, connection: str, currency: str) -> None:
        rows = self.world.all(f"""select item, open from items where gateway = 'paypal' and open > 0 and connection = '{connection}'
                                  and currency = '{currency}' order by item""")  # fmt: skip
        if rows:
            self.extras += 1
            said = Said(f"K{self.extras}", self.today, Money(sum(row[1] for row in rows) - 30, currency), [row[0] for row in rows], "fee")
            self.world.say(f"PayPal paid {said.amount.text()} {currency}")
            self._perhaps(lambda: gateways.declare(self.world.hub, self.world.hub.connection(connection), "paypal", said, ANN))
            self.world.counts["declared"] += 1

    def _perhaps(self, act: Callable[[], Any]) -> None:
        """What somebody saw may have changed meanwhile."""
        try:
            act()
        except Refused:
            self.world.counts["may not"] += 1

    # ---- what is sold, and what becomes of it

    def dress(self, system: Bogus, document: Document) -> Document:
        """What a buyer buys is taxed, let off, a gift card, or in another currency; shipping is beside it."""
        lines = [self._dressed(line) for line in document["lines"]]
        shipping = [_charge({"id": "S1", "title": "Post", "gross": "4.90"}, "0.40")] if self.random.random() < 0.4 else []
        return self._put(system, document, lines, shipping=shipping, taxes_included=self.random.random() < 0.5,
                         currency=self.random.choice(["USD", "USD", "USD", "EUR"]))  # fmt: skip

    def _dressed(self, line: Document) -> Document:
        discount, tax = self.random.choice(["0", "0", "1.37"]), self.random.choice(["0", "0.83", "1.11"])
        liable = "marketplace" if self.more.random() < 0.3 and not self.gateways else "seller"
        return {**line, "discount": discount, "tax": tax, "liable": liable}

    def _gift(self, system: Bogus) -> None:
        """Somebody buys a gift card, or we hear of one that was sold before the books began."""
        is_old, currency = self.more.random() < 0.3, self.more.choice(["USD", "EUR"])
        sold = system.sell({})
        card = {**a_line("1", "", "", 1, currency), **CARD, "gross": self.more.choice(["25.00", "50.00"])}
        at = START - LONG if is_old else self.world.clock()
        self.world.announce(system, self._put(system, sold, [card], currency=currency, placed_at=at.isoformat()))
        self.world.over.add(sold["id"])
        self.old |= {(system.account, sold["id"])} if is_old else set()
        self.world.say(f"{system.account} sells a gift card, {sold['id']}{', long ago' * is_old}")
        self.world.counts["old order" if is_old else "gift card"] += 1

    def _put(self, system: Bogus, document: Document, lines: list[Document], **different: Any) -> Document:
        made = {**document, **different, "lines": lines}
        made["total"] = _total(made).text()
        if self.gateways:
            made["paid_by"] = [*document.get("paid_by", ()), *self._moved(made, document.get("paid_by", ()))]
        system.orders[made["id"]] = made
        return made

    def _moved(self, document: Document, known: Sequence[Document]) -> Iterator[Document]:
        """Who pays what is not paid yet: now and then a gift card a part of it. What costs less is given back, as are refunds."""
        currency, at = document["currency"], document["updated_at" if known else "placed_at"]
        told = {one["for"] for one in known}
        less = total((-_signed(one, currency) for one in known if one["for"] == ""), currency) + Money.parse(document["total"], currency)
        by_card = Money.parse(self.more.choice(["0", "0", "3.50"]), currency) if less.minor > 350 else Money.zero(currency)
        elsewhere = Money(700, currency) if less.minor > 1100 and self.more.random() < 0.3 else Money.zero(currency)
        for gateway, amount in (("gift_card", by_card), ("paypal", elsewhere), (paying.OWN, less - by_card - elsewhere)):
            if amount:
                yield _paid("sale" if amount.minor > 0 else "refund", gateway, abs(amount).text(), "", at)
        for one in document["refunds"]:
            if one["id"] not in told:
                yield _paid("refund", paying.OWN, one["total"], one["id"], one["at"])

    def changed(self, system: Bogus, document: Document) -> Document:
        """A line that is edited costs what it has, and of what was given back its worth is told."""
        lines = [{**line, "gross": (Money.parse("10", document["currency"]) * line["quantity"]).text()} for line in document["lines"]]
        self.repriced.add(document["id"])
        return self._put(system, document, lines, refunds=[self._worth(one, document) for one in document["refunds"]])

    def _worth(self, refund: Document, document: Document) -> Document:
        if refund["total"] != "1.00":
            return refund
        lines = [{**line, "subtotal": "2.00", "tax": "0.21"} for line in refund["lines"]] if len(refund["id"]) % 2 == 0 else refund["lines"]
        return {**refund, "lines": lines, "total": self.random.choice(["2.21", "1.50", "2.50"])}

    # ---- payouts

    def _pay_out(self, system: Bogus) -> None:
        """All that is not paid out yet is, each currency by itself; sometimes not as it should be."""
        for currency in ("USD", "EUR"):
            found = [one for one in paying.movements(system.orders.values()) if one.id not in system.till.done and _in(one, currency)]
            if not found:
                continue
            system.till.done |= {one.id for one in found}
            told = self._planted(system, found) if self.random.random() < 0.4 else found
            for name in sorted({one.amount.currency for one in told}):
                self._close_till(system, [one for one in told if one.amount.currency == name], name)

    def _close_till(self, system: Bogus, told: list[Movement], currency: str) -> None:
        told = [*told, *self._beside(system, currency)] if self.planting else told
        paid = system.till.close(told, self.world.clock(), currency)
        if self.random.random() < 0.05 and self.planting:
            system.till.payouts[paid.id] = replace(paid, amount=paid.amount + Money(1, currency))
            self.planted.append((system.account, paid.id, "sum"))
        self.world.counts["paid out"] += 1
        self.world.say(f"{system.account} pays out {paid.id} {paid.amount.text()} {currency}")

    def _beside(self, system: Bogus, currency: str) -> Iterator[Movement]:
        """What a payout holds that is no order's money: fees, what is kept back and let go, disputes, what was made good."""
        if held := self.reserved.pop((system.account, currency), None):
            yield self._extra(Occasion.RESERVE, Leaf.RESERVE, -held)
        if self.more.random() < 0.3:
            self.reserved[system.account, currency] = kept = Money(-self.more.randint(100, 900), currency)
            yield self._extra(Occasion.RESERVE, Leaf.RESERVE, kept)
        for occasion, leaf, minor in EXTRAS:
            if self.more.random() < 0.15:
                order = self.more.choice(sorted(system.orders)) if leaf is Leaf.CHARGEBACK else None
                yield self._extra(occasion, leaf, Money(minor, currency), order)

    def _extra(self, occasion: Occasion, leaf: Leaf, amount: Money, order: str | None = None) -> Movement:
        self.extras += 1
        self.world.counts["line of no order"] += 1
        return Movement(f"extra {self.extras}", occasion, self.world.clock(), amount, (Part(leaf, amount, "Extra"),), order)

    def _planted(self, system: Bogus, found: list[Movement]) -> list[Movement]:
        n = self.random.randrange(len(found))
        how = self.random.choice(["missing", "twice", "cent", "currency", "fee", "stranger"]) if self.planting else ""
        if not how:
            return found
        self.planted.append((system.account, found[n].order or "", how))
        self.world.counts[f"planted {how}"] += 1
        return [*found[:n], *HOW[how](found[n]), *found[n + 1 :]]

    # ---- what is promised

    def see(self) -> None:
        """After each commit."""
        eye = self.world.eye
        ill = eye.execute(ALWAYS).fetchall()
        must(not ill, "the journal balances, and clearing is what stands open", ill)
        forgotten = eye.execute(FORGOTTEN).fetchall()
        must(not forgotten, "what is to be written and booked is not forgotten", forgotten)
        late = eye.execute("select subject, key, day from entries where id > ? and day <= ?", self.closed).fetchall()
        must(not late, "nothing is booked in a closed period", late)
        self._there()

    def _there(self) -> None:
        """Each document stands there once, by its key and its number, and is one of ours."""
        known = {id.replace("-", ""): number for id, number in self.world.eye.execute("select id, number from documents")}
        keys = Counter(one.key for one in self.system.documents)
        must(max(keys.values(), default=0) <= 1, "a document stands in the ledger once", keys)
        strange = [one.key for one in self.system.documents if known.get(one.key) != one.document.number]
        must(not strange, "what stands in the ledger is one of ours", strange)

    # ---- at the end

    def finish(self) -> None:
        """Everything is paid out, days pass, and Ann clears what is blocked."""
        self.system.closed, self.system.retired, self.planting = None, set(), False
        self.world.settle_down()
        self._declare()
        for system in self.world.systems.values():
            self._pay_out(system)
        for by in (timedelta(days=1), LONG, timedelta(days=1)):
            self._pass(by)
            for _ in range(3):
                self._ask()
                self.world.settle_down()
                self._unblock()
                self.world.settle_down()
        with self.world.hub.unit() as work:
            work.ask(self.merchant, "judge_books", self.merchant)
        self.world.settle_down()
        self._judge_items()
        self._judge_accounts()
        self._judge_days()
        self._judge_ledger()

    def _judge_items(self) -> None:
        """What stands open is what the channels paid otherwise than their orders say: each is found, and nothing else."""
        here = {key: amount for *key_, amount in self.world.all("select connection, item, currency, open from items where open <> 0")
                if (key := tuple(key_))}  # fmt: skip
        names = {name: one.id for name, one in self.world.house.connections.items()}
        found = [_open(names[name], system, self.old) for name, system in self.world.systems.items()] + [self._not_banked()]
        wanted = {key: minor for one in found for key, minor in one.items() if minor}
        must(here == wanted, "what stands open is what was not paid as sold", _differs(here, wanted))
        with Database.read(self.world.hub.database) as db:
            look = accounts.look(self.world.hub, db, self.merchant)
        assert look
        broken = {(one.item.connection, one.item.item, one.item.open.currency): one.cause for one in look.breaks}
        wanted = {key: minor for key, minor in wanted.items() if key[1] != OPENING}  # met little by little: never a break
        must(set(broken) == set(wanted), "each difference is a break, and nothing else is", set(broken) ^ set(wanted))
        self._judge_causes({(item, currency): cause for (_, item, currency), cause in broken.items()}, names)
        found = self.world.all("select count(*) from findings where what = 'break' and mended_at is null")[0][0]
        must(
            found == len({(one.item.connection, one.item.item, one.item.open.currency) for one in look.breaks}),
            "each break is told of",
            found,
        )
        told = {
            order["order"]
            for (doc,) in self.world.all("select findings from payouts where findings is not null")
            for order in json.loads(doc)
        }
        invented = told - {order for _, order, how in self.planted if how in ("fee", "twice", "currency")} - self.repriced
        must(not invented, "no fee is said to be another that is not", invented)
        self.world.counts["break"] += len(wanted)

    def _not_banked(self) -> Counter[tuple[str, str, str]]:
        """What the bank shows less than was sent, by what Ann typed of it: of a payout, or of several, beside the one that brought most."""
        found = Counter[tuple[str, str, str]]()
        rows = self.world.all("""select p.connection, p.channel_id, p.id, p.amount, p.currency, p.banked, d.id, d.amount from payouts p
                                 left join deposits d on d.id = p.in_deposit where p.origin = 'feed' and p.state = 'paid'""")  # fmt: skip
        for connection, payout, _, minor, currency, banked, deposit, _ in rows:
            if banked is not None and deposit is None:
                found[connection, f"bank {connection}/{payout}", currency] += minor - banked
        for id, amount in {(row[6], row[7]) for row in rows if row[6]}:
            held = [row for row in rows if row[6] == id]
            most = max(held, key=lambda row: (abs(row[3]), row[2]))
            found[most[0], f"deposit {id}", most[4]] += sum(row[3] for row in held) - amount
        return found

    def _judge_causes(self, broken: dict[tuple[str, str], str], names: dict[str, str]) -> None:
        """Of an order of which nothing else is wrong, each difference has the cause that it was planted with."""
        often = Counter((account, order) for account, order, _ in self.planted)
        for account, order, how in self.planted:
            document = self.world.systems[account].orders.get(order)
            plain = how == "sum" or (
                document and not document["refunds"] and order not in self.repriced and (account, order) not in self.old
            )
            if plain and often[account, order] == 1 and how in CAUSES:
                name = {"sum": f"payout {names[account]}/{order}", "stranger": f"{names[account]}/9{order}"}.get(
                    how, f"{names[account]}/{order}"
                )
                told = {cause for (item, _), cause in broken.items() if item == name}
                must(told == {CAUSES[how]}, "each difference is told by its cause", (order, how, told))
                self.world.counts["cause"] += 1

    def _judge_accounts(self) -> None:
        """Sales, taxes, fees, what payouts hold beside, and the bank are what the channels say."""
        here = {(account, currency): minor for account, currency, minor in self.world.all(
            "select account, currency, sum(amount) from postings group by account, currency") if account in JUDGED}  # fmt: skip
        wanted = Counter[tuple[str, str]]()
        for system in self.world.systems.values():
            for document in system.orders.values():
                wanted.update(_sold(document) if (system.account, document["id"]) not in self.old else {})
            for paid in system.till.payouts.values():
                wanted[Account.BANK, paid.amount.currency] += paid.amount.minor
                for part in (part for one in system.till.held[paid.id] for part in one.parts if part.leaf in LEAVES):
                    wanted[LEAVES[part.leaf], part.amount.currency] -= part.amount.minor
        for (_, _, currency), minor in self._not_banked().items():
            wanted[Account.BANK, currency] -= minor
        for currency, minor in self.world.all("select currency, sum(amount) from payouts where origin = 'declared' group by currency"):
            wanted[Account.BANK, currency] += minor
        differ = {key: (here.get(key, 0), wanted[key]) for key in {*here, *wanted} if here.get(key, 0) != wanted[key]}
        must(not differ, "each account is what the channels say", differ)

    def _judge_days(self) -> None:
        """A sale is booked on the merchant's day, or on the first open one."""
        zone, names = ZoneInfo(self.zone), {name: one.id for name, one in self.world.house.connections.items()}
        placed = {
            f"{names[name]}/{order}": as_datetime(document["placed_at"]).astimezone(zone).date()
            for name, system in self.world.systems.items()
            for order, document in system.orders.items()
            if (name, order) not in self.old
        }
        rows = self.world.all("select subject, coalesce(due_day, day) from entries where kind = 'sale' and reverses is null")
        wrong = [(subject, day) for subject, day in rows if day != placed[subject].isoformat()]
        must(not wrong, "a sale belongs to the merchant's day", wrong)
        missing = placed.keys() - {subject for subject, _ in rows}
        must(not missing, "each sale is booked", missing)

    def _judge_ledger(self) -> None:
        """All that is booked stands in the ledger; what somebody changed there is shown, and stands as he left it."""
        left = self.world.all("select number, state, why from documents where state <> 'posted'")
        must(not left, "no document waits", left)
        numbers = [number for (number,) in self.world.all("select number from documents order by number")]
        must(len(set(numbers)) == len(numbers), "each document has a number of its own", numbers)
        waits = self.world.all("select e.subject, e.key from document_entries d join entries e on e.id = d.entry where d.document = ''")
        must(not waits, "no entry waits to be written", waits)
        never = self.world.all(
            "select e.subject, e.key from entries e left join document_entries d on d.entry = e.id where d.entry is null"
        )
        must(not never, "each entry is gathered", never)
        there, here = self._in_ledger(), self._in_journal()
        must(there == here, "the ledger comes to what the journal does", _differs(there, here))
        shown = {number for (number,) in self.world.all("select number from documents where shape_now is not null or gone")}
        must(shown == self.system.edited, "what was changed by hand is shown", shown ^ self.system.edited)

    def _in_ledger(self) -> dict[Any, int]:
        sums = Counter[tuple[str, str]]()
        for one in self.system.documents:
            for account, minor in _effects(one.document):
                sums[account, one.document.currency] += minor
        return {key: minor for key, minor in sums.items() if minor}

    def _in_journal(self) -> dict[Any, int]:
        sums = Counter[tuple[str, str]]()
        rows = self.world.all("""select p.account, p.currency, p.amount from postings p join document_entries d on d.entry = p.entry
                                 where d.document <> 'bank feed'""")
        for account, currency, minor in rows:
            sums[MAP[account], currency] += minor
        return {key: minor for key, minor in sums.items() if minor}


# ---- how a payout may be wrong


def _cheaper(one: Movement) -> list[Movement]:
    cent = Money(1, one.amount.currency)
    parts = tuple(replace(part, amount=part.amount - cent) if part.leaf is Leaf.BUYER else part for part in one.parts)
    return [replace(one, amount=one.amount - cent, parts=parts)]


def _in_francs(one: Movement) -> list[Movement]:
    def other(amount: Money) -> Money:
        return Money(amount.minor, "GBP")

    return [replace(one, amount=other(one.amount), parts=tuple(replace(part, amount=other(part.amount)) for part in one.parts))]


def _fee(one: Movement) -> list[Movement]:
    more = Money(-25, one.amount.currency)
    return [replace(one, amount=one.amount + more, parts=(*one.parts, Part(Leaf.SELLING_FEE, more, "More")))]


CAUSES = {
    "missing": Cause.OVERDUE, "twice": Cause.TWICE, "cent": Cause.DIFFERS, "currency": Cause.CURRENCY, "stranger": Cause.NOT_OURS,
    "sum": Cause.SUM,
}  # fmt: skip
EXTRAS = (
    (Occasion.FEE, Leaf.ADVERTISING, -700), (Occasion.FEE, Leaf.SUBSCRIPTION, -3999), (Occasion.CHARGEBACK, Leaf.CHARGEBACK, -1200),
    (Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK, 1200), (Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT, 830),
)  # fmt: skip
CARD = {"listing": None, "sku": None, "title": "Gift card", "gift_card": True, "requires_shipping": False, "fulfilled": 1}
HOW: dict[str, Callable[[Movement], Iterable[Movement]]] = {
    "missing": lambda one: [],
    "twice": lambda one: [one, replace(one, id=f"{one.id} again")],
    "cent": _cheaper,
    "currency": _in_francs,
    "fee": _fee,
    "stranger": lambda one: [one, replace(one, id=f"strange {one.id}", order=f"9{one.order}")],
}

# ---- the truth of channels


def _signed(one: Document, currency: str) -> Money:
    amount = Money.parse(one["amount"], currency)
    return -amount if one["kind"] == "refund" else amount


def _paid(kind: str, gateway: str, amount: str, refund: str, at: str) -> Document:
    """Money that moved, as an order tells it; "for" a refund."""
    return {"kind": kind, "gateway": gateway, "amount": amount, "for": refund, "at": at}


def _in(one: Movement, currency: str) -> bool:
    return one.amount.currency == currency


def _charge(line: Document, tax: str) -> Document:
    return {**line, "discount": "0", "tax": tax}


def _parts(document: Document) -> list[tuple[Money, Money]]:
    """(what a line or shipping costs without tax, its tax)."""

    def money(text: str) -> Money:
        return Money.parse(text, document["currency"])

    found = []
    for one in (*document["lines"], *document["shipping"]):
        asked, tax = money(one["gross"]) - money(one["discount"]), money(one["tax"])
        found.append((asked - tax if document["taxes_included"] else asked, tax))
    return found


def _total(document: Document) -> Money:
    return total((net + tax for net, tax in _parts(document)), document["currency"])


LEAVES = {
    Leaf.SELLING_FEE: Account.SELLING_FEES, Leaf.ADVERTISING: Account.ADVERTISING, Leaf.SUBSCRIPTION: Account.SUBSCRIPTIONS,
    Leaf.RESERVE: Account.RESERVE, Leaf.REIMBURSEMENT: Account.REIMBURSEMENTS, Leaf.CHARGEBACK: Account.CHARGEBACKS,
}  # fmt: skip
JUDGED = (Account.RECEIVABLE, Account.SELLER_TAX, Account.MARKETPLACE_TAX, Account.GIFT_CARDS, Account.BANK, *LEAVES.values())


def _sold(document: Document) -> Counter[tuple[str, str]]:
    """What an order's tax comes to, less what of it was given back; gift cards that were sold, and spent on it. Buyers owe nothing, and
    tax that the channel pays is nobody's here."""
    currency, ours = document["currency"], [one for one in _charges(document) if one.get("liable") != "marketplace"]
    tax = sum(_minor(one["tax"], document) for one in ours)
    theirs = {one["id"] for one in _charges(document) if one not in ours and _minor(one["tax"], document)}
    back = sum(
        _minor(line.get("tax", "0"), document) for refund in document["refunds"] for line in refund["lines"] if line["line"] not in theirs
    )
    cards = sum(_minor(one["gross"], document) for one in document["lines"] if one.get("gift_card"))
    spent = sum(_signed(one, currency).minor for one in document.get("paid_by", ()) if one["gateway"] == "gift_card")
    return Counter({(Account.SELLER_TAX, currency): back - tax, (Account.GIFT_CARDS, currency): spent - cards})


def _charges(document: Document) -> list[Document]:
    return [*document["lines"], *document["shipping"]]


def _minor(text: str, document: Document) -> int:
    return Money.parse(text, document["currency"]).minor


def _ours(document: Document) -> int:
    """What of an order's money its channel owes us."""
    if "paid_by" in document:
        return sum(_signed(one, document["currency"]).minor for one in document["paid_by"] if one["gateway"] == paying.OWN)
    theirs = {one["id"]: _minor(one["tax"], document) for one in _charges(document) if one.get("liable") == "marketplace"}
    back = [line for refund in document["refunds"] for line in refund["lines"] if theirs.get(line["line"])]
    given = sum(_minor(one["total"], document) for one in document["refunds"]) - sum(_minor(one.get("tax", "0"), document) for one in back)
    return _minor(document["total"], document) - sum(theirs.values()) - given


def _open(connection: str, system: Bogus, old: Collection[tuple[str, str]]) -> Counter[tuple[str, str, str]]:
    """By item and currency, what orders' money is less what was paid out of it; and what payouts do not come to. Of orders from before the
    books only what was paid out is booked."""
    found = Counter[tuple[str, str, str]]()
    for id, document in system.orders.items():
        found[connection, f"{connection}/{id}", document["currency"]] += 0 if (system.account, id) in old else _ours(document)
    for paid in system.till.payouts.values():
        found[connection, f"payout {connection}/{paid.id}", paid.amount.currency] -= paid.amount.minor
        for one in system.till.held[paid.id]:
            found[connection, f"payout {connection}/{paid.id}", paid.amount.currency] += one.amount.minor
            settles = sum(part.amount.minor for part in one.parts if part.leaf in (Leaf.BUYER, Leaf.MARKETPLACE_TAX))
            item = OPENING if one.at.date() < FIRST else f"{connection}/{one.order}"
            found[connection, item, one.amount.currency] -= settles
    return found


def _effects(one: Paper) -> list[tuple[str, int]]:
    """What a document does to each account of the ledger: debits above zero. What buyers owe there is what they owe here."""
    owed, lines = "1010", [(line.account, line.amount.minor) for line in one.lines]
    less = [(account, -minor) for account, minor in lines]
    match one.kind:
        case DocKind.JOURNAL:
            return lines
        case DocKind.RECEIPT:
            return [*less, (one.into, one.total.minor)]
        case DocKind.REFUND:
            return [*lines, (one.out_of, -one.total.minor)]
        case DocKind.INVOICE:
            return [*less, (owed, one.total.minor)]
        case DocKind.CREDIT:
            return [*lines, (owed, -one.total.minor)]
        case DocKind.PAYMENT:
            return [(one.into, one.total.minor), (owed, -one.total.minor)]
        case DocKind.REPAYMENT:
            return [(owed, one.total.minor), (one.out_of, -one.total.minor)]
        case DocKind.APPLIED:  # between what is owed and what is owed back
            return []
    return [(one.into, one.total.minor), (one.out_of, -one.total.minor)]


def _differs(these: dict[Any, int], those: dict[Any, int]) -> dict[Any, Any]:
    return {key: (these.get(key), those.get(key)) for key in {*these, *those} if these.get(key) != those.get(key)}
