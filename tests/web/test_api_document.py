"""The API keeps what its document says: every answer has the declared shape, what the document forbids is refused, nothing breaks."""

import itertools
from collections.abc import Callable
from typing import Any

import jsonschema
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from werkzeug.test import Client

from tests.web.programs import HERE, Program, a_program, routes
from tests.web.shop import Shop
from web.app import make_app

FREE = {"API_PER_S": 10_000, "API_BURST": 1_000_000}
FEW = settings(max_examples=5, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


NUMBERS = itertools.count()


def document(shop: Shop) -> Any:
    return Client(shop.app).get("/api/v1/openapi.json").get_json()


def test_every_route_answers_as_the_document_says_whatever_it_is_asked(make_shop: Callable[[str], Shop], postgres_database: str) -> None:
    """On PostgreSQL, which refuses more than SQLite does."""
    shop = make_shop(postgres_database)
    shop.offer("A", "B")
    shop.deliver(shop.sold(A=1))
    shop.drain()
    app = make_app(shop.hub, told=FREE)
    till = a_program(shop, app=app)

    asked = 0
    for found in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            ask_anything(found.ok(), mode, till)
        asked += 1
    assert asked == len(routes(shop.hub))


def ask_anything(operation: Any, mode: GenerationMode, till: Program) -> None:
    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        named = {} if mode is GenerationMode.NEGATIVE else {"Idempotency-Key": f"n{next(NUMBERS)}"}  # or two routes meet under one name
        case.call_and_validate(headers={"Authorization": f"Bearer {till.key}", **named})

    ask()


def test_the_document_tells_of_every_route_with_its_scope_and_failures(shop: Shop) -> None:
    told = document(shop)
    operations = {(method.upper(), path): one for path, methods in told["paths"].items() for method, one in methods.items()}

    assert told["openapi"].startswith("3.1")
    assert len(operations) == len(routes(shop.hub))
    assert {one["security"][0]["key"][0] for one in operations.values()} == {needs for *_, needs in routes(shop.hub)}
    assert all({"200", "400", "401", "403", "422", "429", "503"} <= one["responses"].keys() for one in operations.values())
    assert all(one["summary"] for one in operations.values())
    named = [key for key, one in operations.items() if any(parameter["name"] == "Idempotency-Key" for parameter in one["parameters"])]
    assert named == [key for key in operations if key[0] != "GET"]


def test_a_real_order_has_the_shape_that_the_document_gives(either_shop: Shop) -> None:
    either_shop.offer("A")
    either_shop.deliver(either_shop.sold(A=2))
    either_shop.drain()
    till, told = a_program(either_shop), document(either_shop)
    paths = {"/api/v1/orders": "OrderPage", f"/api/v1/orders/{till.all('orders', 1)[0]['id']}": "OrderSaid", "/api/v1/events": "EventPage",
             "/api/v1/stock": "LevelPage", "/api/v1/listings": "ListingPage", "/api/v1/connections": "ConnectionList"}  # fmt: skip

    for path, name in paths.items():
        answer = till.get(path.removeprefix("/api/v1/"))
        assert answer.status_code == 200
        jsonschema.validate(answer.get_json(), {**told, "$ref": f"#/components/schemas/{name}"})


def test_the_documents_page_names_every_route_and_needs_no_script(shop: Shop) -> None:
    page = Client(shop.app).get("/api/docs", environ_overrides={**HERE, "REMOTE_ADDR": "203.0.113.9"}, buffered=True)

    assert page.status_code == 200
    assert [path for path in document(shop)["paths"] if path not in page.text] == []
    assert "<style" not in page.text
    assert " style=" not in page.text
