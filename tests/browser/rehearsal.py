"""The rehearsal as a newcomer starts it, for whoever looks at it in a browser."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page, expect

from tests.processes.plant import Child, until

PATIENCE_S = 240.0  # how long the rehearsal may take on a busy machine
PATIENT_MS = 30_000  # how long a page may take on a busy machine; no test asks how fast
SKU, SHORT = "LAM-SA-01", "CLO-SL-24"  # sold in ones, and all of it at once


@dataclass
class Rehearsal:
    """The hub's address, its owner's password, the simulated shop's admin and its control door; `said` is all that was printed."""

    hub: str
    password: str
    admin: str
    said: str

    def shop(self, what: str, body: Any = None) -> Any:
        address = f"{self.admin.partition('/admin/')[0]}/_sim/{what}"
        answer = requests.post(address, json=body, timeout=10) if body else requests.get(address, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def shows(self, sku: str) -> int:
        return int(next(one["shown"] for one in self.shop("listings") if one["sku"] == sku))

    def sells(self, sku: str = SKU, units: int = 1) -> str:
        """A buyer takes so many; gives the order's name."""
        [made] = self.shop("orders", {"lines": [{"sku": sku, "quantity": units}]})
        return str(made["name"])


@contextmanager
def rehearse(home: Path, orders: int) -> Iterator[Rehearsal]:
    """It runs while somebody looks, and until its own checks are through before."""
    child = Child(["--home", str(home), "demo", "--orders", str(orders)], os.environ, home / "said")
    try:
        until(lambda: "It runs on" in child.says() or child.process.poll() is not None, "the rehearsal does not run", PATIENCE_S)
        said = child.says()
        found = [re.search(words, said) for words in (r"live: (\S+)", r"Sign in as \S+ with (\S+)", r"admin of Shopify: (\S+)")]
        assert all(found), said
        yield Rehearsal(*(one[1] for one in found if one), said=said)
    finally:
        child.end()


def sign_in(page: Page, there: Rehearsal) -> None:
    """As its owner."""
    page.goto(there.hub)
    page.get_by_label("E-mail address").fill("owner@example.com")
    page.get_by_label("Password").fill(there.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=PATIENT_MS)
