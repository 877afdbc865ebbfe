"""What holds for every page there is, found by the URL map, on both databases."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from tests.web.people import come_in, hire
from tests.web.shop import Shop
from web import app as pages
from web.visitor import OPEN, needed

MOST = 8  # statements a page, finding the visitor included


def lists(app: Flask) -> list[str]:
    """Every page for people that asks for nothing in its path."""
    found = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return sorted(rule.rule for rule in found if needed(app, rule.endpoint) not in OPEN and not rule.rule.startswith("/api/v1/"))


@contextmanager
def counted() -> Iterator[list[str]]:
    """What is said to any database meanwhile."""
    said: list[str] = []

    def hear(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            said.append(" ".join(statement.split())[:90])

    event.listen(Engine, "before_cursor_execute", hear)
    yield said
    event.remove(Engine, "before_cursor_execute", hear)


@pytest.fixture
def busy(either_shop: Shop) -> Shop:
    """Orders, some that wait, one that nobody can read, people."""
    either_shop.offer("A", "")
    for lines in ({"A": 3}, {"": 1}, {"A": 1}):
        either_shop.deliver(either_shop.sold(**lines))
    either_shop.drain()
    hire(either_shop.hub, either_shop.merchant, "viewer")
    return either_shop


def test_every_page_opens_with_a_handful_of_statements_and_nothing_that_a_browser_would_refuse(busy: Shop) -> None:
    me = come_in(busy, hire(busy.hub, busy.merchant), busy.merchant)
    wrong, asked = [], lists(pages.make_app(busy.hub))
    about = {
        "/orders/new": {"since": "-1_0"},
        "/start/difference": {"connection": busy.connection.id},
        "/stock/sku": {"sku": "A"},
        "/stock/card": {"sku": "A"},
        "/stock/windows/sku": {"sku": "A"},
    }
    for path in asked:
        said = about.get(path)
        me.get(path, query_string=said)  # the lock, the box and the first look at a connection cost once
        with counted() as statements:
            answer = me.get(path, query_string=said)
        text = answer.text
        inline = re.findall(r"<style|\sstyle=|<script(?![^>]* src=)|\son\w+=", text)
        if answer.status_code not in (200, 204, 302, 303) or len(statements) > MOST or inline:
            wrong.append(f"{path}: {answer.status_code}, {len(statements)} statements {statements}, {inline}")

    assert {"/", "/settings", "/settings/people", "/account", "/activity"} <= set(asked)
    assert "\n".join(wrong) == ""


def test_every_page_of_stock_says_that_this_is_stock(busy: Shop) -> None:
    """A part of a page and a page of the settings stand below it too."""
    me = come_in(busy, hire(busy.hub, busy.merchant), busy.merchant)
    below = [
        path
        for path in lists(pages.make_app(busy.hub))
        if path.startswith("/stock/") and path not in ("/stock/windows/sku", "/stock/locations")
    ]
    answers = {path: me.get(path, query_string={"sku": "A"}) for path in below}

    assert [
        path for path, answer in answers.items() if answer.mimetype == "text/html" and 'aria-current="page">Stock' not in answer.text
    ] == []


def test_the_address_of_a_form_leads_to_the_page_that_it_stood_in(busy: Shop) -> None:
    me = come_in(busy, hire(busy.hub, busy.merchant), busy.merchant)
    addresses = {"/stock/stop": "/stock", "/attention/problem/retry": "/attention/problem", "/inbound/an-id/act/send": "/inbound/an-id"}

    assert {path: me.get(path).headers.get("Location") for path in addresses} == addresses
