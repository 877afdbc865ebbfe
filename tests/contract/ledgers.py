"""A set of books against its simulator: the whole protocol without sockets, on a virtual clock."""

import io
from datetime import UTC, date, datetime
from functools import cached_property
from importlib import import_module
from typing import Any

import connectors
from connectors.http import Http
from connectors.simulation import Fault, InProcess, Keeps, Stage, World
from core.domain.ledgers import DocKind, DocLine, Document, LedgerAccount, Sort, TaxIs
from core.domain.money import Money
from core.ports import Connector, Kit, Ledger
from tests.contract.means import Clock, Keeper, Wallet

START = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
DAY = date(2026, 11, 17)
KEY = "0198c0de4f3a7c11a5d2e9b07f6c1d24"
LEDGERS = {name: one for name, one in connectors.load().items() if "ledger" in one.roles}


class Rig:
    """A connection at simulated books. `settings` stand above the manifest's."""

    def __init__(self, connector: Connector, limits: str = "vendor", **settings: Any) -> None:
        self.connector, self.clock, self.recorder = connector, Clock(START), io.StringIO()
        self.world = World(self.clock, seed=7, limits=limits, recorder=self.recorder)
        module, _, name = connector.simulator.partition(":")
        simulator = getattr(import_module(module), name)(self.world)
        assert isinstance(simulator, Keeps)
        self.simulator = simulator
        said = simulator.credentials(f"http://sim.test/{connector.name}")
        self.stage = Stage({connector.name: (self.world, simulator)})
        self.budget, self.tokens = Wallet(), Keeper(dict(said["login"]), self.clock)
        known = {**connector.settings, **said["settings"], **settings}
        http = Http(connector.label, InProcess(self.stage))
        self.kit = Kit(said["account"], http, self.clock, self.budget, self.tokens, said["app"], known, said["login"])
        self.ledger = self.made()
        assert connector.keeps is not None
        self.kinds = connector.keeps.kinds

    def made(self) -> Ledger:
        assert self.connector.ledger is not None
        return self.connector.ledger(self.kit)

    def fail(self, kind: str, *operations: str, times: int = 1) -> None:
        """The next calls of these operations (of any, without names) meet this fault."""
        for operation in operations or ("*",):
            self.world.faults.append(Fault(kind, operation, times=times))

    def calls(self) -> list[str]:
        """The operations that were called, in their order."""
        return [entry["operation"] for entry in self.world.log if entry["operation"]]

    def account(self, *sorts: Sort, journals: bool = False, pays: bool = False) -> LedgerAccount:
        """The first active account of such a sort."""
        known = [one for one in self.ledger.accounts() if one.active and one.sort in sorts]
        return next(one for one in known if (one.journals or not journals) and (one.pays or not pays))

    def tax(self) -> str:
        """A tax code without tax, for sales."""
        return next(one.id for one in self.ledger.tax_codes() if one.active and one.sales and one.rate == 0)

    @cached_property
    def currency(self) -> str:
        """Asked for once: some ledgers take few calls a minute."""
        return self.ledger.probe().currencies[0]


def journal(rig: Rig, number: str = "CD-J-1", cents: int = 12345) -> Document:
    """Sales of a day against what the channel owes."""
    clearing, sales = rig.account(Sort.ASSET, Sort.LIABILITY, journals=True), rig.account(Sort.INCOME)
    amount = Money(cents, rig.currency)
    lines = (DocLine(clearing.id, amount, "Clearing"), DocLine(sales.id, -amount, "Sales", tax_code=rig.tax()))
    return Document(DocKind.JOURNAL, number, DAY, rig.currency, lines, memo="Sales of 17 November")


def sale(rig: Rig, kind: DocKind, number: str = "CD-1001", cents: int = 4200, **different: Any) -> Document:
    """An order of two lines, without tax: a RECEIPT, an INVOICE, a CREDIT or a REFUND of it."""
    income, into = rig.account(Sort.INCOME), rig.account(Sort.BANK, pays=True)
    lines = tuple(
        DocLine(income.id, Money(share, rig.currency), text, tax_code=rig.tax(), tax=Money(0, rig.currency))
        for share, text in ((cents - 500, "Stoneware mug"), (500, "Shipping"))
    )
    lands = {"into": into.id} if kind is DocKind.RECEIPT else {"out_of": into.id} if kind is DocKind.REFUND else {}
    made: dict[str, Any] = {"tax_is": TaxIs.ON_TOP, "contact": "Shopify buyers", "due": DAY, "memo": "Order 1001", **lands, **different}
    return Document(kind, number, DAY, rig.currency, lines, **made)


def transfer(rig: Rig, number: str = "CD-T-1", cents: int = 9900) -> Document:
    """Money from one bank account of the books to another."""
    out_of, into = [one for one in rig.ledger.accounts() if one.active and one.sort is Sort.BANK][:2]
    amount = Money(cents, rig.currency)
    return Document(DocKind.TRANSFER, number, DAY, rig.currency, into=into.id, out_of=out_of.id, amount=amount, memo="Payout P-1")
