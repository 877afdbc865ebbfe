"""Credit notes set against invoices. An allocation has no number and no page of its own: it is known by its credit note and its invoice,
and our id of it is both."""

from collections.abc import Iterator, Mapping, Sequence

from connectors.xero import normalize, render
from connectors.xero.client import Body, Client, listed, steps
from core.domain.ledgers import Document, Posted, Why
from core.errors import BadPayload, OutcomeUnknown, Refused


class Allocations:
    """One connection's. `page_url` is where Xero's own pages are."""

    def __init__(self, client: Client, page_url: str) -> None:
        self._client, self._page_url = client, page_url

    def post(self, document: Document, key: str) -> Posted:
        path = steps("CreditNotes", document.by, "Allocations")
        answer = self._client.write("PUT", path, {"Allocations": [render.allocation(document)]}, key)
        try:
            (made,) = listed(answer, "Allocations")
            return normalize.allocation(made, document.by, document.currency, self._page_url)
        except (BadPayload, ValueError) as error:  # it is done, whatever we cannot read of it: then it is looked for
            raise OutcomeUnknown("Xero's answer to an allocation cannot be read") from error

    def find(self, document: Document) -> Posted | None:
        """What is set of this credit against this invoice on that day, to the cent."""
        of = f"{document.by}/{document.of}"
        found = (self._posted(credit, one) for credit, one in self._all_of(of) if normalize.day(one["Date"]) == document.on)
        return next((one for one in found if one.total == document.total), None)

    def look(self, ids: Sequence[str]) -> Mapping[str, Posted]:
        return {one: self._seen(one) for one in ids}

    def void(self, posted: Posted, key: str) -> Posted:
        self._client.calls.pay(2)
        found = next(self._all_of(posted.id), None)
        if found is None:
            return normalize.absent(posted.id)
        if self._posted(*found).shape != posted.shape:
            raise Refused("somebody changed it in Xero", reason=Why.STALE)
        credit, _, _ = posted.id.partition("/")
        self._client.delete(steps("CreditNotes", credit, "Allocations", normalize.allocation_id(found[1])), key)
        return normalize.absent(posted.id)

    def _seen(self, name: str) -> Posted:
        found = next(self._all_of(name), None)
        return self._posted(*found) if found else normalize.absent(name)

    def _posted(self, credit: Body, one: Body) -> Posted:
        return normalize.allocation(one, normalize.credit_id(credit), normalize.currency(credit), self._page_url)

    def _all_of(self, name: str) -> Iterator[tuple[Body, Body]]:
        """(the credit note, an allocation) for each that stands between these two."""
        credit, _, invoice = name.partition("/")
        for said in self._credit(credit):
            yield from ((said, one) for one in normalize.allocations(said) if normalize.allocated_to(one) == invoice)

    def _credit(self, name: str) -> Sequence[Body]:
        try:
            return listed(self._client.read(steps("CreditNotes", name)), "CreditNotes")
        except Refused as error:
            if error.facts.get("status") != 404:
                raise
            return []
