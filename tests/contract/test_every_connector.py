"""What every connector is held to, by being found. A folder's `examples/x.in.json` must become its `x.out.json`.

Every field of every example is damaged in every way we could think of. What comes out is a BadPayload that names the field or the same
order as before; never a default, never another error. A connector lists in `examples/optional.json` the fields that its vendor itself
leaves out when there is nothing to say ("line_items.*.tax_lines"): without one of these the order may be another one, as it may where
null stands in a field that is null in some example.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest

import connectors
from connectors.http import read_json, write_json
from connectors.simulation import World
from core.domain.order import Order
from core.domain.summary import summary
from core.errors import BadPayload
from core.ports import Connector
from tests.builders import a_line, an_order

FOUND = {name: one for name, one in connectors.load().items() if "channel" in one.roles}
Step = str | int


def folder(connector: Connector) -> Path:
    return Path(connectors.__file__).parent / connector.name


EXAMPLES = [(connector, path) for connector in FOUND.values() for path in sorted((folder(connector) / "examples").glob("*.in.json"))]
every_connector = pytest.mark.parametrize("connector", FOUND.values(), ids=FOUND)
every_manifest = pytest.mark.parametrize("connector", connectors.load().values(), ids=connectors.load())
every_example = pytest.mark.parametrize(
    ("connector", "path"), EXAMPLES, ids=[f"{one.name}-{path.name.removesuffix('.in.json')}" for one, path in EXAMPLES]
)


def read(connector: Connector, document: Any) -> list[Order | BadPayload]:
    return list(connector.orders(document, "connection"))


def the_order(connector: Connector, document: Any) -> Order:
    [order] = read(connector, document)
    assert isinstance(order, Order), order
    return order


# ---- the examples


@every_example
def test_an_example_becomes_what_stands_beside_it(connector, path):
    order = the_order(connector, read_json(path.read_bytes()))

    beside = path.with_name(path.name.replace(".in.", ".out."))
    assert summary(order) == json.loads(beside.read_text("utf-8"))


@every_example
def test_an_example_adds_up_or_says_that_it_does_not(connector, path):
    order = the_order(connector, read_json(path.read_bytes()))

    says_so = any(problem.startswith("money: ") for problem in order.problems())
    assert (order.payable + order.rounding == order.total) is not says_so


@every_example
def test_both_doors_give_the_same_order_each_time(connector, path):
    document = read_json(path.read_bytes())
    order = the_order(connector, document)

    assert the_order(connector, read_json(path.read_bytes())) == order
    assert connector.order(write_json(bare(document)), "connection") == order


@every_example
def test_no_float_and_no_wrong_type_comes_in(connector, path):
    document = read_json(path.read_bytes())

    assert [value for value in branches(document) if isinstance(value, float)] == []
    assert misfit(Order)(the_order(connector, document)) == ""


@every_example
def test_nobody_can_be_read_from_a_printed_order(connector, path):
    order = the_order(connector, read_json(path.read_bytes()))

    assert [word for word in people(order) if word in repr(order)] == []


@every_example
def test_fields_we_never_heard_of_do_not_matter(connector, path):
    plain, grown = read_json(path.read_bytes()), read_json(path.read_bytes())
    for thing in [item for item in branches(bare(grown)) if isinstance(item, dict)]:
        thing["zz_unheard_of"] = {"new": [1, None, {"deep": "down"}]}

    assert the_order(connector, grown) == the_order(connector, plain)


@every_example
@pytest.mark.parametrize("around", [(), ("payload",), ("body",), ("response",)], ids=lambda around: "".join(around) or "bare")
def test_an_order_is_found_in_every_wrapper(connector, path, around):
    document = bare(read_json(path.read_bytes()))
    order = the_order(connector, document)

    for inside in (document, {"order": document}, {"orders": [document]}, {"data": {"order": document}}):
        for name in around:
            inside = {name: inside}
        assert the_order(connector, inside) == order


@every_example
def test_one_bad_order_does_not_spoil_the_others(connector, path):
    document = bare(read_json(path.read_bytes()))

    first, bad, last = read(connector, {"orders": [document, {}, document]})

    assert isinstance(bad, BadPayload)
    assert first == last == the_order(connector, document)


@every_connector
def test_what_is_no_order_is_refused_in_one_line(connector):
    deep = b'{"order":' * 5000 + b"1" + b"}" * 5000
    for raw in (b"", b"null", b"[]", b"7", b'"x"', b"{}", b"\xff\xfe", b"<html></html>", b'{"id":NaN}', b"[" * 100_000, deep):
        with pytest.raises(BadPayload) as refused:
            connector.order(raw, "connection")
        assert "\n" not in str(refused.value)


@every_connector
def test_odd_documents_give_refusals_or_nothing(connector):
    odd = [None, 7, "x", True, [], [[]], {}, {"orders": None}, {"orders": {}}, {"orders": [None, 7, "x", []]}, {"order": None}]
    odd += [
        {"data": None},
        {"data": {"order": []}},
        {"payload": {}},
        {"body": "text"},
        {"response": {"data": {"orders": "x"}}},
        nest({}, 500),
    ]

    for document in odd:
        assert all(isinstance(item, BadPayload) for item in read(connector, document)), document


# ---- damage

MISSING = object()
AMOUNT_OR_TIME = re.compile(r"-?\d+\.\d+|\d{4}-\d\d-\d\dT.*")
ODD_TEXT = "zz-unheard-of"
AROUND = ("payload", "body", "response", "data", "order", "orders", "nodes")  # these name no field


@every_connector
def test_a_damaged_field_is_named_or_does_not_matter(connector):
    seen: set[str] = set()

    found = {said: path.name for path in examples_of(connector) for said in damaged(connector, path, seen)}

    assert not found, "\n".join(f"{path}: {said}" for said, path in found.items())


@pytest.mark.parametrize("wrong", [{"test": "no"}, {"tags": ["x"]}, {"said": (("a", 1),)}, {"id": 7}, {"lines": [a_line(ordered=True)]}])
def test_a_wrong_type_in_an_order_is_found_out(wrong):
    assert misfit(Order)(an_order(**wrong)).startswith(next(iter(wrong)))


@every_connector
def test_every_optional_field_stands_in_some_example(connector):
    documents = [read_json(path.read_bytes()) for path in examples_of(connector)]
    there = {pattern(path) for document in documents for path, _, _ in fields(document)}

    assert [listed for listed in optional(folder(connector)) if not any(fnmatchcase(path, listed) for path in there)] == []


def _defaulting(document: Any) -> Any:
    return {"total": "0", "cancel_requested": False, "payment": "paid", **document} if isinstance(document, dict) else document


def _guessing(document: Any) -> Any:
    known = isinstance(document, dict) and document.get("payment") in ("unpaid", "voided", "partially_refunded")
    return document if known else {**document, "payment": "paid"}


def _rounding(document: Any) -> Any:
    lines = [{**line, "quantity": int(line["quantity"])} for line in document["lines"] if "quantity" in line]
    return {**document, "lines": lines}


def _crashing(document: Any) -> Any:
    return {**document, "name": document["name"].strip()}


SLOPPY = {"a default": _defaulting, "the likeliest guess": _guessing, "a rounded quantity": _rounding, "a crash": _crashing}


@pytest.mark.parametrize("way", SLOPPY)
def test_a_sloppy_connector_is_found_out(way):
    bogus = FOUND["bogus"]
    sloppy = dataclasses.replace(bogus, orders=lambda document, connection: bogus.orders(SLOPPY[way](document), connection))

    assert [said for path in examples_of(bogus) for said in damaged(sloppy, path, set())]


def test_a_connector_that_does_not_name_the_field_is_found_out():
    def mute(document: Any, connection: str) -> Iterator[Order | BadPayload]:
        return (BadPayload("no") if isinstance(item, BadPayload) else item for item in bogus.orders(document, connection))

    bogus = FOUND["bogus"]

    assert list(damaged(dataclasses.replace(bogus, orders=mute), examples_of(bogus)[0], set()))


def damaged(connector: Connector, path: Path, seen: set[str]) -> Iterator[str]:
    """Each field of an example in turn: in every way where its like was not seen before, else by taking it away."""
    document = read_json(path.read_bytes())
    before = the_order(connector, document)
    for where, holder, key in list(fields(document)):
        for kind, wrong, strict in ways(holder, key, known=pattern(where) in seen):
            absent = (wrong is MISSING and is_optional(connector, where)) or (wrong is None and is_nullable(connector, where))
            may = "differ" if absent else "stay" if strict else "reword"
            with put(holder, key, wrong) as value:
                said = judge(connector, document, where, value, before, may=may)
            if said:
                yield f"{pattern(where)} {kind}: {said}"
        seen.add(pattern(where))


def ways(holder: Any, key: Step, *, known: bool) -> list[tuple[str, Any, bool]]:
    """(name, what stands there instead, strict): where strict, the order must stay what it was or be refused."""
    value, gone = holder[key], [] if isinstance(holder, list) else [("missing", MISSING, True)]
    if value is None:
        return [*gone, *([] if known else [("as []", [], True)])]
    return gone if known else [*gone, ("null", None, True), *_wrong_kinds(value), ("deep", nest(0, 300), True)]


def _wrong_kinds(value: Any) -> list[tuple[str, Any, bool]]:
    match value:
        case str():
            odd = [(ODD_TEXT, bool(AMOUNT_OR_TIME.fullmatch(value))), (7, False), (True, True)]
        case bool():
            odd = [(ODD_TEXT, True), ("false", True), (7, True)]
        case int() | Decimal():
            odd = [(ODD_TEXT, True), (Decimal("1.5"), True), (True, True)]
        case list():
            odd = [({}, True), ({"x": 1}, True), ([None], True), (ODD_TEXT, True), (7, True)]
            odd += [] if any(isinstance(item, str) for item in value) else [(["x"], True)]
        case _:
            odd = [([], True), (["x"], True), (ODD_TEXT, True), (7, True), (True, True)]
    both = [] if isinstance(value, list | dict) else [([], True), ({}, True), ({"x": 1}, True)]
    return [(f"as {wrong!r}", wrong, strict) for wrong, strict in odd + both]


def judge(connector: Connector, document: Any, where: tuple[Step, ...], value: Any, before: Order, *, may: str) -> str | None:
    """What is wrong with how the connector took the damage; None when nothing is.

    The order may "stay", be a "reword"ed one of the same statuses, or "differ".
    """
    try:
        after = outcome(connector, document)
        return _judged(after, where, value, before, may=may)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"


def _judged(after: Order | BadPayload | None, where: tuple[Step, ...], value: Any, before: Order, *, may: str) -> str | None:
    if after is None:
        return None if len(where) == 1 else "found no order at all"
    if isinstance(after, BadPayload):
        return None if named(after, where, value) else f"refused without naming it: {after}"
    if wrong := misfit(Order)(after):
        return f"let a wrong type in: {wrong}"
    if after == before or essence(after) == essence(before) or after.problems() != before.problems():
        return None
    return None if may == "differ" or (may == "reword" and statuses(after) == statuses(before)) else "took another order for it"


def outcome(connector: Connector, document: Any) -> Order | BadPayload | None:
    """None where no order was found at all."""
    found = read(connector, document)
    assert len(found) <= 1
    return found[0] if found else None


def named(error: BadPayload, where: tuple[Step, ...], value: Any) -> bool:
    """In one line, the message names the field, one of the two around it, or one that lay in it.

    A system with two doors may say it in the words of either: price_set for originalUnitPriceSet.
    """
    words = [step for step in where if isinstance(step, str) and step not in AROUND][-3:]
    words += [key for item in branches(value) if isinstance(item, dict) for key in item]
    said = {_bare_word(word) for word in re.findall(r"\w+", str(error))}
    full, long = {_bare_word(word) for word in words}, [word for word in said if len(word) > 5]
    return "\n" not in str(error) and (bool(full & said) or any(part in word for word in full for part in long))


def _bare_word(word: str) -> str:
    return word.replace("_", "").lower()


def essence(order: Order) -> tuple[Any, ...]:
    """All of an order but people, free text and the parts that have a read of their own."""
    charges = [line.presented for line in (*order.lines, *order.shipping)]
    presented = [charge and (charge.gross, charge.net, charge.tax, charge.payable) for charge in charges]
    lines = [(line.lost, line.returned, line.party, line.gift_card) for line in order.lines]
    what = (order.test, order.b2b, order.party, order.cancelled_at, order.cancel_requested, order.closed, order.on_hold)
    when = (order.placed_at, order.revision, order.ship_by, order.deliver_by)
    return summary(order), lines, what, when, presented, order.presented_total, order.refunds, order.shipped


def statuses(order: Order) -> tuple[Any, ...]:
    return order.order_status, order.payment_status, order.fulfillment_status


# ---- walking


def examples_of(connector: Connector) -> list[Path]:
    return [path for one, path in EXAMPLES if one.name == connector.name]


def bare(document: Any) -> Any:
    """The order inside an example that holds it as its vendor answers."""
    for key in ("payload", "body", "response", "data", "order"):
        if isinstance(document, dict) and isinstance(document.get(key), dict):
            return bare(document[key])
    return document["orders"][0] if isinstance(document, dict) and isinstance(document.get("orders"), list) else document


def nest(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def branches(document: Any) -> Iterator[Any]:
    yield document
    for item in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from branches(item)


def fields(document: Any, before: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any, Step]]:
    """(path, holder, key) of every field, at any depth."""
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        yield (*before, key), document, key
        yield from fields(value, (*before, key))


def pattern(where: tuple[Step, ...]) -> str:
    return ".".join("*" if isinstance(step, int) else step for step in where)


@cache
def optional(home: Path) -> tuple[str, ...]:
    listed = home / "examples" / "optional.json"
    return tuple(json.loads(listed.read_text("utf-8"))) if listed.exists() else ()


def is_optional(connector: Connector, where: tuple[Step, ...]) -> bool:
    return any(fnmatchcase(pattern(where), listed) for listed in optional(folder(connector)))


@cache
def nullable(home: Path) -> set[str]:
    """The fields that are null in some example."""
    documents = [read_json(path.read_bytes()) for path in (home / "examples").glob("*.in.json")]
    return {pattern(where) for document in documents for where, holder, key in fields(document) if holder[key] is None}


def is_nullable(connector: Connector, where: tuple[Step, ...]) -> bool:
    return pattern(where) in nullable(folder(connector)) or is_optional(connector, where)


@contextmanager
def put(holder: Any, key: Step, wrong: Any) -> Iterator[Any]:
    """Something else stands there for a while, or nothing; gives what stood there."""
    rest = holder.copy()
    if wrong is MISSING:
        del holder[key]
    else:
        holder[key] = wrong
    yield rest[key]
    holder.clear()
    holder.update(rest) if isinstance(holder, dict) else holder.extend(rest)


def people(order: Order) -> list[str]:
    """What must never be printed: names, streets, numbers and addresses of whoever is in the order."""
    homes = [home for home in (order.person.ship_to, order.person.bill_to, order.person.final_ship_to) if home] if order.person else []
    said = [word for one in [order.person, *homes] if one for word in (one.name, one.email, one.phone)]
    return [word for word in said + [home.street1 for home in homes] if len(word) > 3]


@cache
def misfit(hint: Any) -> Callable[[Any], str]:
    """A function that tells where a value is not of this declared type, "" where it is; True is no number."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [misfit(one) for one in get_args(hint)]
        return lambda value: type(value).__name__ if all(kind(value) for kind in kinds) else ""
    if get_origin(hint) is tuple:
        return _misfit_in_tuple(get_args(hint))
    inner = {name: misfit(one) for name, one in get_type_hints(hint).items()} if dataclasses.is_dataclass(hint) else {}
    return lambda value: (
        type(value).__name__
        if type(value) is not hint
        else next((f"{name}: {said}" for name, kind in inner.items() if (said := kind(getattr(value, name)))), "")
    )


def _misfit_in_tuple(kinds: tuple[Any, ...]) -> Callable[[Any], str]:
    many, checks = kinds[-1:] == (...,), [misfit(kind) for kind in kinds if kind is not ...]

    def found(value: Any) -> str:
        if type(value) is not tuple or (not many and len(value) != len(checks)):
            return type(value).__name__
        pairs = zip(value, checks * len(value) if many else checks, strict=True)
        return next((said for item, check in pairs if (said := check(item))), "")

    return found


# ---- manifests


@every_manifest
def test_a_manifest_holds_together(connector):
    assert connector.roles
    assert connector.roles <= {"channel", "carrier", "ledger"}
    assert connector.label.strip()
    assert len(set(connector.calls)) == len(connector.calls) > 0
    assert all(name.strip() for name in (*connector.calls, *connector.rates))  # a rate is a call's own, or a bucket that several share
    assert all(rate.per_s > 0 and rate.burst >= 1 for rate in connector.rates.values())
    assert json.loads(json.dumps(dict(connector.settings))) == dict(connector.settings)
    assert 400 <= connector.refusal < 500


@every_manifest
def test_a_manifest_tells_people_what_to_type_in(connector):
    typed = [*connector.app, *connector.login]

    assert [field.name for field in typed if not (field.label.strip() and field.help.strip())] == []
    assert all(field.name.isidentifier() for field in typed)
    for group in (connector.app, connector.login):
        assert len({field.name for field in group}) == len(group)


@every_connector
def test_a_channel_says_how_it_wants_its_stock(connector):
    limits = connector.limits

    assert limits.per_call >= 1
    assert limits.revisions is None or 0 <= limits.kept_for_zero < limits.revisions
    assert ZoneInfo(limits.day_zone)
    assert timedelta(0) <= connector.poll_age < connector.poll_every
    assert timedelta(0) < connector.poll_overlap


@every_connector
def test_a_channel_that_calls_orders_off_captures_or_routes_says_so(connector):
    module = vars(import_module(f"connectors.{connector.name}.channel"))
    [channel] = [one for name, one in module.items() if name.lower() == f"{connector.name}channel"]

    how = connector.calls_off
    assert (how is not None, bool(how and how.answers)) == (hasattr(channel, "cancel"), hasattr(channel, "answer"))
    assert (connector.captures, connector.routes) == (hasattr(channel, "capture"), hasattr(channel, "route"))


@every_manifest
def test_a_simulator_is_found_where_the_manifest_says(connector):
    if connector.simulator:
        module, _, name = connector.simulator.partition(":")
        simulator = getattr(import_module(module), name)(World(lambda: datetime(2026, 3, 1, tzinfo=UTC)))
        assert simulator.name == connector.name
        assert json.loads(json.dumps(simulator.state)) == simulator.state


def test_folders_are_found_by_themselves():
    holding = {path.parent.name for path in Path(connectors.__file__).parent.glob("*/__init__.py") if "MANIFEST" in path.read_text("utf-8")}

    assert holding <= set(connectors.load())
    assert all(connector.name == name for name, connector in connectors.load().items())
