"""Signing in alone."""

from collections.abc import Callable

from tests.web.people import PASSWORD, Person, hire
from tests.web.shop import Shop


def test_smoke(shop: Shop, signed_in: Callable[..., Person]) -> None:
    me = signed_in()
    for path in ("/", "/settings", "/settings/people", "/account", "/account/code", "/activity"):
        answer = me.get(path)
        assert answer.status_code == 200, (path, answer.text)
    stranger = Person(shop, "", "")
    for path in ("/", "/settings"):
        print(stranger.get(path).headers)
    hire(shop.hub, shop.merchant, email="ada@staff.example", password=PASSWORD)
    form = stranger.get("/login?next=/orders/1")
    assert form.status_code == 200
    import re

    proof = re.search(r'name="proof" value="(\w+)"', form.text)[1]
    done = stranger.post("/login", data={"email": "Ada@staff.example ", "password": PASSWORD, "proof": proof, "next": "/account"})
    assert done.status_code == 303, done.text
    print(done.headers)
    assert stranger.get("/account").status_code == 200
