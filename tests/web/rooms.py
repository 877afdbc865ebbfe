"""People of every role at the pages of a shop, as the Flask client sees them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from core.domain.roles import Role
from core.flows import books
from core.hub import Hub
from tests.conftest import START, House
from tests.flows.depot import ANN
from web.app import make_app
from web.visitor import Visitor


@dataclass
class Person:
    """Somebody who is let in: `get` and `post` give the answer's text, and fail for what is not 200."""

    client: FlaskClient
    hub: Hub
    statements: list[str] = field(default_factory=list)

    def ask(self, path: str, **said: Any) -> TestResponse:
        with self._counting():
            return self.client.get(path, query_string=said or None)

    def get(self, path: str, **said: Any) -> str:
        answer = self.ask(path, **said)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def send(self, path: str, **said: Any) -> TestResponse:
        with self._counting():
            return self.client.post(path, data=said)

    def post(self, path: str, **said: Any) -> str:
        """The page that the answer leads to, where it leads to one."""
        with self._counting():
            answer = self.client.post(path, data=said, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """What is said to the database for one answer."""
        self.statements.clear()

        def see(_: Any, __: Any, statement: str, *___: Any) -> None:
            self.statements.append(statement)

        event.listen(Engine, "before_cursor_execute", see)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", see)


def person(hub: Hub, merchant: str, role: Role = Role.OWNER, **different: Any) -> Person:
    """Ana, an owner, unless `different`ly; who she is was found out elsewhere."""
    asks = Visitor(**{"merchant": merchant, "user": "u1", "name": "Ana", "role": role, "via": "desk", **different})
    return Person(make_app(hub, ways=(lambda _: asks,)).test_client(), hub)


Meet = Callable[..., Person]


def keeping_books(house: House) -> House:
    """A shop with shelves that keeps books since a month ago."""
    house.shelve(A=100, B=100)
    books.begin(house.hub, house.merchant.id, START.date() - timedelta(days=30), ANN)
    house.drain()
    return house
