"""Each member chooses what they are told, and sees what was sent to them."""

import pytest
from sqlalchemy import text as sql

from core.domain.roles import Role
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    with shop.hub.database.write() as db:
        db.execute(sql("insert into users (id, email, data_key, created_at) values ('u1', 'ana@north.example', '', 1)"))
        db.execute(
            sql("insert into members (merchant, user_id, role, created_at) values (:m, 'u1', 'owner', 1)"), {"m": shop.merchant}
        )  # fmt: skip
    return person(shop.hub, shop.merchant)


def test_a_member_sees_what_their_role_is_usually_told_and_chooses_otherwise(shop: Shop, ana: Person) -> None:
    text = ana.get("/settings/alerts")
    assert text.count(" checked") == 13
    assert len(ana.statements) <= 8

    text = ana.post("/settings/alerts", now=["login", "nonsense"], hook="https://chat.example/x")

    assert "You are told so from now on" in text
    assert text.count(" checked") == 1
    assert '"hook":"https://chat.example/x"' in shop.one("select alerts from members")


@pytest.mark.parametrize("hook", ["javascript:alert(1)", "chat.example", "https://", "https://[", "https://a b", "http://chat.example/x"])
def test_what_is_no_address_is_not_kept(shop: Shop, ana: Person, hook: str) -> None:
    assert "Write an address" in ana.post("/settings/alerts", hook=hook)
    assert shop.one("select alerts from members") == "{}"


def test_a_message_to_try_says_what_became_of_it(shop: Shop, ana: Person) -> None:
    assert "on its way" in ana.post("/settings/alerts/test")
    shop.drain()

    text = ana.get("/settings/alerts")
    assert "If you read this, messages reach you." in text
    assert "kept here" in text


def test_nobody_reads_anothers_letters_or_chooses_for_them(shop: Shop, ana: Person) -> None:
    ana.post("/settings/alerts/test")
    shop.drain()

    for other in (person(shop.hub, shop.merchant, Role.OWNER, user="u2"), person(shop.hub, "another")):
        text = other.get("/settings/alerts")
        assert "If you read this" not in text
        assert "Nobody to tell" in text
        other.post("/settings/alerts", now="login")
    assert shop.one("select alerts from members") == "{}"


def test_what_could_not_wait_is_listed_with_its_end(shop: Shop, ana: Person) -> None:
    raised = "insert into alerts (merchant, cause, subject, raised_at, cleared_at) values (:m, :cause, 's', 1, :cleared)"
    with shop.hub.database.write() as db:
        for cause, cleared in (("login", None), ("<script>alert(1)</script>", 2)):
            db.execute(sql(raised), {"m": shop.merchant, "cause": cause, "cleared": cleared})

    text = ana.get("/settings/alerts")
    assert "A channel does not let us in any more" in text
    assert "<script>alert" not in text
