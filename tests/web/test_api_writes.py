"""What programs write: done once whatever is sent twice, refused in words for programs, and nothing that was sent is said again."""

import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.store import idempotency
from tests.web.programs import a_program
from tests.web.shop import Shop
from web.api.problems import Problem

ONE_OFF = {"sku": "A", "location": "Main", "units": -1, "why": "broken"}


@pytest.fixture
def stocked(either_shop: Shop) -> Shop:
    """Ten of A, ten of B, two of A promised."""
    either_shop.offer("A", "B", units=10)
    either_shop.deliver(either_shop.sold(A=2))
    either_shop.drain()
    return either_shop


def on_hand(shop: Shop, sku: str = "A") -> int:
    found: int = shop.one("select on_hand from levels where sku = :sku", sku=sku)
    return found


def test_units_come_and_go_and_every_channel_is_told(stocked: Shop) -> None:
    answer = a_program(stocked).ask("POST", "stock/adjustments", {**ONE_OFF, "units": -3})
    stocked.drain()

    assert (answer.status_code, answer.get_json()["on_hand"], answer.get_json()["available"]) == (200, 7, 5)
    assert stocked.one("select shown from listings where sku = 'A'") == 5
    assert stocked.rows("select units, cause from movements order by id desc limit 1") == [(-3, "corrected")]
    assert stocked.one("select count(*) from levels v where on_hand <> (select sum(units) from movements m where m.sku = v.sku)") == 0


CANNOT: list[tuple[dict[str, Any], int, str]] = [
    ({"units": -9}, 409, "refused"),
    ({"sku": "C"}, 404, "not-found"),
    ({"reason": "counted"}, 422, "not-valid"),
    ({"location": "Attic"}, 404, "no-such-location"),
    ({"units": 1.5}, 422, "not-valid"),
    ({"units": "1"}, 422, "not-valid"),
    ({"units": 10**9}, 422, "not-valid"),
    ({"units": 10**400}, 422, "not-valid"),
    ({"why": ""}, 422, "not-valid"),
    ({"why": "a\x00b"}, 422, "not-valid"),
    ({"sku": None}, 422, "not-valid"),
    ({"merchant": "another"}, 422, "not-valid"),
]


def test_what_cannot_be_adjusted_is_refused_and_nothing_changes(stocked: Shop) -> None:
    till = a_program(stocked)

    answers = [till.ask("POST", "stock/adjustments", {**ONE_OFF, **different}) for different, *_ in CANNOT]

    assert [(one.status_code, one.get_json()["code"]) for one in answers] == [(status, code) for _, status, code in CANNOT]
    assert on_hand(stocked) == 10


def test_damaged_units_lie_beside_and_kept_ones_are_shown_nowhere(stocked: Shop) -> None:
    till = a_program(stocked)
    till.ask("POST", "stock/adjustments", {**ONE_OFF, "units": -3, "reason": "damaged"})
    till.ask("POST", "stock/adjustments", {**ONE_OFF, "units": -1, "reason": "written_off"})

    answer = till.ask("PUT", "stock/safety", {"sku": "A", "location": "Main", "units": 2})
    stocked.drain()

    [shelf] = answer.get_json()["shelves"]
    told = {name: shelf[name] for name in ("on_hand", "reserved", "available", "safety", "free", "damaged")}
    assert told == {"on_hand": 7, "reserved": 2, "available": 5, "safety": 2, "free": 3, "damaged": 2}
    assert stocked.one("select shown from listings where sku = 'A'") == 3
    assert till.ask("PUT", "stock/safety", {"sku": "C", "location": "Main", "units": 2}).status_code == 409


def test_locations_are_added_named_and_removed_when_nothing_lies_there(stocked: Shop) -> None:
    till = a_program(stocked)

    made = till.ask("POST", "stock/locations", {"name": "Attic", "kind": "3pl"}).get_json()
    assert (made["name"], made["kind"]) == ("Attic", "3pl")
    assert till.ask("POST", "stock/locations", {"name": "Attic"}).status_code == 409
    assert till.ask("PUT", f"stock/locations/{made['id']}", {"name": "Loft", "kind": "shop"}).get_json()["kind"] == "shop"
    assert till.ask("PUT", f"stock/locations/{made['id']}", {"name": "Main", "kind": "shop"}).status_code == 409
    assert till.ask("POST", f"stock/locations/{made['id']}/remove", {}).get_json()["name"] == "Loft"
    refused = till.ask("POST", "stock/locations/place/remove", {}).get_json()
    assert refused["detail"].startswith("Main holds 20 units on hand of 2 SKUs, 2 reserved, 0 damaged")
    assert till.ask("POST", f"stock/locations/{made['id']}/remove", {}).get_json()["code"] == "no-such-location"


def test_a_count_is_absolute_and_keeps_what_is_promised(stocked: Shop) -> None:
    till = a_program(stocked)

    told = [till.ask("POST", "stock/counts", {"sku": "A", "location": "Main", "on_hand": units}) for units in (30, 30, 1)]

    assert [one.get_json()["on_hand"] for one in told] == [30, 30, 2]


QUOTAS = "select body from audit where act = 'stock.quota' and subject = 'sku/A' order by id"


def test_a_sku_is_dealt_to_its_listings_and_back_and_it_is_written_down_who_did_it(stocked: Shop) -> None:
    till = a_program(stocked)

    answers = [till.ask("PUT", "stock/quota", {"sku": "A", "quota": quota}) for quota in (True, True, False)]

    assert [(one.status_code, one.get_json()["quota"]) for one in answers] == [(200, True), (200, True), (200, False)]
    assert [one["quota"] for one in till.all("stock", 5)] == [False, False]
    with stocked.hub.database.read() as db:
        assert [json.loads(row.body) for row in db.execute(text(QUOTAS))] == [{"quota": True}, {"quota": False}]


def test_in_quota_a_listing_is_dealt_its_part_and_the_level_says_so(stocked: Shop) -> None:
    till = a_program(stocked)
    till.ask("PUT", "stock/quota", {"sku": "A", "quota": True})

    stocked.drain()

    assert till.ask("GET", "stock?sku=A").get_json()["items"][0]["quota"] is True
    assert stocked.one("select share from listings where sku = 'A'") == 8


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"sku": "A", "quota": 2}, 422, "not-valid"),  # it is no number: what is dealt is what is free
        ({"sku": "A", "quota": True, "share": 1.5}, 422, "not-valid"),
        ({"sku": "A", "quota": True, "units": 11}, 422, "not-valid"),
        ({"sku": "A"}, 422, "not-valid"),
        ({"sku": "NONE", "quota": True}, 404, "not-found"),
    ],
)
def test_a_quota_that_cannot_be_meant_is_refused_with_the_reason(stocked: Shop, wish: dict[str, Any], status: int, code: str) -> None:
    answer = a_program(stocked).ask("PUT", "stock/quota", wish)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.get_json()["detail"]
    assert stocked.one("select count(*) from skus where quota") == 0


def test_orders_that_waited_for_a_count_are_reserved(stocked: Shop) -> None:
    stocked.deliver(stocked.sold(B=9))
    stocked.deliver(stocked.sold(B=9))
    stocked.drain()
    a_program(stocked).ask("POST", "stock/counts", {"sku": "B", "location": "place", "on_hand": 20})
    stocked.drain()

    assert stocked.one("select reserved from levels where sku = 'B'") == 18


def test_an_older_count_and_another_spelling_are_refused(stocked: Shop) -> None:
    till, before = a_program(stocked), "2020-01-01T00:00:00Z"

    told = [
        till.ask("POST", "stock/counts", {"sku": sku, "location": "Main", "on_hand": 1, **more})
        for sku, more in (("A", {"counted_at": before}), (" a", {}), ("A", {"counted_at": "2999-01-01T00:00:00Z"}))
    ]

    assert [(one.status_code, one.get_json()["code"]) for one in told] == [(409, "cannot-count")] * 3
    assert on_hand(stocked) == 10


def test_a_listing_is_mapped_and_its_channel_told(stocked: Shop) -> None:
    till = a_program(stocked)
    [id] = [one["id"] for one in till.all("listings", 5) if one["sku"] == "B"]

    answer = till.ask("PUT", f"listings/{id}/parts", {"parts": [{"sku": "A", "units": 2}]})
    stocked.drain()

    assert answer.get_json()["parts"] == [{"sku": "A", "units": 2}]
    assert stocked.one("select shown from listings where sku = 'B'") == 4
    assert till.ask("PUT", f"listings/{id}/parts", {"parts": [{"sku": "C", "units": 1}]}).get_json()["code"] == "no-such-sku"
    assert till.ask("PUT", f"listings/{id}/parts", {"parts": []}).get_json()["wanted"] is None


RULE = {"buffer": 1, "cap": 5, "stopped": False, "ahead": None, "backorder": 0}


def test_a_listing_shows_what_its_rule_lets_it(stocked: Shop) -> None:
    till, id = a_program(stocked), stocked.one("select id from listings where sku = 'A'")

    answer = till.ask("PUT", f"listings/{id}/rule", {"buffer": 1, "cap": 5})
    stocked.drain()

    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["rule"], answer.get_json()["wanted"]) == (RULE, 5)
    assert stocked.one("select shown from listings where sku = 'A'") == 5
    assert till.ask("PUT", f"listings/{id}/rule", {"stopped": True}).get_json()["wanted"] == 0
    assert till.ask("PUT", f"listings/{id}/rule", {}).get_json()["wanted"] == 8


def test_an_order_is_held_tagged_noted_and_let_go(stocked: Shop) -> None:
    till, id = a_program(stocked), stocked.one("select id from orders")

    def do(act: str, **body: str) -> Any:
        answer = till.ask("POST", f"orders/{id}/{act}", body)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    held = do("hold", why="address")
    assert (held["status"], held["held_why"]) == ("on_hold", "address")
    assert do("hold", why="fraud")["held_why"] == "address", "one that is held stays as it is"
    assert do("tag", tag=" Gift  Wrap ")["tags"] == ["gift wrap"]
    assert do("untag", tag="gift wrap")["tags"] == []
    do("notes", note="call first")
    assert do("release")["held_at"] is None
    assert [one["type"] for one in till.get(f"orders/{id}/events").get_json()["items"]][2:] == [
        "order.held", "order.tag_added", "order.tag_removed", "order.note_added", "order.released"
    ]  # fmt: skip
    assert {who for (who,) in stocked.rows("select name from audit where act like 'order.%'")} == {"till"}


@pytest.mark.parametrize(("act", "body"), [("tag", {"tag": " , "}), ("notes", {"note": "\u200b"})])
def test_what_says_nothing_is_refused(stocked: Shop, act: str, body: dict[str, str]) -> None:
    answer = a_program(stocked).ask("POST", f"orders/{stocked.one('select id from orders')}/{act}", body)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "refused")


def test_a_parked_task_is_due_again(stocked: Shop) -> None:
    with stocked.hub.unit() as work:
        work.ask(stocked.merchant, "reserve", f"{stocked.connection.id}/1", stocked.connection.id)
    with stocked.hub.database.write() as db:
        db.execute(text("update tasks set state = 'parked', cause = 'BadPayload' where kind = 'reserve' and state = 'due'"))
    till = a_program(stocked)
    [parked] = till.all("tasks?state=parked", 5)

    assert till.ask("POST", f"tasks/{parked['id']}/retry", {}).get_json()["state"] == "due"
    assert till.ask("POST", f"tasks/{parked['id']}/retry", {}).status_code == 200
    assert [act for (act,) in stocked.rows("select act from audit where act like 'task%'")] == ["task.retry"]


def test_who_changed_what_is_written_down(stocked: Shop) -> None:
    a_program(stocked).ask("POST", "stock/adjustments", ONE_OFF)

    [(who, name, subject, body)] = stocked.rows("select who, name, subject, body from audit where act = 'stock.adjust'")
    assert (who, name, subject) == (f"key/{stocked.one('select id from api_keys')}", "till", "sku/A")
    assert json.loads(body) == {"location": "place", "place": "Main", "was": 10, "became": 9, "reason": "corrected", "note": "broken"}


# ---- once


def test_what_bears_a_name_is_done_once_and_answered_alike(stocked: Shop) -> None:
    till = a_program(stocked)

    first, again = (till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a") for _ in range(2))

    assert (first.data, again.data, on_hand(stocked)) == (again.data, first.data, 9)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")


@pytest.mark.parametrize(
    ("path", "body"),
    [("stock/adjustments", {**ONE_OFF, "units": -2}), ("stock/counts", {"sku": "A", "location": "Main", "on_hand": 3})],
)
def test_a_name_that_was_used_for_something_else_is_refused(stocked: Shop, path: str, body: dict[str, Any]) -> None:
    till = a_program(stocked)
    till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")

    answer = till.ask("POST", path, body, Idempotency_Key="7f3a")

    assert (answer.status_code, answer.get_json()["code"], on_hand(stocked)) == (422, "name-reused", 9)


def test_a_name_is_its_keys_own_and_lasts_a_day(stocked: Shop) -> None:
    till, other = a_program(stocked), a_program(stocked)
    for one in (till, other):
        one.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")
    stocked.clock.pass_(timedelta(hours=24))
    till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")

    assert on_hand(stocked) == 7


def test_a_refusal_is_not_kept_under_a_name(stocked: Shop) -> None:
    till = a_program(stocked)

    refused = till.ask("POST", "stock/adjustments", {**ONE_OFF, "units": -9}, Idempotency_Key="7f3a")
    done = till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")

    assert [refused.status_code, done.status_code] == [409, 200]


def test_what_is_kept_of_an_answer_is_sealed(stocked: Shop) -> None:
    a_program(stocked).ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")

    assert "on_hand" not in str(stocked.rows("select * from idempotency"))


def test_many_that_bear_one_name_at_once_are_done_once(stocked: Shop) -> None:
    till, start = a_program(stocked), threading.Barrier(6)

    def send(_: int) -> int:
        start.wait()
        return till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a").status_code

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(send, range(6)))

    assert on_hand(stocked) == 9
    assert set(told) <= {200, 409}
    assert 200 in told
    assert till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a").headers["Idempotency-Replayed"] == "true"


def test_on_postgresql_whoever_comes_while_it_is_being_done_is_told_so(make_shop: Callable[[str], Shop], postgres_database: str) -> None:
    shop = make_shop(postgres_database)
    shop.offer("A", units=10)
    till, key = a_program(shop), shop.one("select id from api_keys")
    with shop.hub.database.write() as db:
        db.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"idempotency key/{key} 7f3a"})
        answer = till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")

    assert (answer.status_code, answer.get_json()["code"], on_hand(shop)) == (409, "being-done", 10)
    assert answer.headers["Retry-After"] == "1"


def test_a_name_that_is_none_is_refused(stocked: Shop) -> None:
    till = a_program(stocked)

    answers = [till.ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key=name) for name in ("", "x" * 256, "two words", "\xe9")]

    assert [(one.status_code, one.get_json()["code"]) for one in answers] == [(400, "bad-name")] * 4
    assert on_hand(stocked) == 10


def test_answers_older_than_a_day_are_forgotten(stocked: Shop) -> None:
    a_program(stocked).ask("POST", "stock/adjustments", ONE_OFF, Idempotency_Key="7f3a")
    with stocked.hub.database.write() as db:
        assert idempotency.prune(db, stocked.hub.now) == 0
        assert idempotency.prune(db, stocked.hub.now + idempotency.KEPT_US + 1) == 1


# ---- what is not understood

CANARY = "canary-7411"
ODD: dict[str, tuple[bytes, str, int, str]] = {
    "nothing": (b"", "application/json", 400, "not-understood"),
    "cut off": (b'{"sku": "', "application/json", 400, "not-understood"),
    "NaN": (b'{"units": NaN}', "application/json", 400, "not-understood"),
    "bad UTF-8": (b'{"sku": "\xff"}', "application/json", 400, "not-understood"),
    "half a letter": (b'{"sku": "\\ud800"}', "application/json", 400, "not-understood"),
    "deep lists": (b"[" * 30_000, "application/json", 400, "not-understood"),
    "deep and closed": (b"[" * 30_000 + b"]" * 30_000, "application/json", 400, "not-understood"),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400, "not-understood"),
    "a list": (b"[]", "application/json", 422, "not-valid"),
    "a text": (b'"canary-7411"', "application/json", 422, "not-valid"),
    "null": (b"null", "application/json", 422, "not-valid"),
    "an unknown field": (b'{"canary-7411": 1}', "application/json", 422, "not-valid"),
    "a value that is none": (b'{"sku": {"canary-7411": 1}, "units": "canary-7411"}', "application/json", 422, "not-valid"),
    "too much": (b'{"sku": "' + b"x" * 70_000 + b'"}', "application/json", 413, "too-large"),
    "a form": (b"sku=canary-7411", "application/x-www-form-urlencoded", 415, "not-json"),
    "a text file": (b"{}", "text/plain", 415, "not-json"),
    "no kind": (b"{}", "", 415, "not-json"),
}


def test_what_is_no_json_of_ours_is_refused_without_saying_it_again(shop: Shop) -> None:
    till = a_program(shop)

    answers = {name: till.ask("POST", "stock/adjustments", raw, Content_Type=mime) for name, (raw, mime, *_) in ODD.items()}

    assert {name: (one.status_code, one.get_json()["code"]) for name, one in answers.items()} == {
        name: one[2:] for name, one in ODD.items()
    }
    assert {one.mimetype for one in answers.values()} == {"application/problem+json"}
    assert {frozenset(one.get_json()) for one in answers.values()} == {frozenset(Problem.model_fields)}
    assert [name for name, one in answers.items() if CANARY in one.text] == []


def test_null_is_no_object_though_every_field_of_it_may_be_left_out(shop: Shop) -> None:
    shop.offer("A")
    till = a_program(shop)
    listing = till.all("listings", 1)[0]["id"]

    said = [
        till.ask("PUT", f"listings/{listing}/kit", raw, Content_Type="application/json").status_code for raw in (b"null", b" null\n", b"{}")
    ]

    assert said == [422, 422, 200]


def test_a_body_that_does_not_say_how_long_it_is_is_read_no_further_than_it_may_be(shop: Shop) -> None:
    read: list[int] = []

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, into: Any) -> int:
            read.append(len(into))
            into[:] = b" " * len(into)
            return len(into)

    till, told = a_program(shop), {"CONTENT_TYPE": "application/json", "wsgi.input_terminated": True, "wsgi.input": Endless()}
    status, body = shop.ask("POST", "/api/v1/stock/counts", HTTP_AUTHORIZATION=f"Bearer {till.key}", **told)

    assert (status, body["code"]) == (413, "too-large")
    assert sum(read) < 1_000_000


QUESTIONS = """
orders?canary-7411=1  orders?limit=canary-7411  orders?after=canary-7411  orders?status=canary-7411  orders?placed_from=canary-7411
orders/canary-7411  orders/canary-7411/events  connections/canary-7411  tasks/canary-7411  canary-7411  orders/%00canary-7411
stock?sku=canary-7411%00  listings?after=-7411  events?after=99999999999999999999  tasks/99999999999999999999
orders?placed_from=7411-02-30T00:00:00Z  orders?placed_from=2026-11-22  orders?placed_from=2026-11-22T00:00:00
"""


def test_a_question_that_is_none_is_answered_without_saying_it_again(shop: Shop) -> None:
    till = a_program(shop)

    answers = {path: till.get(path) for path in QUESTIONS.split()}

    assert [path for path, one in answers.items() if one.status_code not in (400, 404, 422)] == []
    assert {one.mimetype for one in answers.values()} == {"application/problem+json"}
    assert [path for path, one in answers.items() if "7411" in one.text] == []


def test_a_method_that_is_none_is_405_and_says_which_are(shop: Shop) -> None:
    answer = a_program(shop).ask("DELETE", "orders")

    assert (answer.status_code, answer.get_json()["code"], answer.headers["Allow"]) == (405, "no-method", "GET, HEAD, OPTIONS")
