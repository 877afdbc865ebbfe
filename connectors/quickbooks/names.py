"""What a document names and the books may not have yet: contacts, and a service item for each income account. Found by name, else made."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from connectors.quickbooks import normalize
from connectors.quickbooks.client import Client, quoted
from connectors.quickbooks.tables import TAKEN_NAME
from core.domain.ledgers import Why
from core.errors import Refused

LONGEST = 80  # letters of a name, with room for what comes behind; a hundred are taken
EVERY = "Active in (true, false)"  # else a query tells only of those that are active


class Names:
    """Of one company, remembered while this lives."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, ...], str] = {}

    def forget(self) -> None:
        self._known.clear()

    def knows(self, *wanted: str) -> bool:
        return wanted in self._known

    def contact(self, entity: str, name: str, currency: str, own: str, key: str) -> str:
        """The id of the customer or vendor of that name and currency, made where it is missing. All contacts of the books share one set of
        names: where a vendor has a customer's name, the customer gets another one."""
        wanted = (entity, name, currency)
        if wanted not in self._known:
            self._known[wanted] = self._contact(entity, name, currency, own, key)
        return self._known[wanted]

    def _contact(self, entity: str, name: str, currency: str, own: str, key: str) -> str:
        if not clean(name):
            raise Refused("the document names no contact", reason=Why.CONTACT)
        options = list(spellings(entity, name, currency, own))
        found = next(filter(None, (self._held(entity, one, currency, own) for one in options)), "")
        return found or self._made(entity, options, currency, own, key)

    def _held(self, entity: str, name: str, currency: str, own: str) -> str:
        """Its id where it keeps that currency. Raises Refused where somebody made it inactive."""
        rows = self._client.page(entity, f"DisplayName = {quoted(name)} and {EVERY}")
        mine = [one for one in rows if (normalize.ref(one, "CurrencyRef") or own) == currency]
        return self._usable(mine[0], Why.CONTACT) if mine else ""

    def _made(self, entity: str, options: list[str], currency: str, own: str, key: str) -> str:
        """Under the first of these names that is free; one that was taken since is looked at again."""
        for name in options:
            body = {"DisplayName": name, **({"CurrencyRef": {"value": currency}} if currency != own else {})}
            try:
                return self._create(entity, body, name, key)
            except Refused as error:
                if error.facts.get("code") != TAKEN_NAME:
                    raise
                if found := self._held(entity, name, currency, own):
                    return found
                last = error
        raise last

    def item(self, account: str, key: str) -> str:
        """The id of the service item whose sales land on that account: QuickBooks' lines sell items, not accounts."""
        wanted = ("Item", account)
        if wanted not in self._known:
            self._known[wanted] = self._item(account, key)
        return self._known[wanted]

    def _item(self, account: str, key: str) -> str:
        name = f"Crossdock {account}"
        if found := self._item_held(name, account):
            return found
        body = {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": account}}
        try:
            return self._create("Item", body, name, key)
        except Refused as error:
            if error.facts.get("code") == TAKEN_NAME and (found := self._item_held(name, account)):
                return found
            raise

    def _item_held(self, name: str, account: str) -> str:
        rows = self._client.page("Item", f"Name = {quoted(name)} and {EVERY}")
        if rows and normalize.ref(rows[0], "IncomeAccountRef") != account:
            raise Refused("the item for this account sells to another one", reason=Why.ACCOUNT, item=name)
        return self._usable(rows[0], Why.ACCOUNT) if rows else ""

    def _usable(self, row: Mapping[str, Any], reason: Why) -> str:
        found = normalize.read("name", lambda: normalize.text(row["Id"]))
        if row.get("Active") is False:
            raise Refused("it was made inactive in QuickBooks", reason=reason, id=found)
        return found

    def _create(self, entity: str, body: Mapping[str, Any], name: str, key: str) -> str:
        made = self._client.create(entity, body, sha256(f"{key}:{entity}:{name}".encode()).hexdigest()[:40])
        return normalize.read(entity, lambda: normalize.text(made["Id"]))


def clean(name: str) -> str:
    """Colons stand between a customer and its parts; tabs and line ends are not taken."""
    return " ".join(name.replace(":", " ").split())[:LONGEST]


def spellings(entity: str, name: str, currency: str, own: str) -> Iterator[str]:
    """The names to try, in this order: one per currency, and one more where something else is called so."""
    first = clean(name) if currency == own else f"{clean(name)} ({currency})"
    yield first
    yield f"{first} - {entity.lower()}"
