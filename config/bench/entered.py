"""Books in trouble: how many documents stand in a ledger for what was booked once.

A shop is sold at, paid, refunded, paid out and billed by a carrier; all of it is written into a ledger in a mode that the seed draws, in
trouble. In the end the ledger must hold what it holds where nothing goes wrong: no document more, none less, none of another amount.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.bench.street import LEDGERS, START, Street
from config.bench.trouble import Ending, Run, Scene
from core.domain.billing import Bill, BillLine, What
from core.domain.documents import Mode
from core.domain.journal import Account, Entry, EntryKind, Line, Posting
from core.domain.ledgers import Sort
from core.domain.money import Money
from core.domain.payouts import Movement, Occasion
from core.domain.tasks import LATER
from core.domain.who import HUB
from core.flows import books, posting
from core.store import billing, journal, payouts

SHOP = "shopify"
MODES = (Mode.PER_ORDER, Mode.DAILY, Mode.PER_PAYOUT)
DAY = timedelta(days=1)
FIRST = START.date() - 9 * DAY
Sums = Counter[tuple[Any, ...]]


class Office(Scene):
    """A shop whose entries of some days and a carrier's bill wait to be written into each ledger."""

    writes, after, troubles = 70, tuple(range(45)), (1, 2, 3, 4, 6)
    queues = ("outside", "inside", *LATER.values())

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.street = street = Street(folder, (SHOP,), ledgers=LEDGERS)
        self.shop = street.connections[SHOP].id
        street.drain()
        books.begin(street.hub, street.merchant, FIRST, HUB)
        self._book()
        street.drain()
        for name in LEDGERS:
            self._map(name)
        street.clock.pass_(DAY)  # logins are to be renewed
        self.keep(folder)
        self.calm = dict[tuple[str, int], Sums]()

    def _book(self) -> None:
        """Orders, what was paid for them and given back, the payout that settles them, and a bill."""
        street, entries = self.street, [one for n in range(4) for one in self._order(n)]
        with street.hub.unit() as work:
            journal.append(work.db, street.merchant, [Line(one, 1) for one in (*entries, *self._payout())], work.now)
            moved = [_movement(n) for n in range(4)]
            payouts.hold(work.db, street.merchant, self.shop, "P1", moved)
            billing.add(work.db, street.merchant, _bill(), "bill.csv", HUB, work.now)

    def _order(self, n: int) -> Iterable[Entry]:
        """Paid whole; paid in two parts; given back; owed in part. Each on a day of its own, but the first two."""
        subject, on = f"{self.shop}/B-{n}", FIRST + max(0, n - 1) * DAY
        cents = 4_200 + n
        sold = {Account.RECEIVABLE: cents, Account.SALES: 500 - cents, Account.SHIPPING: -500}
        yield self._entry(EntryKind.SALE, subject, on, sold)
        parts = [("till", cents)] if n in (0, 2) else [("till", 2_000), ("card", cents - 2_000 if n == 1 else 700)]
        for gateway, paid in parts:
            yield self._entry(EntryKind.PAYMENT, subject, on, {Account.CLEARING: paid, Account.RECEIVABLE: -paid}, gateway)
        if n == 2:
            back = {Account.RECEIVABLE: -1_000, Account.RETURNS: 1_000}
            yield self._entry(EntryKind.REFUND, subject, on + DAY, back)
            given = {Account.CLEARING: -1_000, Account.RECEIVABLE: 1_000}
            yield self._entry(EntryKind.REPAYMENT, subject, on + DAY, given, "till")

    def _payout(self) -> Iterable[Entry]:
        subject, on = f"payout {self.shop}/P1", FIRST + 4 * DAY
        yield self._entry(EntryKind.SETTLED, subject, on, {Account.CLEARING: -300, Account.SELLING_FEES: 300})
        yield self._entry(EntryKind.PAYOUT, subject, on, {Account.CLEARING: -9_000, Account.BANK: 9_000}, "vault")

    def _entry(self, kind: EntryKind, subject: str, on: Any, sides: Mapping[Account, int], gateway: str = "") -> Entry:
        postings = tuple(
            Posting(account, Money(cents, "USD"), self.shop, gateway if account is Account.CLEARING else "")
            for account, cents in sides.items()
        )
        return Entry(kind, subject, f"{kind} {gateway}", on, postings, subject.rpartition("/")[2])

    def _map(self, name: str) -> None:
        """The gateways are accounts that take payments, one of them a bank; what buyers and carriers are owed is some other one."""
        hub, merchant, one = self.street.hub, self.street.merchant, self.street.connections[name]
        with hub.unit() as work:
            known = [one for one in posting.look(hub, work.db, one).accounts if one.active]
        bank, vault = [one.id for one in known if one.sort is Sort.BANK][:2]
        till, card = [one.id for one in known if one.pays and one.journals and one.sort is not Sort.BANK][:2]
        spare = next(one.id for one in known if one.journals and one.sort in posting.SPARE)
        owed = next(one.id for one in known if one.journals and one.sort is Sort.LIABILITY and not one.pays)
        gateways = {"": till, "till": till, "card": card, "vault": vault}
        chosen = {f"{Account.CLEARING}|{self.shop}|{gateway}": id for gateway, id in gateways.items()}
        chosen |= dict.fromkeys(map(str, (Account.SELLING_FEES, Account.RETURNS, Account.RECEIVABLE, Account.OTHER_FEES)), spare)
        posting.map_accounts(hub, merchant, one, HUB, chosen | {str(Account.BANK): bank, str(Account.POSTAGE_OWED): owed})

    def begin(self, run: Run) -> None:
        """Somebody says how the shop is written, and from which day on."""
        one = run.street.connections[run.name]
        mode = MODES[run.seed % len(MODES)]
        run.click(lambda: posting.choose(run.street.hub, one.merchant, one, HUB, starts=FIRST, chosen={self.shop: mode.value}))

    def run(self, name: str, seed: int) -> Ending:
        self._calm(name, seed % len(MODES))
        return super().run(name, seed)

    def _calm(self, name: str, turn: int) -> Sums:
        """What stands there where nothing goes wrong. Raises RuntimeError where even that leaves something unwritten."""
        if (name, turn) not in self.calm:
            run = Run(self, name, turn, calm=True)
            self._play(run)
            if left := self._open(run):
                raise RuntimeError(f"{name} in calm: {left}")
            self.calm[name, turn] = self._there(run)
        return self.calm[name, turn]

    def _there(self, run: Run) -> Sums:
        """Documents in the ledger by all that they say but their numbers and names."""
        return Counter(
            (one["kind"], one["on"], one["total"], one["currency"], *sorted(tuple(line.values()) for line in one["lines"]))
            for one in run.street.ledger(run.name).documents()
            if not one["gone"]
        )

    def _open(self, run: Run) -> list[str]:
        """What is not written, or is said to have been changed by others."""
        id = run.street.connections[run.name].id
        found = [f"{one.number} is {one.state} {one.why or ''}" for one in run.rows(UNWRITTEN, id=id)]
        return found + [f"entry {one.entry} waits" for one in run.rows(WAITS, id=id)]

    def judge(self, run: Run) -> Ending:
        """How many documents of a number, at most, the ledger has; and whether it has what it has where nothing goes wrong."""
        wanted = self._calm(run.name, run.seed % len(MODES))
        there, open_ = self._there(run), self._open(run)
        numbers = Counter((one["kind"], one["number"]) for one in run.street.ledger(run.name).documents())
        held = list(run.rows(STOPPED, id=run.street.connections[run.name].id))
        end = Ending(run.name, run.seed, max(numbers.values(), default=0), bool(held), seen=run.seen)
        if run.seen["restless"]:
            end.wrong = "it does not come to rest"
        elif end.count > 1 or there - wanted:
            end.wrong = f"too much: {[one for one in numbers.items() if one[1] > 1]} {list(there - wanted)}"
        elif (wanted - there or open_) and not held:
            end.wrong = f"missing: {list(wanted - there)}, {open_}"
        return end


UNWRITTEN = """
select d.number, d.state, d.why from documents d
where d.connection = :id and (d.state <> 'posted' or d.shape_now is not null or d.gone) order by d.number
"""
WAITS = "select e.entry from document_entries e where e.connection = :id and e.document = '' order by e.entry"
STOPPED = """
select d.number, d.why as why from documents d where d.connection = :id and d.state = 'blocked'
union all select t.kind, t.cause from tasks t where t.connection = :id and t.state = 'parked'
union all select 'login', c.reason from connections c where c.id = :id and c.state <> 'active'
"""


def _movement(n: int) -> Movement:
    at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(hours=n)
    return Movement(f"m{n}", Occasion.SALE, at, Money(4_200, "USD"), (), f"B-{n}")


def _bill() -> Bill:
    line = BillLine(What.FREIGHT, Money(1_250, "USD"), text="Freight")
    return Bill("bill-1", "UPS", "", "0000A1B2C3", FIRST + DAY, "USD", (line,))
