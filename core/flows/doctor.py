"""What must always hold, each as a question to the database. Reads only."""

from dataclasses import dataclass

from sqlalchemy import Connection

from core.store import row_locks
from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Check:
    """`finds` counts what breaks the rule; `next_step` says what to do then."""

    name: str
    finds: str
    next_step: str


# The listings that share a SKU in quota, where nothing is under way about any of them: what is being told, confirmed, raised or given back,
# or cannot be told now, is dealt again.
RESTING = """
with owners as (
  select k.merchant, k.sku, l.id, l.connection, l.place, p.units, coalesce(l.holds, l.shown) as holds, l.share, l.cap, l.stopped,
         coalesce(l.buffer, c.buffer) as buffer,
         l.shown is null or l.changed > l.told or l.accepted_at is not null or l.raise_from is not null or l.rests_until is not null
           or l.problem is not null or c.state <> 'active'
           or exists (select 1 from pushes u where u.listing_id = l.id and u.told_at is null)
           or exists (select 1 from tasks t where t.merchant = c.merchant and t.kind = 'publish_stock' and t.subject = c.id
                      and t.state in ('due', 'running', 'parked')) as restless
  from skus k join listing_parts p on p.merchant = k.merchant and p.sku = k.sku
  join listings l on l.id = p.listing_id join connections c on c.id = l.connection
  where k.quota and l.writable is null and l.shown_at > 0 and c.live_at is not null and c.state <> 'disconnected'),
resting as (
  select o.*, (select coalesce(sum(v.on_hand - v.reserved), 0) from place_locations m
               join levels v on v.merchant = o.merchant and v.sku = o.sku and v.location = m.location
               where m.connection = o.connection and m.place = o.place) as free
  from owners o where not exists (select 1 from owners r where r.merchant = o.merchant and r.sku = o.sku and r.restless))
"""
# For each set of locations that a listing sells from: all listings that sell from these alone hold no more of a SKU than is free there.
# Sets that only several listings make up together are not looked at.
CROWDED = """
select count(*) from (
  select mine.id, mine.sku from resting mine join resting other on other.merchant = mine.merchant and other.sku = mine.sku
  where not exists (
    select 1 from place_locations b where b.connection = other.connection and b.place = other.place and not exists (
      select 1 from place_locations a where a.connection = mine.connection and a.place = mine.place and a.location = b.location))
  group by mine.id, mine.sku, mine.free having sum(other.holds * other.units) > mine.free) d
"""
GREEDY = """
select count(distinct id) from resting
  where share > 0 and (stopped or share > cap or (share + buffer) * units > free)
"""

CHECKS = (
    Check(
        "every entry of the books balances",
        "select count(*) from (select p.entry from postings p group by p.entry, p.currency having sum(p.amount) <> 0) d",
        "keep a backup and tell whoever looks after this installation: somebody changed the journal by hand",
    ),
    Check(
        "what stands open in clearing is the sum of its postings",
        """
        select count(*) from items i where i.open <> (
          select coalesce(sum(p.amount), 0) from postings p where p.merchant = i.merchant and p.item = i.item and p.account = 'clearing'
            and p.connection = i.connection and p.gateway = i.gateway and p.currency = i.currency)
        """,
        "keep a backup and tell whoever looks after this installation: somebody changed the journal by hand",
    ),
    Check(
        "every document that a ledger shall have has a task",
        """
        select count(*) from documents c where c.state in ('wanted', 'asked') and not exists (
          select 1 from tasks t where t.merchant = c.merchant and t.kind = 'post_document' and t.subject = c.id
            and t.state in ('due', 'running', 'parked'))
        """,
        "try these documents again from the page of ledgers",
    ),
    Check(
        "open shipments hold what their orders say that they hold",
        """
        select count(*) from (
          select l.order_id, l.line from order_lines l
          left join shipments s on s.order_id = l.order_id and s.state in ('released', 'packed', 'labelled')
            and s.again is null
          left join shipment_lines n on n.shipment = s.id and n.line = l.line
          where l.released <> 0 or n.units is not null group by l.order_id, l.line, l.released
          having l.released <> coalesce(sum(n.units), 0)) d
        """,
        "look at these orders' shipments: units would be sent twice, or never",
    ),
    Check(
        "whoever is asked to send a shipment is asked for what it holds",
        """
        select count(*) from (
          select s.id from shipments s
          left join requests q on q.shipment = s.id and q.state in ('wanted', 'asked', 'accepted', 'withdrawing')
          left join request_lines n on n.request = q.id
          where s.way = 'request' and s.state in ('released', 'packed', 'labelled') group by s.id
          having coalesce(sum(n.units - n.sent - n.refused), 0)
            <> (select coalesce(sum(i.units), 0) from shipment_lines i where i.shipment = s.id)) d
        """,
        "look at these requests: units would be sent twice, or nobody is asked for them",
    ),
    Check(
        "what left in shipments left once",
        """
        select count(*) from (
          select l.order_id, l.line from order_lines l left join shipments s on s.order_id = l.order_id and s.state = 'sent'
            and s.again is null
          left join shipment_lines n on n.shipment = s.id and n.line = l.line
          where l.sent <> 0 or n.units is not null group by l.order_id, l.line, l.sent having l.sent <> coalesce(sum(n.units), 0)) d
        """,
        "look at these orders' shipments: their stock may be wrong",
    ),
    Check(
        "what goes once more is reserved until it left",
        """
        select count(*) from shipments s where s.again is not null and (s.state in ('released', 'packed', 'labelled')) <> exists (
          select 1 from reservations r where r.order_id = s.order_id and r.line = s.id)
        """,
        "take these shipments apart, and have what is to go sent once more anew",
    ),
    Check(
        "who goes in another's parcel goes with it",
        """
        select count(*) from shipments s left join shipments l on l.id = s.goes_with
        where s.goes_with is not null and s.state in ('released', 'packed', 'labelled')
          and (l.id is null or l.goes_with is not null or l.state not in ('released', 'packed', 'labelled') or l.location <> s.location)
        """,
        "have these shipments go alone again: crossdock shipments part",
    ),
    Check(
        "a parcel has at most one live label, and its shipment knows it",
        """
        select count(*) from parcels p left join purchases u on u.id = p.purchase
        where p.purchase is not null and (u.id is null or u.shipment <> p.shipment or u.state not in ('asked', 'bought', 'voiding'))
        """,
        "compare these parcels with the carrier's own account before anything is bought",
    ),
    Check(
        "a shipment with a label that is not wanted is being taken apart",
        """
        select count(*) from shipments s join purchases u on u.shipment = s.id and u.state in ('bought', 'voiding')
        where s.state = 'cancelled'
        """,
        "void these labels in the carrier's own account",
    ),
    Check(
        "every paper that waits for a printer has a task",
        """
        select count(distinct j.station) from print_jobs j left join tasks t on t.merchant = j.merchant and t.kind = 'print_papers'
          and t.subject = j.station and t.state in ('due', 'running', 'parked')
        where j.state = 'waiting' and t.id is null
        """,
        "have these printers tried again: crossdock printers retry NAME",
    ),
    Check(
        "no paper of a printer that is gone waits",
        """
        select count(*) from print_jobs j left join stations s on s.id = j.station and s.state = 'active'
        where j.state = 'waiting' and s.id is null
        """,
        "print these papers at another printer",
    ),
    Check(
        "a tote holds what has not left",
        "select count(*) from shipments where tote is not null and state in ('sent', 'cancelled')",
        "crossdock shipments tote TOTE --free",
    ),
    Check(
        "no payment is captured twice",
        "select count(*) from (select order_id from captures where state = 'done' group by order_id having count(*) > 1) d",
        "compare these orders' payments with their channel, and give back what was taken twice",
    ),
    Check(
        "what left authorized is captured, or somebody is told why not",
        """
        select count(*) from orders o left join captures c on c.order_id = o.id and c.state in ('wanted', 'asked')
        where (c.id is not null and not exists (
            select 1 from tasks t where t.merchant = c.merchant and t.kind = 'capture_payments'
              and t.subject = o.connection || '/' || o.channel_id and t.state in ('due', 'running', 'parked')))
          or (o.payment = 'authorized' and not exists (select 1 from captures d where d.order_id = o.id)
            and exists (select 1 from order_lines l where l.order_id = o.id and l.sent > 0))
        """,
        "crossdock orders capture ORDER looks again",
    ),
    Check(
        "every order is here once",
        "select count(*) from (select connection, channel_id from orders group by connection, channel_id having count(*) > 1) d",
        "restore the unique key of orders and remove the copies",
    ),
    Check(
        "reserved units are the sum of reservations",
        """select count(*) from (
             select v.merchant, v.sku, v.location from levels v left join reservations r
               on r.merchant = v.merchant and r.sku = v.sku and r.location = v.location
             group by v.merchant, v.sku, v.location, v.reserved having v.reserved <> coalesce(sum(r.units), 0)) d""",
        "crossdock reconcile --mend settles every open order again",
    ),
    Check(
        "on hand is the sum of movements",
        """select count(*) from (
             select v.merchant, v.sku, v.location from levels v left join movements m
               on m.merchant = v.merchant and m.sku = v.sku and m.location = v.location
             group by v.merchant, v.sku, v.location, v.on_hand having v.on_hand <> coalesce(sum(m.units), 0)) d""",
        "count the SKU: the count becomes its movement",
    ),
    Check(
        "damaged units are the sum of movements",
        """select count(*) from (
             select v.merchant, v.sku, v.location from levels v left join movements m
               on m.merchant = v.merchant and m.sku = v.sku and m.location = v.location
             group by v.merchant, v.sku, v.location, v.damaged having v.damaged <> coalesce(sum(m.damaged), 0)) d""",
        "adjust it: put aside what is damaged, or write it off",
    ),
    Check(
        "what left and came of deliveries is the sum of movements",
        """select count(*) from (
             select n.inbound, n.sku from inbound_lines n join inbounds i on i.id = n.inbound left join locations t on t.id = i.location
             left join movements m on m.merchant = n.merchant and m.sku = n.sku and m.subject = 'inbound/' || n.inbound
             group by n.inbound, n.sku, n.sent, n.received, n.damaged, t.kind
             having n.sent <> coalesce(-sum(case when m.cause in ('dispatched', 'recalled') then m.units end), 0)
               or (coalesce(t.kind, '') <> 'fba'
                 and (n.received <> coalesce(sum(case when m.cause in ('received', 'unreceived') then m.units end), 0)
                   or n.damaged <> coalesce(sum(case when m.cause in ('received', 'unreceived') then m.damaged end), 0)))) d""",
        "look at the delivery's movements, and count its SKUs",
    ),
    Check(
        "nothing is promised that is not there",
        "select count(*) from levels where reserved < 0 or on_hand < reserved",
        "count the SKU",
    ),
    Check(
        "what a line holds is reserved",
        """select count(*) from order_lines l where l.held > 0
           and not exists (select 1 from reservations r where r.order_id = l.order_id and r.line = l.line)""",
        "crossdock reconcile --mend settles every open order again",
    ),
    Check(
        "in quota no more may be sold than there is",
        RESTING + CROWDED,
        "count the SKU, which deals it anew; if it stays, crossdock stock quota SKU --off and report it",
    ),
    Check(
        "no part in quota is more than its listing may show",
        RESTING + GREEDY,
        "count the SKU, which deals it anew; if it stays, crossdock stock quota SKU --off and report it",
    ),
    Check(
        "a copy or a merged order holds nothing",
        """select count(*) from orders o join order_lines l on l.order_id = o.id
           where (o.copy_of <> '' or o.merged_into is not null) and (l.held > 0 or l.hold > 0)""",
        "crossdock orders link ORDER ORIGINAL settles it again",
    ),
    Check(
        "every copy and merged order names an order that is here",
        """select count(*) from orders where (copy_of <> '' or merged_into is not null)
           and (merchant, coalesce(merged_into, copy_of)) not in (select merchant, connection || '/' || channel_id from orders)""",
        "crossdock orders unlink ORDER makes it an order of its own",
    ),
    Check(
        "no worker holds a lease for more than a minute",
        "select count(*) from tasks where state = 'running' and lease_until < :now - 60000000",
        "start the hub or its workers: their sweep takes the tasks back",
    ),
    Check(
        "what is due is done within ten minutes",
        """select count(*) from tasks t where state = 'due' and due_at < :now - 600000000 and queue in ('inside', 'outside')
           and not exists (select 1 from connections c where c.id = t.connection and c.state <> 'active')""",
        "start the hub or its workers, or more of them",
    ),
    Check(
        "every backfill on its way has a task",
        """select count(*) from backfills b where b.phase <> 'done'
           and not exists (select 1 from tasks t where t.merchant = b.merchant and t.kind = 'backfill' and t.subject = b.connection
                           and t.state in ('due', 'running', 'parked'))""",
        "crossdock backfill CONNECTION asks for it again",
    ),
    Check(
        "every notice that waits has a task",
        """select count(*) from inbox i where i.done_at is null and i.ref is not null
           and not exists (select 1 from tasks t where t.merchant = i.merchant and t.kind in ('take_orders', 'take_history', 'comply')
                           and t.subject in (i.ref, i.connection) and t.state in ('due', 'running', 'parked'))""",
        "crossdock reconcile --mend asks for them again",
    ),
    Check(
        "every order has its lines' books",
        """select count(*) from orders o where o.doc not like '%"lines":[]%'
           and not exists (select 1 from order_lines l where l.order_id = o.id)""",
        "crossdock reconcile --mend settles every open order again",
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    broken: int
    next_step: str

    @property
    def ok(self) -> bool:
        return not self.broken


def examine(db: Connection, now: int) -> list[Finding]:
    """Every check's finding, in order."""
    found = [Finding(check.name, int(run(db, check.finds, now=now).scalar_one()), check.next_step) for check in CHECKS]
    return found if db.dialect.name == "sqlite" else [*found, _second_lock(db)]


def _second_lock(db: Connection) -> Finding:
    why = row_locks.why_not(db)
    return Finding("pages cannot see other merchants' rows", int(bool(why)), why)
