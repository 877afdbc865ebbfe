"""Routes that learn late to write their address write the same one as any."""

from typing import Any

import pytest
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Map, Rule

from tests.web.late import LateRule
from tests.web.shop import Shop
from web.app import make_app


def a_value(converter: BaseConverter) -> Any:
    match converter:
        case IntegerConverter():
            return 7
        case AnyConverter():
            return min(converter.items)
    return "a b/ü"


def written(rule: Rule, kind: type[Rule], values: dict[str, Any]) -> object:
    """What a route of this kind with the same path writes."""
    made = kind(rule.rule, endpoint=rule.endpoint, defaults=rule.defaults)
    Map([made], converters=rule.map.converters if rule.map else None)
    return made.build(values), made.build(values, append_unknown=False)


def test_every_page_has_the_address_that_it_would_have_at_once(shop: Shop) -> None:
    rules = list(make_app(shop.hub).url_map.iter_rules())

    for rule in rules:
        values = {name: a_value(one) for name, one in rule._converters.items()}
        assert written(rule, LateRule, values) == written(rule, Rule, values)
    assert all(isinstance(rule, LateRule) for rule in rules)


@pytest.mark.parametrize("more", [{"q": ["a", "b"]}, {"self": "1", "rule": "2"}])
def test_what_no_route_names_goes_into_the_query(more: dict[str, Any]) -> None:
    rule = Rule("/orders/<int:id>", endpoint="order")

    assert written(rule, LateRule, {"id": 7, **more}) == written(rule, Rule, {"id": 7, **more})


def test_nothing_is_compiled_before_an_address_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, compiled = Rule._compile_builder, list[bool]()
    monkeypatch.setattr(Rule, "_compile_builder", lambda rule, unknown=True: compiled.append(unknown) or usual(rule, unknown))
    rule = LateRule("/orders/<int:id>", endpoint="order")
    Map([rule])
    before = list(compiled)

    assert [rule.build({"id": 7, "q": "a"}) for _ in range(2)] == [("", "/orders/7?q=a")] * 2
    assert (before, compiled) == ([], [True])
