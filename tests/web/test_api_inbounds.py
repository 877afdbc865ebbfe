"""What programs do with goods on their way: in parts, once whatever is sent twice, and nothing of another merchant's."""

from typing import Any

import pytest

from tests.web.programs import a_program
from tests.web.shop import Shop


@pytest.fixture
def stocked(either_shop: Shop) -> Shop:
    either_shop.offer("A", "B", units=10)
    return either_shop


PURCHASE: dict[str, Any] = {"kind": "purchase", "location": "Main", "sender": "Mill", "lines": [{"sku": "A", "units": 6}]}


def test_a_purchase_is_written_sent_received_in_parts_and_closed_short(stocked: Shop) -> None:
    till = a_program(stocked)
    id = till.ask("POST", "inbounds", {**PURCHASE, "expected_at": "2026-12-04T12:00:00Z"}).get_json()["id"]

    assert till.ask("PUT", f"inbounds/{id}", {**PURCHASE, "reference": "PO-8"}).get_json()["reference"] == "PO-8"
    assert till.ask("POST", f"inbounds/{id}/send", {}).get_json()["state"] == "sent"
    [level] = till.get("stock?sku=A").get_json()["items"]
    assert [(one["inbound"], one["units"], one["sender"]) for one in level["coming"]] == [(id, 6, "Mill")]
    came = {"lines": [{"sku": "A", "received": 3, "damaged": 1, "seen": 0}]}
    [line] = till.ask("POST", f"inbounds/{id}/receipts", came).get_json()["lines"]
    assert line == {"sku": "A", "units": 6, "sent": 0, "received": 3, "damaged": 1, "missing": 2, "more": 0}
    assert till.ask("POST", f"inbounds/{id}/receipts", came).get_json()["code"] == "conflict"
    till.ask("POST", f"inbounds/{id}/take-back", {"lines": [{"sku": "A", "received": 1}]})
    assert till.ask("POST", f"inbounds/{id}/close", {}).get_json()["lines"][0]["missing"] == 3
    assert stocked.rows("select on_hand, damaged from levels where sku = 'A'") == [(12, 1)]

    moves = till.get("stock/movements?sku=A&limit=2").get_json()
    assert [(one["units"], one["damaged"], one["cause"]) for one in moves["items"]] == [(-1, 0, "unreceived"), (3, 1, "received")]
    [first] = till.get(f"stock/movements?sku=A&after={moves['next']}").get_json()["items"]
    assert (first["units"], first["cause"]) == (10, "counted")

    [head] = till.all("inbounds", 5)
    assert (head["units"], head["came"], head["sender"], head["state"]) == (6, 3, "Mill", "closed")
    assert till.get(f"inbounds/{id}").get_json()["state"] == "closed"
    assert till.get("inbounds?state=open").get_json()["items"] == []


def test_a_page_of_stock_names_the_next_deliveries_alone_and_all_that_is_coming(stocked: Shop) -> None:
    till = a_program(stocked)
    for day in (9, 3, 7, 1, 5, 8, 2):
        id = till.ask("POST", "inbounds", {**PURCHASE, "expected_at": f"2026-12-0{day}T12:00:00Z"}).get_json()["id"]
        till.ask("POST", f"inbounds/{id}/send", {})
    till.ask("POST", f"inbounds/{id}/receipts", {"lines": [{"sku": "A", "received": 6}]})

    [level, other] = till.get("stock").get_json()["items"]
    [alone] = till.get("stock?sku=A").get_json()["items"]

    assert [one["expected_at"][8:10] for one in level["coming"]] == ["01", "03", "05", "07", "08"]
    assert [one["expected_at"][8:10] for one in alone["coming"]] == ["01", "03", "05", "07", "08", "09"]
    assert (level["coming_units"], alone["coming_units"]) == (36, 36)
    assert (other["coming"], other["coming_units"]) == ([], 0)


def test_a_transfer_leaves_and_comes_back(stocked: Shop) -> None:
    till = a_program(stocked)
    till.ask("POST", "stock/locations", {"name": "Attic"})
    asked = {"kind": "transfer", "location": "Attic", "source": "Main", "lines": [{"sku": "A", "units": 6}]}
    id = till.ask("POST", "inbounds", asked).get_json()["id"]

    assert till.ask("POST", f"inbounds/{id}/send", {}).get_json()["lines"][0]["sent"] == 6
    assert stocked.one("select sum(on_hand) from levels where sku = 'A'") == 4
    assert till.ask("POST", f"inbounds/{id}/cancel", {}).get_json()["state"] == "cancelled"
    assert till.ask("POST", f"inbounds/{id}/reopen", {}).get_json()["state"] == "open"
    till.ask("PUT", f"inbounds/{id}", {**asked, "lines": [{"sku": "A", "units": 11}]})
    assert till.ask("POST", f"inbounds/{id}/send", {}).status_code == 409
    assert stocked.one("select sum(on_hand) from levels where sku = 'A'") == 10


CANNOT: list[tuple[dict[str, Any], int, str]] = [
    ({"location": "Cellar"}, 404, "no-such-location"),
    ({"kind": "transfer"}, 409, "refused"),
    ({"lines": [{"sku": "Z", "units": 1}]}, 404, "no-such-sku"),
    ({"lines": [{"sku": "A", "units": 0}]}, 422, "not-valid"),
    ({"lines": [{"sku": "A", "units": 1.5}]}, 422, "not-valid"),
    ({"lines": [{"sku": "A", "units": 1}, {"sku": "A", "units": 2}]}, 409, "refused"),
    ({"price": 1}, 422, "not-valid"),
]


def test_what_cannot_be_meant_is_refused_and_nothing_is_written(stocked: Shop) -> None:
    till = a_program(stocked)

    answers = [till.ask("POST", "inbounds", {**PURCHASE, **different}) for different, *_ in CANNOT]

    assert [(one.status_code, one.get_json()["code"]) for one in answers] == [(status, code) for _, status, code in CANNOT]
    assert stocked.one("select count(*) from inbounds") == 0


def test_what_is_not_there_is_not_found(stocked: Shop) -> None:
    till = a_program(stocked)

    assert till.get("inbounds/x").status_code == 404
    for what in ("send", "close", "cancel", "reopen"):
        assert till.ask("POST", f"inbounds/x/{what}", {}).status_code == 404
    assert till.ask("POST", "inbounds/x/receipts", {"lines": []}).status_code == 404
