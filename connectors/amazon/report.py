"""Amazon's report of all listings: tab-separated lines in whatever charset the marketplace uses, as rows. Pure.

Columns differ from marketplace to marketplace and FR tells no ASIN where a listing was made with an EAN (vendor's tracker, 2021 to
2025); outside UTF-8 Amazon writes "?" for every character that the charset lacks, in SKUs too (same place, 2025-09).
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from connectors.amazon.render import OURS
from connectors.amazon.tables import MARKETPLACES
from core.errors import BadPayload

ASIN_TYPE = b"1"  # product-id-type: 1 ASIN, 2 ISBN, 3 UPC, 4 EAN
CHANNELS = (b"fulfillment-channel", b"fulfilment-channel")
ALIASES = {"windows-31j": "cp932", "shift_jis": "cp932", "sjis": "cp932", "iso-8859-1": "cp1252"}
INCOMPLETE = b"Incomplete"  # what still lacks a price or a condition
MOST = 2**31


class Row(NamedTuple):
    """A listing as one marketplace's report has it. `twin` tells listings apart whose SKUs the report cannot. `doubt`: Amazon
    must be asked for the listing itself, for its ASIN or for its SKU."""

    sku: str
    twin: str
    asin: str
    title: str
    shown: int | None
    fba: bool
    doubt: bool


class Columns(NamedTuple):
    """Where in a line things stand; -1 where a report has no such column."""

    width: int
    sku: int
    quantity: int
    channel: int
    title: int
    asin: int
    product: int
    kind: int
    status: int


def columns(header: bytes) -> Columns:
    """Raises BadPayload where a column is missing without which a listing cannot be told."""
    names = header.rstrip(b"\r\n").split(b"\t")
    at = {name.strip().lower(): index for index, name in enumerate(names)}
    channel = next((at[name] for name in CHANNELS if name in at), -1)
    asin, product, kind = (at.get(name, -1) for name in (b"asin1", b"product-id", b"product-id-type"))
    wanted = {"seller-sku": at.get(b"seller-sku", -1), "quantity": at.get(b"quantity", -1), "fulfillment-channel": channel}
    wanted["asin1"] = max(asin, min(product, kind))
    if missing := [name for name, index in wanted.items() if index < 0]:
        raise BadPayload(f"amazon listings report: there is no column {missing[0]}")
    title, status = at.get(b"item-name", -1), at.get(b"status", -1)
    return Columns(len(names), wanted["seller-sku"], wanted["quantity"], channel, title, asin, product, kind, status)


def charsets(content_type: str, marketplace: str) -> tuple[str, ...]:
    """How to read a document, most likely first: as its content type says; where that says nothing, or nothing that is known, as UTF-8
    and then as the marketplace's reports are written."""
    said = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    name, place = ALIASES.get(said, said), MARKETPLACES.get(marketplace)
    with suppress(LookupError, UnicodeError):  # no charset, or one in which lines cannot be split
        if name and b"\t".decode(name) == "\t":
            return (codecs.lookup(name).name,)
    return "utf-8", "cp932" if place and place.country == "JP" else "cp1252"


def rows(lines: Iterable[bytes], charset: Sequence[str], fba_prefix: str) -> Iterator[Row | None]:
    """One for each line below the header; None for a line that cannot be read. Raises BadPayload for a header that cannot."""
    lines = iter(lines)
    header = next(lines, b"")
    if header.startswith(codecs.BOM_UTF8):
        header, charset = header.removeprefix(codecs.BOM_UTF8), ("utf-8",)
    places, prefix = columns(header), fba_prefix.encode()
    for line in lines:
        fields = line.rstrip(b"\r\n").split(b"\t")
        yield _row(fields, places, charset, prefix) if len(fields) == places.width else None


def _row(fields: list[bytes], at: Columns, charset: Sequence[str], prefix: bytes) -> Row | None:
    sku, shown, channel = _text(fields[at.sku], charset), _quantity(fields[at.quantity]), fields[at.channel].strip()
    asin = _asin(fields, at)
    if not sku or shown == -1 or asin is None:
        return None
    lossy = "?" in sku and charset != ("utf-8",)
    complete = at.status < 0 or fields[at.status] != INCOMPLETE
    title = _title(fields[at.title], charset) if asin and at.title >= 0 else ""
    shown = shown if channel == OURS.encode() else None
    return Row(sku, asin if lossy else "", asin, title, shown, channel.startswith(prefix), lossy or (complete and not asin))


def decoded(raw: bytes, charset: Sequence[str]) -> str | None:
    """By the first charset that fits; None where none does."""
    for name in charset:
        with suppress(UnicodeDecodeError):
            return raw.decode(name)
    return None


def legible(raw: bytes, charset: Sequence[str]) -> str:
    """The same; what fits none is a letter in a text, not in an amount: it is replaced, and the line counts."""
    text = decoded(raw, charset)
    return raw.decode(charset[-1], "replace") if text is None else text


def _title(raw: bytes, charset: Sequence[str]) -> str:
    return _text(raw, charset) or raw.decode(charset[-1], "replace")


def _text(raw: bytes, charset: Sequence[str]) -> str:
    """Empty where no charset fits: the row is then told as one that cannot be read."""
    text = decoded(raw, charset)
    return "" if text is None or "\x00" in text else text


def _quantity(raw: bytes) -> int | None:
    """Units; None where none are told, -1 where it is no number."""
    if not raw:
        return None
    return int(raw) if raw.isdigit() and len(raw) < 11 and int(raw) < MOST else -1


def _asin(fields: list[bytes], at: Columns) -> str | None:
    """Empty where the line tells none; None where what it tells is none."""
    raw = fields[at.asin] if at.asin >= 0 else b""
    if not raw and at.kind >= 0 and at.product >= 0 and fields[at.kind] == ASIN_TYPE:
        raw = fields[at.product]
    return raw.decode() if raw.isalnum() and len(raw) == 10 else None if raw else ""


def is_meant(row: Row, asin: str, sku: str) -> bool:
    """Whether a listing is the one of a row in doubt."""
    return is_like(sku, row.sku) and asin == row.asin if row.asin else sku == row.sku


def is_like(sku: str, told: str) -> bool:
    """Whether a report may have told this SKU so."""
    return len(sku) == len(told) and all(theirs in (ours, "?") for ours, theirs in zip(sku, told, strict=True))
