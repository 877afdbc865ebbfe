"""The page of an order says from where it leaves, and why not from elsewhere."""

import pytest

from core.domain.routing import Candidate, Decision, Rules, Strategy, Wanted, plan
from core.store import routings
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("KET", units=5)
    shop.deliver(shop.sold(KET=3))
    shop.drain()
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def order(shop: Shop) -> str:
    return str(shop.one("select id from orders"))


def page(shop: Shop, ana: Person, decision: Decision) -> str:
    with shop.hub.unit() as work:
        routings.keep(work.db, shop.merchant, [(order(shop), "asked", decision)], work.now)
    return ana.get(f"/orders/{order(shop)}")


def decide(rules: Rules, **free: int) -> Decision:
    candidates = [Candidate(name, name, {"KET": units}, zone, 490) for zone, (name, units) in enumerate(free.items(), 1)]
    return plan([Wanted("1", 3, {"KET": 1})], candidates, rules)


def test_nothing_is_said_where_nothing_was_decided(shop: Shop, ana: Person) -> None:
    assert "Sent from" not in ana.get(f"/orders/{order(shop)}")


def test_it_says_from_where_it_leaves_and_what_would_have_made_another_win(shop: Shop, ana: Person) -> None:
    text = page(shop, ana, decide(Rules((Strategy.FEWEST, Strategy.NEAREST), currency="EUR"), Lyon=2, Metz=3, Nice=1))

    assert "3 units from Metz" in text
    assert "in as few parcels as can be, from as near as can be" in text
    assert "It would be sent from Lyon if that had so many more: 1 × KET" in text
    assert "It is farther away. It lacks 2 × KET too." in text
    assert "€4.90" in text
    assert len(ana.statements) <= 8


@pytest.mark.parametrize(("split", "words"), [(False, "it is not sent in parts"), (True, "leaves from where it lies")])
def test_it_says_that_nobody_has_all_of_it(shop: Shop, ana: Person, split: bool, words: str) -> None:
    assert words in page(shop, ana, decide(Rules(split=split), Lyon=1, Metz=1))
