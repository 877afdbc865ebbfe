"""Secrets at rest: bound to their place, gone with their key, and nobody's name in the file."""

from pathlib import Path

import pytest

from connectors.http import write_json
from core.flows import connections as flows
from core.store.vault import Unreadable, Vault
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.marks import on_sqlite

OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}


def test_what_was_sealed_opens_at_its_own_place_only() -> None:
    vault = Vault(OLD)
    wrapped = vault.new_key("north")
    box = vault.open("north", wrapped)
    sealed = box.seal("orders|person|1", b"Ada")

    assert box.open("orders|person|1", sealed) == b"Ada"
    for place in ("orders|person|2", "orders|note|1", "people|person|1", ""):
        with pytest.raises(Unreadable):
            box.open(place, sealed)


def test_another_merchants_box_opens_nothing_of_ours() -> None:
    vault = Vault(OLD)
    ours, theirs = (vault.open(name, vault.new_key(name)) for name in ("north", "south"))

    with pytest.raises(Unreadable):
        theirs.open("orders|person|1", ours.seal("orders|person|1", b"Ada"))
    with pytest.raises(Unreadable):
        vault.open("south", vault.new_key("north"))


def test_every_flipped_byte_is_noticed_and_a_value_sealed_twice_looks_different() -> None:
    vault = Vault(OLD)
    box = vault.open("north", vault.new_key("north"))
    sealed = box.seal("a|b|c", b"Ada")

    assert box.seal("a|b|c", b"Ada") != sealed
    for n in range(len(sealed)):
        with pytest.raises(Unreadable):
            box.open("a|b|c", sealed[:n])
        with pytest.raises(Unreadable):
            box.open("a|b|c", sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :])


def test_a_new_key_of_the_ring_wraps_and_the_old_one_still_unwraps() -> None:
    wrapped = Vault(OLD).new_key("north")
    sealed = Vault(OLD).open("north", wrapped).seal("a|b|c", b"Ada")
    turned = Vault({**OLD, **NEW})

    assert turned.open("north", wrapped).open("a|b|c", sealed) == b"Ada"
    assert turned.new_key("north").startswith("k2:")
    with pytest.raises(Unreadable):
        Vault(NEW).open("north", wrapped)


@pytest.mark.parametrize("left", ["", "k1:", "k1:AAAA", "k9:AAAA"])
def test_an_erased_key_erases_what_it_sealed(left: str) -> None:
    with pytest.raises(Unreadable):
        Vault(OLD).open("north", left)


def test_a_word_is_found_by_its_hash_by_its_own_merchant_only() -> None:
    vault = Vault(OLD)
    wrapped = {name: vault.new_key(name) for name in ("north", "south")}
    north, again, south = (vault.open(name, wrapped[name]) for name in ("north", "north", "south"))

    assert north.index("ada@example.org") == again.index("ada@example.org") != south.index("ada@example.org")
    assert -(2**63) <= north.index("ada@example.org") < 2**63


PEOPLE = {
    "name": "Zuleika Krähwinkel-Ōta", "street1": "17 Canarystraße", "city": "Kanarienfurt", "postcode": "ZZ-98-XQ", "country": "DE",
}  # fmt: skip
SECRETS = {"refresh": "canary-refresh-0815", "key": "canary-key-4711"}


@on_sqlite
def test_no_name_street_or_secret_is_in_the_file(house: House, tmp_path: Path) -> None:
    house.shelve(A=10)
    flows.connect(house.hub, house.merchant.id, "bogus", "bogus", SECRETS)
    sold = house.bogus.sell({"A": 1}, ship_to=PEOPLE)
    deliver(house, [notice(sold, "sold")])
    house.drain()
    deliver(house, [notice(acts.pay(house.bogus, sold["id"]), "hint", whole=False)])
    house.drain()
    moved = house.bogus.change(sold["id"], ship_to={**PEOPLE, "street1": "18 Canarystraße"})
    broken = {**house.bogus.sell({"A": 1}, ship_to=PEOPLE), "total": "x"}
    deliver(house, [notice(moved, "moved"), notice(broken, "broken")])
    house.drain()
    assert books.one(house.hub, "select count(*) from orders where person is not null") == 1
    assert books.parked(house.hub)
    assert [row[0] for row in books.rows(house.hub, "select kind from events where kind = 'AddressChanged'")] == ["AddressChanged"]

    found = [
        (path.name, word)
        for path in sorted(tmp_path.glob("house.db*"))
        for word in [*(PEOPLE[key] for key in ("name", "street1", "city", "postcode")), "18 Canary", *SECRETS.values()]
        for raw in [path.read_bytes()]
        if word.encode() in raw or write_json(word)[1:-1] in raw or word.encode("utf-16-le") in raw
    ]
    assert found == []
    assert b"Bogus A" in b"".join(path.read_bytes() for path in tmp_path.glob("house.db*"))  # the search would have found them


@on_sqlite
def test_a_merchant_whose_key_was_erased_has_no_people_any_more(house: House) -> None:
    house.shelve(A=10)
    sold = house.bogus.sell({"A": 1}, ship_to=PEOPLE)
    deliver(house, [notice(sold, "sold")])
    house.drain()

    with house.hub.database.write() as db:
        db.exec_driver_sql("update merchants set data_key = ''")
    house.hub.__post_init__()  # another process

    with pytest.raises(Unreadable):
        house.hub.box(house.merchant.id)
    assert books.level(house.hub, "A") == (10, 1)  # the books stand without them
