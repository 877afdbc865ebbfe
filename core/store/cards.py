"""SKUs' cards: what carriers and customs ask of them, their barcodes, and where at a location they lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.cards import ASKED, NAMES, NUMBERS, Card, of_row
from core.store.sql import run, run_set

SKU = {"sku": "text"}
FIELDS = ", ".join(f"k.{name}" for name in NAMES)
Shelf = tuple[str, str]  # SKU, location


@dataclass(frozen=True, slots=True)
class Held:
    """A SKU with its card and its barcodes."""

    sku: str
    title: str
    card: Card
    barcodes: tuple[str, ...] = ()


LOCK = f"""
select o.sku, o.title, {FIELDS.replace("k.", "o.")} from {{rows}} join skus o on o.merchant = r.merchant and o.sku = r.sku
order by o.sku {{lock}}
"""
BARCODES = """
select b.sku, b.barcode from {rows} join barcodes b on b.merchant = r.merchant and b.sku = r.sku order by b.sku, b.barcode
"""


def lock(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, Held]:
    """Those of these that are SKUs of ours, by SKU, locked until the transaction ends."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    if not rows:
        return {}
    found = run_set(db, LOCK, SKU, rows, merchant=merchant).fetchall()
    return _held(db, merchant, found)


def _held(db: Connection, merchant: str, found: Sequence[Any]) -> dict[str, Held]:
    coded = barcodes(db, merchant, [row.sku for row in found])
    return {row.sku: Held(row.sku, row.title, of_row(row), coded.get(row.sku, ())) for row in found}


def barcodes(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The barcodes of these SKUs that have some."""
    made: dict[str, tuple[str, ...]] = {}
    rows = [{"sku": sku} for sku in skus]
    for row in run_set(db, BARCODES, SKU, rows, merchant=merchant) if rows else ():
        made[row.sku] = (*made.get(row.sku, ()), row.barcode)
    return made


PAGE = f"select k.sku, k.title, {FIELDS} from skus k where k.merchant = :merchant and k.sku > :after order by k.sku limit :most"
ONE = f"select k.sku, k.title, {FIELDS} from skus k where k.merchant = :merchant and k.sku = :sku"


def page(db: Connection, merchant: str, after: str, most: int) -> list[Held]:
    """SKUs in their order, behind `after`."""
    return list(_held(db, merchant, run(db, PAGE, merchant=merchant, after=after, most=most).fetchall()).values())


def one(db: Connection, merchant: str, sku: str) -> Held | None:
    return _held(db, merchant, run(db, ONE, merchant=merchant, sku=sku).fetchall()).get(sku)


KINDS = {name: "int" if name in NUMBERS else "bigint" if name == "cost" else "text" for name in NAMES}
WRITE = f"""
update skus set {", ".join(f"{name} = r.{name}" for name in NAMES)} from {{rows}}
where skus.merchant = :merchant and skus.sku = r.sku
"""


def write(db: Connection, merchant: str, cards: Mapping[str, Card]) -> None:
    """These cards as a whole, by SKU. Their rows are locked."""
    rows = [{"sku": sku, **asdict(card)} for sku, card in sorted(cards.items())]
    if rows:
        run_set(db, WRITE, SKU | KINDS, rows, merchant=merchant)


CODE = {"barcode": "text", "sku": "text"}
TAKEN = """
select b.barcode, b.sku from {rows} left join barcodes b on b.merchant = r.merchant and b.barcode = r.barcode
"""
UNCODE = "delete from barcodes where merchant = :merchant and (barcode, sku) in (select r.barcode, r.sku from {rows})"
ENCODE = """
insert into barcodes (merchant, barcode, sku) select :merchant, r.barcode, r.sku from {rows} where true on conflict do nothing
"""


def owners(db: Connection, merchant: str, codes: Iterable[str]) -> dict[str, str]:
    """The SKU of each of these barcodes that one has."""
    rows = [{"barcode": code} for code in sorted(set(codes))]
    found = run_set(db, TAKEN, {"barcode": "text"}, rows, merchant=merchant) if rows else ()
    return {row.barcode: row.sku for row in found if row.sku is not None}


def uncode(db: Connection, merchant: str, gone: Iterable[tuple[str, str]]) -> None:
    """(barcode, SKU): they are no barcodes of these any more. Whoever says so has them found anew."""
    rows = [dict(zip(CODE, one, strict=True)) for one in sorted(gone)]
    if rows:
        run_set(db, UNCODE, CODE, rows, merchant=merchant)


def encode(db: Connection, merchant: str, new: Iterable[tuple[str, str]]) -> None:
    """(barcode, SKU): from now on. One that another SKU has stays its own. Whoever says so has them found anew."""
    rows = [dict(zip(CODE, one, strict=True)) for one in sorted(new)]
    if rows:
        run_set(db, ENCODE, CODE, rows, merchant=merchant)


BINS = "select b.sku, b.location, b.bin from {rows} left join bins b on b.merchant = r.merchant and b.sku = r.sku order by 1, 2"
BIN = {"sku": "text", "location": "text", "bin": "text"}
PUT = """
insert into bins (merchant, sku, location, bin) select :merchant, r.sku, r.location, r.bin from {rows} where true
on conflict (merchant, sku, location) do update set bin = excluded.bin
"""
CLEAR = "delete from bins where merchant = :merchant and (sku, location) in (select r.sku, r.location from {rows})"


def bins(db: Connection, merchant: str, skus: Iterable[str]) -> dict[Shelf, str]:
    """Where these SKUs lie, by (SKU, location)."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, BINS, SKU, rows, merchant=merchant) if rows else ()
    return {(row.sku, row.location): row.bin for row in found if row.sku is not None}


def put(db: Connection, merchant: str, places: Mapping[Shelf, str]) -> None:
    """They lie there from now on; "": nobody says where."""
    rows = [{"sku": sku, "location": location, "bin": said} for (sku, location), said in sorted(places.items())]
    kept, gone = [row for row in rows if row["bin"]], [row for row in rows if not row["bin"]]
    if kept:
        run_set(db, PUT, BIN, kept, merchant=merchant)
    if gone:
        run_set(db, CLEAR, BIN, gone, merchant=merchant)


# Those that are sold, or lie on a shelf: nobody writes a label for the others. Read in their order, by their key.
IS_USED = """
(exists (select 1 from listing_parts p where p.merchant = k.merchant and p.sku = k.sku)
 or exists (select 1 from levels v where v.merchant = k.merchant and v.sku = k.sku and v.on_hand > 0))
"""
LACKING = f"""
select k.sku, k.title, {FIELDS} from skus k
where k.merchant = :merchant and k.sku > :after and ({{blank}}) and {IS_USED} order by k.sku limit :most
"""


def lacking(db: Connection, merchant: str, what: str = "", after: str = "", most: int = 50) -> list[Held]:
    """SKUs that are sold or on hand, and of which a label will lack `what` (a name of `cards.ASKED`; "": any of them)."""
    names = ASKED[what] if what else tuple(name for some in ASKED.values() for name in some)
    statement = LACKING.replace("{blank}", " or ".join(f"k.{name} is null" for name in names))
    rows = run(db, statement, merchant=merchant, after=after, most=most)
    return [Held(row.sku, row.title, of_row(row)) for row in rows]


NAMED = {"listing": "text", "sku": "text"}
SOLD_ALONE = f"""
select r.listing, r.sku as theirs, k.sku, k.title, {FIELDS} from {{rows}}
left join listings l on l.connection = :connection and l.listing = r.listing and l.sku = r.sku and l.merchant || '' = :merchant
left join listing_parts p on p.listing_id = l.id and p.units = 1
  and not exists (select 1 from listing_parts q where q.listing_id = p.listing_id and q.sku <> p.sku)
left join skus k on k.merchant = p.merchant and k.sku = p.sku
"""


def sold_alone(db: Connection, merchant: str, connection: str, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Held]:
    """The SKU of each of these listings (listing, SKU as its channel spells it) that sells one unit of one SKU, without its barcodes."""
    rows = [dict(zip(NAMED, name, strict=True)) for name in sorted(set(names))]
    found = run_set(db, SOLD_ALONE, NAMED, rows, merchant=merchant, connection=connection) if rows else ()
    return {(row.listing, row.theirs): Held(row.sku, row.title, of_row(row)) for row in found if row.sku is not None}


WEIGHTS = "select s.sku, s.weight_g from {rows} left join skus s on s.merchant = r.merchant and s.sku = r.sku"


def weights(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, int | None]:
    """Grams of one of each of these; None where nobody said it."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return {row.sku: row.weight_g for row in (run_set(db, WEIGHTS, {"sku": "text"}, rows, merchant=merchant) if rows else ()) if row.sku}


DECLARED = f"select k.sku, {FIELDS} from {{rows}} left join skus k on k.merchant = r.merchant and k.sku = r.sku"


def declared(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, Card]:
    """What customs and carriers are told of these."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return {row.sku: of_row(row) for row in (run_set(db, DECLARED, SKU, rows, merchant=merchant) if rows else ()) if row.sku}
