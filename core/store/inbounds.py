"""Goods on their way to our locations: deliveries with their lines, and what is expected of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.inbound import Kind, Line, State
from core.store import costs
from core.store.sql import run, run_set


@dataclass(frozen=True, slots=True)
class Inbound:
    """A delivery with its lines, by SKU."""

    id: str
    kind: Kind
    state: State
    location: str
    location_name: str
    location_kind: str
    source: str | None
    source_name: str
    sender: str
    reference: str
    note: str
    expected_at: int | None
    created_at: int
    sent_at: int | None
    ended_at: int | None
    name: str
    lines: Mapping[str, Line]


HEAD = """
select o.id, o.kind, o.state, o.location, t.name as location_name, t.kind as location_kind, o.source, f.name as source_name, o.sender,
  o.reference, o.note, o.expected_at, o.created_at, o.sent_at, o.ended_at, o.name
from inbounds o left join locations t on t.id = o.location left join locations f on f.id = o.source
"""
ONE = f"{HEAD} where o.id = :id and o.merchant = :merchant"
LOCK = "select o.id from inbounds o where o.id = :id and o.merchant = :merchant {lock}"
LINES = """
select n.sku, n.units, n.sent, n.received, n.damaged from inbound_lines n
where n.inbound = :id and n.merchant || '' = :merchant order by n.sku
"""


def one(db: Connection, merchant: str, id: str, *, lock: bool = False) -> Inbound | None:
    """Locked until the transaction ends, where it is to be changed."""
    if lock and run(db, LOCK, id=id, merchant=merchant).first() is None:
        return None
    row = run(db, ONE, id=id, merchant=merchant).first()
    if row is None:
        return None
    lines = [Line(line.sku, line.units, line.sent, line.received, line.damaged) for line in run(db, LINES, id=id, merchant=merchant)]
    return Inbound(
        row.id, Kind(row.kind), State(row.state), row.location, row.location_name or "", row.location_kind or "", row.source,
        row.source_name or "", row.sender, row.reference, row.note, row.expected_at, row.created_at, row.sent_at, row.ended_at, row.name,
        {line.sku: line for line in lines},
    )  # fmt: skip


# A page of heads with the sums of their lines.
PAGE = """
select o.id, o.kind, o.state, o.sender, o.reference, o.expected_at, o.created_at, t.name as location_name, f.name as source_name,
  (select count(*) from inbound_lines n where n.inbound = o.id) as skus,
  (select sum(case when o.kind = 'transfer' and o.state <> 'open' then n.sent else n.units end) from inbound_lines n where n.inbound = o.id)
    as units,
  (select sum(n.received + n.damaged) from inbound_lines n where n.inbound = o.id) as came
from (select g.id, g.kind, g.state, g.location, g.source, g.sender, g.reference, g.expected_at, g.created_at from inbounds g
      where g.merchant = :merchant {state} and (g.created_at, g.id) < (:at, :id)
      order by g.created_at desc, g.id desc limit :most) o
left join locations t on t.id = o.location left join locations f on f.id = o.source order by o.created_at desc, o.id desc
"""
NEWEST = (2**62, "")


def page(db: Connection, merchant: str, states: Sequence[str], behind: tuple[int, str] = NEWEST, most: int = 50) -> list[Any]:
    """The newest deliveries in these states (none: in any) behind (created_at, id), with the sums of their lines."""
    wanted = ", ".join(f":s{number}" for number in range(len(states)))
    statement = PAGE.replace("{state}", f"and g.state in ({wanted})" if states else "")
    given = {f"s{number}": state for number, state in enumerate(states)}
    return list(run(db, statement, merchant=merchant, at=behind[0], id=behind[1], most=most, **given))


ADD = """
insert into inbounds (id, merchant, kind, state, location, source, sender, reference, note, expected_at, created_at, who, name)
values (:id, :merchant, :kind, 'open', :location, :source, :sender, :reference, :note, :expected_at, :now, :who, :name)
"""
EDIT = """
update inbounds set location = :location, source = :source, sender = :sender, reference = :reference, note = :note,
  expected_at = :expected_at where id = :id and merchant = :merchant
"""
LINE = {"sku": "text", "units": "int"}
UNLINE = "delete from inbound_lines where inbound = :id and merchant || '' = :merchant"
ADD_LINES = "insert into inbound_lines (merchant, inbound, sku, units) select :merchant, :id, r.sku, r.units from {rows}"


def add(db: Connection, merchant: str, id: str, head: Mapping[str, Any], lines: Mapping[str, int], now: int) -> None:
    """`head`: kind, location, source, sender, reference, note, expected_at, who, name."""
    run(db, ADD, id=id, merchant=merchant, now=now, **head)
    set_lines(db, merchant, id, lines)


def edit(db: Connection, merchant: str, id: str, head: Mapping[str, Any], lines: Mapping[str, int]) -> None:
    """The same without kind, who and name; all lines are these from now on, at the cost that they had."""
    run(db, EDIT, id=id, merchant=merchant, **head)
    set_lines(db, merchant, id, lines)


def set_lines(db: Connection, merchant: str, id: str, lines: Mapping[str, int]) -> None:
    paid = costs.of_delivery(db, merchant, id)
    run(db, UNLINE, id=id, merchant=merchant)
    rows = [{"sku": sku, "units": units} for sku, units in sorted(lines.items())]
    if rows:
        run_set(db, ADD_LINES, LINE, rows, merchant=merchant, id=id)
    if paid:
        costs.set_of_delivery(db, merchant, id, {sku: one for sku, one in paid.items() if sku in lines})


BECOME = """
update inbounds set state = :state, sent_at = case when :state = 'sent' and sent_at is null then :now when :state = 'open' then null else
  sent_at end, ended_at = case when :state in ('closed', 'cancelled') then :now end
where id = :id and merchant = :merchant
"""
COUNTED = {"sku": "text", "sent": "int", "received": "int", "damaged": "int"}
CHANGE = """
update inbound_lines set sent = inbound_lines.sent + r.sent, received = inbound_lines.received + r.received,
  damaged = inbound_lines.damaged + r.damaged
from {rows} where inbound_lines.inbound = :id and inbound_lines.sku = r.sku and inbound_lines.merchant || '' = :merchant
"""


def become(db: Connection, merchant: str, id: str, state: State, now: int) -> None:
    run(db, BECOME, id=id, merchant=merchant, state=state.value, now=now)


def change(db: Connection, merchant: str, id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """{sku, sent, received, damaged}: so many more of each of its lines, or less."""
    if rows:
        run_set(db, CHANGE, COUNTED, rows, merchant=merchant, id=id)


# What is on its way and did not come yet; of a transfer, what left.
LEFT = """(case when i.kind = 'transfer' then n.sent else n.units end) - n.received - n.damaged"""
# Numbered before anything else of them is read: a SKU may be in hundreds. `coalesce`: lines first, however few deliveries are on their way.
COMING = f"""
select coming.sku, coming.id, w.location, w.expected_at, w.sender, f.name as source_name, coming.left_over as units, coming.all_units from (
  select held.sku, held.id, held.left_over, sum(held.left_over) over (partition by held.sku) as all_units,
    row_number() over (partition by held.sku order by held.expected_at nulls last, held.id) as nth
  from (select n.sku, i.id, i.expected_at, {LEFT} as left_over from {{rows}}
    left join inbound_lines n on n.merchant = r.merchant and n.sku = r.sku
      and (n.units > n.received + n.damaged or n.sent > n.received + n.damaged)
    left join inbounds i on i.id = n.inbound and i.state = 'sent'
    where coalesce(i.id, '') <> '' and {LEFT} > 0) held) coming
left join inbounds w on w.id = coming.id left join locations f on f.id = w.source
where coming.nth <= :most order by coming.sku, coming.nth
"""


def coming(db: Connection, merchant: str, skus: Iterable[str], most: int) -> list[Any]:
    """What of these SKUs is on its way {sku, id, location, expected_at, sender, source_name, units}: so many of the next deliveries of each
    and the units of all (all_units)."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return list(run_set(db, COMING, {"sku": "text"}, rows, merchant=merchant, most=most)) if rows else []
