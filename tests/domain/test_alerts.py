"""What is told to whom, and when."""

from core.domain.alerts import DAILY, QUIET, USUAL, Alert, Choice, by_cause, choice, due, is_paid, kept, wanted, ways
from core.domain.causes import LOUD
from core.domain.order import PaymentStatus
from core.domain.roles import Role

NOW = 10**15


def test_until_somebody_chooses_their_role_says_what_they_are_told() -> None:
    assert choice({}, "owner") == Choice(frozenset(LOUD), digest=True)
    assert choice({}, "warehouse") == Choice(frozenset({"oversold", "late"}))
    assert choice({}, "viewer") == Choice()
    assert {*USUAL, *DAILY} <= set(Role)


def test_what_somebody_chose_is_kept_whatever_their_role() -> None:
    one = Choice(frozenset({"login"}), digest=True, mail=False, hook="https://chat.example/x")

    assert choice(kept(one), "viewer") == one
    assert choice({"now": []}, "owner").now == frozenset()
    assert choice({"now": ["login", "nonsense"]}, "owner").now == {"login"}


def test_a_cause_is_told_at_once_and_what_follows_is_gathered() -> None:
    first, second = Alert("oversold", "1", "#1"), Alert("login", "c", "Shop")

    assert due([first, second], {}, NOW) == [first, second]
    assert due([first, second], {"oversold": NOW - QUIET + 1}, NOW) == [second]
    assert due([first], {"oversold": NOW - QUIET}, NOW) == [first]


def test_everybody_gets_what_they_want_by_the_ways_they_want() -> None:
    alerts = [Alert("oversold", "1", "#1"), Alert("login", "c", "Shop"), Alert("oversold", "2", "#2")]

    assert wanted(alerts, Choice(frozenset({"login"}))) == [alerts[1]]
    assert {name: len(some) for name, some in by_cause(alerts).items()} == {"oversold": 2, "login": 1}
    assert ways(Choice(hook="https://x.example")) == ["mail", "hook"]
    assert ways(Choice(mail=False)) == []


def test_a_buyer_who_has_not_paid_does_not_wait_yet() -> None:
    assert is_paid(PaymentStatus.PAID)
    assert is_paid("partially_paid")
    assert not any(is_paid(status) for status in ("unpaid", "authorized", "voided", "expired", "unknown", "refunded"))
