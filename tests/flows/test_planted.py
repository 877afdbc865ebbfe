"""Differences that channels' simulators put into their payouts: each is found, under its cause and its order, and none is invented."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from config.bench.street import CHANNELS, START, Street
from connectors.simulation import Settles
from core.domain.matching import Cause
from core.flows import accounts
from core.flows import books as keeping
from tests.flows.depot import ANN

CAUSES = {  # money that came twice of an order that was given back looks like a refund that never came: the sums are the same
    "fee": {Cause.FEE}, "refund_missing": {Cause.REFUND_OVERDUE}, "twice": {Cause.TWICE, Cause.REFUND_OVERDUE},
    "currency": {Cause.CURRENCY}, "cent": {Cause.DIFFERS}, "sum": {Cause.SUM},
}  # fmt: skip
Found = tuple[str, Cause]


class Month:
    """A channel that sells, sends, gives back and pays out, with our books beside it."""

    def __init__(self, street: Street, name: str) -> None:
        self.street, self.name = street, name
        street.offer(["A", "B"], 10_000)
        keeping.begin(street.hub, street.merchant, START.date() - timedelta(days=5), ANN)
        street.drain()

    def sell(self) -> None:
        """Three orders that leave; the goods of one come back."""
        simulator = self.street.simulator(self.name)
        made = [self.street.sell(self.name, {"A": 20, "B": 5}) for _ in range(3)]
        for id in made:
            simulator.act(id, "fulfill", {})
        self.pass_(timedelta(hours=2))
        simulator.act(made[0], "refund", {})
        self.pass_(timedelta(hours=2))
        self.read()

    def pay_out(self, plant: str | None = None) -> str:
        """What stands is paid out once it may be; gives the order in which a difference was put, or the payout."""
        self.pass_(timedelta(days=9))
        self.read()
        simulator = self.street.simulator(self.name)
        assert isinstance(simulator, Settles)
        made = simulator.settle({"plant": plant} if plant else {})
        self.pass_(timedelta(days=3))
        self.read()
        return next((one["planted"]["order"] or one["id"] for one in made if one["planted"]), "")

    def pass_(self, by: timedelta) -> None:
        self.street.clock.pass_(by)
        self.street.poll()

    def read(self) -> None:
        """What the channel pays is read, matched and booked, and what it tells of later."""
        id = self.street.connections[self.name].id
        for _ in range(3):
            self.street.ask("read_payouts", id, id)
            self.street.drain()
            self.street.clock.pass_(timedelta(minutes=2))
        self.street.drain()

    def breaks(self) -> set[Found]:
        """(order or payout, cause) of each, when all that is awaited should have come."""
        with self.street.hub.database.read() as db:
            look = accounts.look(self.street.hub, db, self.street.merchant)
        assert look
        found = {(one.item.item.partition("/")[2] or one.item.item, one.cause) for one in look.breaks}
        return found | {(str(each["order"]), Cause.FEE) for one in look.payouts for each in one.findings}


@pytest.fixture(scope="module", params=CHANNELS)
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    street = Street(tmp_path_factory.mktemp(request.param), [request.param], limits="relaxed")
    yield Month(street, request.param)
    street.close()


@pytest.mark.parametrize("plant", CAUSES)
def test_a_planted_difference_is_found_under_its_order_and_nothing_else_is(month: Month, plant: str) -> None:
    before = month.breaks()
    month.sell()

    where = month.pay_out(plant)
    month.pass_(timedelta(days=40))
    month.read()

    found = month.breaks() - before
    assert {name for name, _ in found} == {where}
    assert {cause for _, cause in found} & CAUSES[plant]


def test_a_month_in_which_all_is_right_has_no_break(month: Month) -> None:
    before = month.breaks()
    month.sell()
    month.pay_out()
    month.sell()
    month.pay_out()
    month.pass_(timedelta(days=40))
    month.read()

    assert month.breaks() == before
