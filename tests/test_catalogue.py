"""What the simulators sell by themselves: a business that nobody has mapped, and the word they leave for a hub."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.catalogue import catalogue, products
from config.settings import load
from config.simulators import furnish, leave_word, make_stage
from config.wiring import make_hub
from connectors.simulation import InProcess, Stage
from core import jobs
from core.domain.counts import alike
from core.flows import connections as flows
from core.hub import Hub
from core.store import connections, listings, schema
from tests.conftest import Clock

BASE = "http://127.0.0.1:8410"
OURS = {ware["sku"] for ware in products()}


def open_stage(folder: Path, clock: Clock, seed: int = 1) -> Stage:
    made = make_stage(seed=seed, limits="relaxed", folder=folder / "simulators", clock=clock)
    made.load()
    furnish(made, seed, "http://127.0.0.1:8400")
    return made


def plain(sku: str) -> str:
    return alike(sku.replace("-", " "))


def kinds(found: list[dict[str, Any]]) -> dict[str, int]:
    """Listings by how their SKU is spelled."""
    said = Counter(one["sku"] for one in found)
    return {
        "equal": sum(1 for sku in said if sku in OURS),
        "by blanks or case": sum(1 for sku in said if sku not in OURS and plain(sku) in {plain(one) for one in OURS}),
        "none": said[""],
        "twice": sum(1 for sku, times in said.items() if sku and times > 1),
        "set": sum(1 for sku in said if "lamp" in sku.casefold()),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wants"),
    [
        ("shopify", {"equal": 28, "by blanks or case": 2, "none": 1, "twice": 1, "set": 1}),
        ("amazon", {"equal": 25, "by blanks or case": 5, "none": 0, "twice": 0, "set": 1}),
        ("ebay", {"equal": 24, "by blanks or case": 6, "none": 1, "twice": 1, "set": 1}),
    ],
)
def test_each_channel_spells_the_same_business_as_people_do(tmp_path: Path, clock: Clock, name: str, wants: dict[str, int]) -> None:
    _, simulator = open_stage(tmp_path, clock).cast[name]

    assert kinds(simulator.listings()) == wants
    assert len(simulator.orders()) == 4
    assert [one for one in simulator.orders() if one["parks"]] == []
    assert (name == "amazon") == any(one.get("fba") for one in simulator.listings())


def test_a_seed_is_a_catalogue_and_what_ran_before_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    first, second, other = (open_stage(tmp_path / name, clock, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert [simulator.listings() for _, simulator in first.cast.values()] == [simulator.listings() for _, simulator in second.cast.values()]
    assert catalogue("ebay", 1) != catalogue("ebay", 2)
    assert other.cast["ebay"][1].listings() != first.cast["ebay"][1].listings()

    first.cast["ebay"][1].place({"count": 1})
    first.save()
    again = open_stage(tmp_path / "a", clock)
    assert [len(simulator.orders()) for _, simulator in again.cast.values()] == [4 + (name == "ebay") for name in again.cast]


def test_a_hub_that_takes_their_word_is_connected_and_reads_them(tmp_path: Path, clock: Clock) -> None:
    stage = open_stage(tmp_path, clock)
    leave_word(stage, BASE)
    (tmp_path / "crossdock.toml").write_text((tmp_path / "simulators/crossdock.toml").read_text())
    clock.pass_(timedelta(minutes=5))
    hub = make_hub(load({"home": tmp_path}, {}), clock=clock, adapter=InProcess(stage))
    schema.migrate(hub.database)
    merchant = flows.add_merchant(hub, "North Sea Trading").id
    for name, (_, simulator) in stage.cast.items():
        login = dict(line.split("=", 1) for line in (tmp_path / f"simulators/{name}.login").read_text().splitlines())
        flows.connect(hub, merchant, name, simulator.credentials(BASE)["account"], login)
    work_off(hub, clock)

    with hub.database.read() as db:
        there = Counter(one.channel for one in listings.all_of(db, merchant))
        assert [one.state for one in connections.all_of(db, merchant)] == ["active"] * 3
        assert db.exec_driver_sql("select count(*) from orders").scalar_one() == 12
    assert there == {name: len(simulator.listings()) for name, (_, simulator) in stage.cast.items()}
    hub.database.close()


def work_off(hub: Hub, clock: Clock) -> None:
    for _ in range(60):
        if not any([jobs.drain(hub, "inside"), jobs.drain(hub, "outside")]):
            return
        clock.pass_(timedelta(seconds=1))
