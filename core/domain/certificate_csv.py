"""A certificate as a file: what each clearing account held, took and gave over some days, and every open item that is left. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from core.domain.money import Money

HEAD = ("part", "account", "gateway", "currency", "order or item", "what", "amount", "since", "expected by", "why")


def text(rows: Iterable[Sequence[str]]) -> str:
    """The file: a head, and a row each."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def guarded(cell: str) -> str:
    """A text that a spreadsheet would take for a formula is shown as text; amounts stay numbers."""
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and not cell[1:2].isdigit()) else cell


def clearing(account: str, gateway: str, parts: Mapping[str, Money]) -> list[tuple[str, ...]]:
    """What one clearing account held, took and gave, a row for each part."""
    return [("clearing", account, gateway, one.currency, "", what, one.text(), "", "", "") for what, one in parts.items()]


def residue(parts: Mapping[str, Money]) -> list[tuple[str, ...]]:
    return [("residue", "", "", currency, "", "clearing less open items", one.text(), "", "", "") for currency, one in parts.items()]
