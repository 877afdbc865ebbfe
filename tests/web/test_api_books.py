"""The books as programs read them: they say what the pages say, pages join, nothing is of anybody else's."""

from typing import Any

import pytest

from core.flows import connections, keys
from tests.conftest import House
from tests.flows import books
from tests.flows.marks import on_sqlite
from tests.flows.test_books import changed, give_back, only, paid_out, sold
from tests.web import test_api_reads
from tests.web.programs import ADA, Program
from tests.web.test_books import payout, shop
from web.app import make_app

__all__ = ["shop"]


def program(house: House, merchant: str = "", *scopes: str) -> Program:
    key = keys.make(house.hub, merchant or house.merchant.id, ADA, "till", scopes or ("books.read",))
    return Program(make_app(house.hub), key)


@pytest.fixture
def till(shop: House) -> Program:
    """A break of a cent in one payout, an order that was given back, and one that is awaited."""
    number = sold(shop)
    give_back(shop, sold(shop))
    shop.poll()
    paid_out(shop, but=only(f"sale {number}", lambda one: changed(one, gross=-1)))
    sold(shop)
    return program(shop)


LISTS = ("entries", "payouts", "open", "profit", "profit?by=order", "profit?by=sku")


def test_pages_of_the_books_join_without_a_gap(till: Program) -> None:
    for path in LISTS:
        whole = till.all(f"books/{path}", 250)
        assert whole, path
        assert till.all(f"books/{path}", 1) == whole, path


def test_the_journal_balances_entry_by_entry_and_as_a_whole(till: Program) -> None:
    entries = till.all("books/entries", 250)
    balances = till.get("books/balances").get_json()["items"]

    assert all(sum(one["amount"]["minor"] for one in entry["postings"]) == 0 for entry in entries)
    assert sum(one["amount"]["minor"] for one in balances) == 0
    posted = sum(one["amount"]["minor"] for entry in entries for one in entry["postings"] if one["account"] == "clearing")
    assert posted == sum(one["amount"]["minor"] for one in balances if one["account"] == "clearing")
    assert till.get("books/balances?on=2020-01-01").get_json()["items"] == []


def test_entries_are_found_by_order_payout_account_and_day(shop: House, till: Program) -> None:
    order = till.all("books/profit?by=order", 1)[0]["name"]
    day = till.all("books/entries", 1)[0]["day"]

    def kinds(query: str) -> set[str]:
        return {one["kind"] for one in till.all(f"books/entries?{query}", 2)}

    assert kinds(f"order={order}") >= {"sale", "payment"}
    assert kinds(f"payout={payout(shop)}") == {"payout"} | (kinds(f"payout={payout(shop)}") & {"settled"})
    assert kinds("account=sales") == {"sale"}
    assert {one["day"] for one in till.all(f"books/entries?since={day}&until={day}", 250)} == {day}
    assert kinds("connection=another") == set()
    assert till.get("books/entries?order=none").status_code == 404
    assert till.get("books/entries?since=yesterday").status_code == 422


def test_a_payout_tells_its_lines_with_their_orders_and_the_break_among_them(shop: House, till: Program) -> None:
    whole = till.get(f"books/payouts/{payout(shop)}").get_json()
    lines = till.all(f"books/payouts/{payout(shop)}/lines", 1)

    assert lines == till.all(f"books/payouts/{payout(shop)}/lines", 250)
    assert whole["sums"] == [{"lines": len(lines), "orders": 2, "amount": whole["amount"]}]
    assert (whole["gap"]["minor"], sum(one["amount"]["minor"] for one in lines)) == (0, whole["amount"]["minor"])
    broken = [one for line in lines for one in line["open"]]
    assert [(one["cause"], one["amount"]["minor"], one["is_break"]) for one in broken] == [("differs", 1, True)]
    assert {one["name"] for one in lines if one["order"]} == {"#1001", "#1002"}


def test_a_payouts_certificate_comes_to_what_was_paid_out(shop: House, till: Program) -> None:
    found = till.get(f"books/payouts/{payout(shop)}/certificate").get_json()

    parts = sum(found[name]["minor"] for name in ("settled", "fees", "rest", "others"))
    assert (parts, found["residue"]["minor"]) == (found["payout"]["amount"]["minor"], 0)
    assert [(one["cause"], one["name"]) for one in found["open"]] == [("differs", "#1001")]


def test_what_is_open_has_its_cause_and_age_and_breaks_are_asked_for_alone(till: Program) -> None:
    everything, breaks = till.all("books/open", 1), till.all("books/open?breaks=true", 1)

    assert {one["cause"] for one in everything} == {"awaited", "differs"}
    assert [one["cause"] for one in breaks] == ["differs"]
    assert all(one["age_days"] >= 0 and one["order"] for one in everything)


def test_a_months_certificate_leaves_no_residue(till: Program) -> None:
    found = till.get("books/certificate").get_json()

    assert [one["minor"] for one in found["residue"]] == [0]
    open_ = sum(one["amount"]["minor"] for one in found["open"])
    assert open_ == sum(one["after"]["minor"] for one in found["cleared"])
    assert {one["cause"]: one["count"] for one in found["open"]} == {"awaited": 1, "differs": 1}


def test_profit_is_the_sum_of_its_parts_however_it_is_cut(till: Program) -> None:
    parts = ("earned", "given_back", "fees", "postage", "cost")
    by: dict[str, Any] = {name: till.all(f"books/profit?by={name}", 250) for name in ("channel", "order")}

    for found in by.values():
        assert all(one["left"]["minor"] == sum(one[part]["minor"] for part in parts) for one in found)
    sums = {name: sum(one["left"]["minor"] for one in found) for name, found in by.items()}
    assert sums["channel"] == sums["order"] != 0
    assert {one["title"] for one in by["order"]} == {"#1001", "#1002", "#1003"}


def test_documents_tell_their_state_number_and_words(shop: House, till: Program) -> None:
    test_api_reads.document_of(shop.hub, shop.merchant.id, "doc-1", shop.connection.id, "blocked")
    test_api_reads.document_of(shop.hub, shop.merchant.id, "doc-2", shop.connection.id, "posted")

    [blocked] = till.all("books/documents?state=blocked", 5)
    assert (blocked["number"], blocked["why"], blocked["words"]) == ("N-doc-1", "closed", "The period is closed.")
    assert till.get("books/documents/doc-1").get_json() == blocked
    assert [one["id"] for one in till.all("books/documents", 1)] == ["doc-2", "doc-1"]
    assert till.all("books/documents?ledger=another", 5) == []


@on_sqlite
def test_books_that_nobody_keeps_are_empty_and_say_so(house: House) -> None:
    till = program(house)

    assert till.get("books").get_json() == {"kept": False, "starts": None, "closed_until": None, "zone": None}
    assert [till.all(f"books/{path}", 5) for path in ("entries", "payouts", "open", "documents", "profit")] == [[]] * 5
    assert till.get("books/certificate").get_json()["code"] == "no-books"


def test_a_program_of_another_merchants_sees_none_of_it(shop: House, till: Program) -> None:
    stranger = program(shop, connections.add_merchant(shop.hub, "Elsewhere Ltd").id)

    assert [stranger.all(f"books/{path}", 250) for path in LISTS] == [[]] * len(LISTS)
    assert stranger.get("books/balances").get_json()["items"] == []
    assert [stranger.get(f"books/payouts/{payout(shop)}{more}").status_code for more in ("", "/lines", "/certificate")] == [404] * 3
    behind = till.get("books/entries?limit=1").get_json()["next"]
    assert stranger.get(f"books/entries?after={behind}").get_json()["items"] == []


@on_sqlite
def test_no_answer_about_the_books_costs_more_than_eight_statements(shop: House, till: Program) -> None:
    order, id = till.all("books/profit?by=order", 1)[0]["name"], payout(shop)
    more = (
        "",
        "/balances",
        "/documents",
        "/certificate",
        f"/payouts/{id}",
        f"/payouts/{id}/lines",
        f"/payouts/{id}/certificate",
        f"/entries?order={order}",
    )

    costs = {path: len(test_api_reads.statements_of(till, f"books{path}")) for path in (*(f"/{one}" for one in LISTS), *more)}

    assert {path: cost for path, cost in costs.items() if cost > 8} == {}


@on_sqlite
def test_other_scopes_do_not_open_the_books(shop: House) -> None:
    other = program(shop, "", "orders.read")

    assert [other.get(f"books/{path}").status_code for path in ("entries", "balances", "payouts", "open")] == [403] * 4
    assert books.one(shop.hub, "select count(*) from books") == 1
