"""Filters of the list of orders, and its search: what each asks of the database, and which of them leads.

Each filter is a condition. Some have an index in the order of the list ("walk"), some one that gives order ids in no order ("ids"), some
none. What lets few orders through leads: those are read whole and sorted. Otherwise the list is walked along an index, past what the
other filters take out (core/store/order_list.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from core.domain.order import FulfillmentStatus, PaymentStatus
from core.domain.wanted import Wanted
from core.domain.words import Sought, meanings
from core.store.sql import run
from core.store.vault import Box

FEW = 2_000


@dataclass(frozen=True, slots=True)
class Sieve:
    """One filter: a condition on `o`; `walk`: an index that begins with it goes on with placed_at and id; `ids`: a select of the order
    ids, as `id`, that it lets through."""

    name: str
    check: str
    walk: bool = False
    ids: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def _line(condition: str) -> str:
    """Each order is asked by itself (`fence`): a join would begin with all that have the other thing."""
    return f"exists (select 1 from order_lines l where l.order_id = o.id and {condition} {{fence}})"


PARKED = "t.state = 'parked' and t.kind in ('take_orders', 'fetch_orders', 'look_again', 'reserve', 'link_orders')"
WAITS = _line("l.merchant = :merchant and l.waits is not null")
ATTENTION = f"""((o.problems is not null and not o.history) or o.status = 'cancel_requested' or {WAITS}
  or exists (select 1 from tasks t where t.merchant = :merchant and {PARKED} and t.subject = o.connection || '/' || o.channel_id
             {{fence}}))"""
# What is cut out of a subject is cut out first: behind PostgreSQL's second lock no index is asked for what a function makes of other rows.
ATTENTION_IDS = f"""
select o.id from orders o where o.merchant = :merchant and o.problems is not null
union all select o.id from orders o where o.merchant = :merchant and o.status = 'cancel_requested'
union all select l.order_id as id from order_lines l where l.merchant = :merchant and l.waits is not null
union all select o.id
  from (select t.connection, substr(t.subject, length(t.connection) + 2) as channel_id from tasks t
        where t.merchant = :merchant and {PARKED} {{fence}}) parked
  join orders o on o.connection = parked.connection and o.channel_id = parked.channel_id
"""
TAGGED = "exists (select 1 from order_tags g where g.order_id = o.id and g.tag = :tag {fence})"
TAGGED_IDS = "select g.order_id as id from order_tags g where g.merchant = :merchant and g.tag = :tag"
LIES_AT = "exists (select 1 from reservations v where v.order_id = o.id and v.location = :location {fence})"
LIES_AT_IDS = "select v.order_id as id from reservations v where v.merchant = :merchant and v.location = :location"
OF_CHANNEL = "o.connection in (select c.id from connections c where c.merchant = :merchant and c.channel = :channel)"


def _sieves(wanted: Wanted) -> list[Sieve]:
    """The filters that are asked for; those that leave least in a usual shop first."""
    paid, sent = wanted.payment is PaymentStatus.PAID, wanted.fulfillment is FulfillmentStatus.FULFILLED
    known = (
        (wanted.held, Sieve("held", "o.held_at is not null", walk=True)),
        (wanted.tag, Sieve("tag", TAGGED, ids=TAGGED_IDS, values={"tag": wanted.tag})),
        (wanted.attention, Sieve("attention", ATTENTION, ids=ATTENTION_IDS)),
        (wanted.location, Sieve("location", LIES_AT, ids=LIES_AT_IDS, values={"location": wanted.location})),
        (wanted.status, Sieve("status", "o.status = :status", walk=True, values={"status": wanted.status})),
        (wanted.fulfillment, _column("fulfillment", wanted.fulfillment, walk=not sent)),
        (wanted.payment, _column("payment", wanted.payment, walk=not paid)),
        (wanted.connection, Sieve("connection", "o.connection = :connection", walk=True, values={"connection": wanted.connection})),
        (wanted.channel, Sieve("channel", OF_CHANNEL, values={"channel": wanted.channel})),
    )
    return [sieve for asked, sieve in known if asked]


def _column(name: str, value: str | None, *, walk: bool) -> Sieve:
    """Its index leaves out the value that most orders have: the condition must say so."""
    rare = f" and o.{name} <> '{'paid' if name == 'payment' else 'fulfilled'}'" if walk else ""
    return Sieve(name, f"o.{name} = :{name}{rare}", walk=walk, values={name: value})


# ---- a search: each word is a sieve of up to four parts

MINE = "(:buyers or not w.personal)"
SPELLED = """
  select g.sku from connections c join listings g on g.connection = c.id and g.alike = :alike_N where c.merchant = :merchant
  union select g.sku from listing_parts p join listings g on g.id = p.listing_id where p.merchant = :merchant and p.sku = :said_N"""
NUMBERED = "o.name in (:a_N, :b_N, :c_N, :d_N, :e_N, :f_N)"
PARTS: Mapping[str, tuple[str, str]] = {
    "word": (
        f"exists (select 1 from order_words w where w.word = :word_N and w.order_id = o.id and {MINE} {{fence}})",
        f"select w.order_id as id from order_words w where w.word = :word_N and w.merchant || '' = :merchant and {MINE}",
    ),
    "number": (NUMBERED, f"select o.id from orders o where o.merchant = :merchant and {NUMBERED}"),
    "id": (
        "o.channel_id = :said_N",
        "select o.id from connections c join orders o on o.connection = c.id and o.channel_id = :said_N where c.merchant = :merchant",
    ),
    "sku": (
        _line(f"l.sku in ({SPELLED})"),
        f"select l.order_id as id from ({SPELLED}) as s join order_lines l on l.merchant = :merchant and l.sku = s.sku",
    ),
}


def _values(number: int, one: Sought, box: Box) -> dict[str, Any]:
    forms = (*one.numbers, *[one.numbers[-1]] * 5)
    named = {f"{letter}_{number}": form for letter, form in zip("abcdef", forms, strict=False)}
    return named | {f"word_{number}": box.index(one.word), f"said_{number}": one.said, f"alike_{number}": one.said.lower()}


def _part(number: int, kind: str, one: Sought, box: Box) -> Sieve:
    check, ids = (text.replace("_N", f"_{number}") for text in PARTS[kind])
    return Sieve(f"{kind}_{number}", check, ids=ids, values=_values(number, one, box))


def _parts(words: Iterable[Sought], box: Box) -> dict[Sought, list[Sieve]]:
    return {one: [_part(number, kind, one, box) for kind in PARTS] for number, one in enumerate(dict.fromkeys(words))}


def _either(parts: Sequence[Sieve]) -> Sieve:
    """One word, by all the ways in which orders are found by it."""
    return Sieve(
        parts[0].name, f"({' or '.join(part.check for part in parts)})", ids=" union all ".join(part.ids for part in parts),
        values=parts[0].values,
    )  # fmt: skip


# ---- which of the sieves leads


@dataclass(frozen=True, slots=True)
class Plan:
    """How these orders are read: along what, past which other filters. `few`: the leading filter lets no more than FEW through."""

    merchant: str
    lead: Sieve | None
    others: tuple[Sieve, ...]
    few: bool
    wanted: Wanted

    @property
    def is_sparse(self) -> bool:
        """It may pass many orders by before it finds one."""
        return bool(self.others) and not self.few

    @property
    def scope(self) -> str:
        if self.lead is None:
            return "o.merchant = :merchant"
        if self.lead.name == "connection":
            return f"o.merchant || '' = :merchant and {self.lead.check}"
        return f"o.merchant = :merchant and {self.lead.check}"

    @property
    def checks(self) -> str:
        return " and ".join(["true", *(one.check for one in self.others)])

    @property
    def values(self) -> dict[str, Any]:
        said = {name: value for one in (*self.others, self.lead) if one for name, value in one.values.items()}
        return said | {"merchant": self.merchant, "buyers": self.wanted.buyers}


def plan(db: Connection, merchant: str, wanted: Wanted, box: Box) -> Plan | None:
    """How to read them; None where nothing can be found. One statement, none where there is nothing to choose."""
    sieves, meant = _sieves(wanted), meanings(wanted.said)
    parts = _parts((word for words in meant for word in words), box)
    if not wanted.said and (not sieves or (len(sieves) == 1 and sieves[0].walk)):
        return Plan(merchant, sieves[0] if sieves else None, (), False, wanted)
    sizes = _sizes(db, merchant, [*sieves, *(part for some in parts.values() for part in some)], wanted)
    searched = _searched(meant, parts, sizes) if wanted.said else []
    return None if searched is None else _led(merchant, wanted, [*searched, *sieves], sizes)


def _sizes(db: Connection, merchant: str, sieves: Sequence[Sieve], wanted: Wanted) -> dict[str, int]:
    """How many orders each lets through, counted to just beyond FEW; beyond it for those without an index."""
    asked = [one for one in sieves if one.walk or one.ids]
    counts = ", ".join(f"(select count(*) from ({_some(one)} limit :most) as found) as {one.name}" for one in asked)
    values = {name: value for one in asked for name, value in one.values.items()}
    bounds = {"since": wanted.since, "until": wanted.until, "most": FEW + 1, "merchant": merchant, "buyers": wanted.buyers}
    row = run(db, f"select {counts}", **values, **bounds).one() if asked else None
    return {one.name: getattr(row, one.name) if one.walk or one.ids else FEW + 1 for one in sieves}


def _some(one: Sieve) -> str:
    placed = "o.placed_at >= :since and o.placed_at < :until"
    return (
        f"select id from ({one.ids}) as ids"
        if one.ids
        else f"select 1 from orders o where o.merchant = :merchant and {one.check} and {placed}"
    )


def _searched(meant: Sequence[Sequence[Sought]], parts: Mapping[Sought, Sequence[Sieve]], sizes: dict[str, int]) -> list[Sieve] | None:
    """The first meaning of which each word is any order's; `sizes` learns how many its words find together."""
    for words in meant:
        known = [[part for part in parts[word] if sizes[part.name]] for word in words]
        if all(known):
            found = {some[0].name: (_either(some), sum(sizes[part.name] for part in some)) for some in known}
            sizes |= {name: size for name, (_, size) in found.items()}
            return [sieve for sieve, _ in found.values()]
    return None


def _led(merchant: str, wanted: Wanted, sieves: Sequence[Sieve], sizes: Mapping[str, int]) -> Plan:
    """What lets the fewest through leads, where that is few; else what has an index in the list's order."""
    least = min(sieves, key=lambda one: sizes[one.name])
    few = sizes[least.name] <= FEW
    lead = least if few else next((one for one in sieves if one.walk), None)
    return Plan(merchant, lead, tuple(one for one in sieves if one is not lead), few, wanted)
