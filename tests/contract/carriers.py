"""A carrier against its simulator: the whole protocol without sockets, on a virtual clock."""

import io
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any

import connectors
from connectors.http import Http
from connectors.simulation import Carries, Fault, InProcess, Stage, World
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import Box, Consignment, Customs, Duties, Goods, LabelFormat
from core.ports import Carrier, Connector, Kit
from tests.contract.means import Clock, Keeper, Wallet

START = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
KEY = "0198c0de4f3a7c11a5d2e9b07f6c1d24"
CARRIERS = {name: one for name, one in connectors.load().items() if "carrier" in one.roles}


class Rig:
    """A connection at a simulated carrier. `settings` stand above the manifest's."""

    def __init__(self, connector: Connector, limits: str = "vendor", **settings: Any) -> None:
        self.connector, self.clock, self.recorder = connector, Clock(START), io.StringIO()
        self.world = World(self.clock, seed=7, limits=limits, recorder=self.recorder)
        module, _, name = connector.simulator.partition(":")
        simulator = getattr(import_module(module), name)(self.world)
        assert isinstance(simulator, Carries)
        self.simulator = simulator
        said = simulator.credentials(f"http://sim.test/{connector.name}")
        self.stage = Stage({connector.name: (self.world, simulator)})
        self.budget, self.tokens = Wallet(), Keeper(dict(said["login"]), self.clock)
        known = {**connector.settings, **said["settings"], **settings}
        http = Http(connector.label, InProcess(self.stage))
        self.kit = Kit(said["account"], http, self.clock, self.budget, self.tokens, said["app"], known, said["login"])
        self.carrier = self.made()

    def made(self) -> Carrier:
        assert self.connector.carrier is not None
        return self.connector.carrier(self.kit)

    def fail(self, kind: str, *operations: str, times: int = 1) -> None:
        """The next calls of these operations (of any, without names) meet this fault."""
        for operation in operations or ("*",):
            self.world.faults.append(Fault(kind, operation, times=times))

    def live(self) -> list[dict[str, Any]]:
        return [one for one in self.simulator.parcels() if not one["voided"]]

    def calls(self) -> list[str]:
        """The operations that were called, in their order."""
        return [entry["operation"] for entry in self.world.log if entry["operation"]]


SENDER = Address(
    "", "North Sea Trading", "120 Harbor Way", "Dock 4", "", "Portland", "ME", "04101", "US", "+12075550133", "ship@north.example"
)
AT_HOME = Address("Nadia Osei", "", "77 Juniper Street", "Apt 5", "", "Austin", "TX", "78701", "US", "+15125550172", "nadia@post.example")
ABROAD = Address(
    "Jürgen Ackermann", "", "Lindenallee 12", "", "", "Leipzig", "", "04109", "DE", "+493415550144", "j.ackermann@post.example"
)
MUG = Goods("Stoneware mug", 2, 400, Money(1850, "USD"), "691200", "PT", "MUG-1")
DECLARED = Customs((MUG,), Duties.SENDER, "sale", "INV-1001", ioss="IM2760000742")


def wish(to: Address = AT_HOME, boxes: int = 1, *, label: LabelFormat = LabelFormat.PDF, **different: Any) -> Consignment:
    """Parcels of a kilogram and a half from Portland to Austin, or to Leipzig with a declaration."""
    box = Box(1500, 300, 200, 150, Money(3700, "USD"))
    customs = DECLARED if to.country != SENDER.country else None
    made: dict[str, Any] = {"customs": customs, "label": label, "references": ("1001",), **different}
    return Consignment(SENDER, to, (box,) * boxes, date(2026, 11, 18), "USD", **made)
