"""The tables. Money is whole minor units (bigint) with its currency, times are microseconds since 1970 in UTC (bigint):
exact, comparable and the same on both databases. Every table that belongs to a merchant carries the merchant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // ONE


def when(at: int) -> datetime:
    return EPOCH + at * ONE


def _id() -> Column[Any]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _need(name: str, kind: Any = Text, default: str | None = None) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default=text(default) if default is not None else None)


def _may(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


merchants = Table(
    "merchants",
    metadata,
    Column("id", Text, primary_key=True),
    _need("name"),
    _need("data_key"),
    _need("created_at", BigInteger),
    _need("settings", default="'{}'"),  # JSON: zone, locale and what else the merchant chose
)

connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("channel"),
    _need("account"),
    _need("label"),
    _need("state", default="'active'"),  # active, paused, needs_login
    _may("reason"),
    _need("blocked_until", BigInteger, "0"),
    _need("buffer", Integer, "0"),
    _need("settings", default="'{}'"),
    _may("login"),  # sealed
    _may("access"),  # sealed
    _need("access_until", BigInteger, "0"),
    _may("location"),  # ours, where its orders are reserved
    _need("stock_since", BigInteger, "0"),  # goods that left before this moment are not in our counts
    _may("live_at", BigInteger),  # its stock is written once all orders up to then are here, 0: they are; none: it is only watched
    _need("created_at", BigInteger),
    _need("own_map", Boolean, "false"),  # somebody said which of our locations it sells from; else all, where it has one place
    _may("login_until", BigInteger),  # when its login ends unless somebody renews it
    _may("scopes"),  # what the channel lets us do, as it says it
    _may("blind_since", BigInteger),  # since then it could not be read or written, and others leave it what it may sell meanwhile
    _need("role", default="'channel'"),  # channel, carrier, ledger
    UniqueConstraint("channel", "account"),
    Index(None, "merchant"),
)

places = Table(
    "places",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("place"),  # the channel's own id of a stock location
    _need("name", default="''"),
    _need("active", Boolean, "true"),
    _need("service", Boolean, "false"),  # another fulfillment service's: shown, never ours
    _need("decided", Boolean, "false"),  # somebody said what it is: one of ours, or nothing
    _need("seen_at", BigInteger, "0"),
    PrimaryKeyConstraint("connection", "place"),
    Index(None, "merchant"),
)

# Which of our locations a channel's place stands for; place '' is a channel without places, which sells from all that are named.
place_locations = Table(
    "place_locations",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("place"),
    _need("location"),
    PrimaryKeyConstraint("connection", "location"),
    Index(None, "merchant"),
)

marks = Table(
    "marks",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("name"),
    _need("at", BigInteger, "0"),
    _may("cursor"),
    PrimaryKeyConstraint("connection", "name"),
)

inbox = Table(
    "inbox",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("delivery"),
    _need("topic"),
    _may("ref"),
    _may("revision", BigInteger),
    _may("read_at", BigInteger),  # when we asked the channel for it; none: the channel pushed it
    _may("body", LargeBinary),  # sealed
    _need("received_at", BigInteger),
    _may("done_at", BigInteger),
    _may("outcome"),
    UniqueConstraint("connection", "delivery"),
    Index("ix_inbox_ref", "ref", "id"),
    Index("ix_inbox_received_at", "received_at"),
    Index("ix_inbox_kept", "ref", **_where("done_at is not null and body is not null")),  # what was read of an order, until it goes
)

tasks = Table(
    "tasks",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection", default="''"),
    _need("kind"),
    _need("subject"),
    _need("queue"),
    _need("state"),  # due, running, parked, done
    _need("due_at", BigInteger),
    _need("asked_at", BigInteger),
    _need("tries", Integer, "0"),
    _need("crashes", Integer, "0"),
    _need("generation", Integer, "0"),
    _need("again", Boolean, "false"),
    _may("lease_until", BigInteger),
    _may("done_at", BigInteger),
    _may("cause"),
    _may("detail"),
    _may("words"),  # sealed
    Index("uq_tasks_open", "merchant", "kind", "subject", unique=True, **_where("state in ('due', 'running', 'parked')")),
    Index("ix_tasks_due", "queue", "merchant", "connection", "kind", "due_at", **_where("state = 'due'")),
    Index("ix_tasks_running", "lease_until", **_where("state = 'running'")),
    Index("ix_tasks_parked", "merchant", **_where("state = 'parked'")),
    Index("ix_tasks_done", "done_at", **_where("state = 'done'")),
)

events = Table(
    "events",
    metadata,
    _id(),
    _need("merchant"),
    _need("subject"),
    _need("kind"),
    _need("body"),
    _need("at", BigInteger),
    _need("caused_by"),
    Index(None, "subject", "id"),
    Index(None, "merchant", "id"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("channel_id"),
    _need("name"),
    _need("revision", BigInteger),
    _need("digest"),
    _need("placed_at", BigInteger),
    _need("currency"),
    _need("total", BigInteger),
    _need("doc"),  # the canonical order without its person
    _may("person"),  # sealed
    _may("person_until", BigInteger),
    _may("problems"),
    _need("taken_at", BigInteger),
    _need("saved_at", BigInteger),
    _may("read_at", BigInteger),  # when we asked the channel for this copy; none: the channel pushed it
    _may("source_id"),  # the order of another system that it says it is
    _may("copy_of"),  # the ref of our order that it is another sight of: it is shown, and moves nothing
    _may("merged_into"),  # the ref of the order that holds its lines now
    _need("history", Boolean, "false"),  # it came with the backfill and was over by then: it reserves, tells and books nothing
    _may("status"),  # what `doc` says, and on_hold where we hold it, so that orders can be found by it; none: not written down yet
    _may("payment"),
    _may("fulfillment"),
    _may("units", Integer),  # ordered on all lines; for lists too, like `test`
    _need("test", Boolean, "false"),
    _may("held_at", BigInteger),  # one of the staff stopped it then
    _may("held_why"),  # a word of core/domain/holds.py
    _may("ship_by", BigInteger),  # what `doc` says: by then it must have left
    _may("pay_until", BigInteger),  # what is authorized must be captured by then
    _may("ship_to"),  # sealed: the address as one of us corrected it
    _may("ship_to_was"),  # a keyed hash of the channel's address that it was corrected from
    _may("parts"),  # whole, parts: what one of us said of this order, whatever the rule is
    _may("destination"),  # the country that it goes to, and its region ("US-CA"): kept when the address is not any more
    UniqueConstraint("connection", "channel_id"),
    Index(None, "merchant", "placed_at", "id"),
    Index("ix_orders_person_until", "person_until", **_where("person is not null")),
    Index("ix_orders_problems", "merchant", **_where("problems is not null")),
    Index(None, "connection", "placed_at", "id"),
    Index("ix_orders_status", "merchant", "status", "placed_at", "id"),
    Index("ix_orders_odd", "merchant", "saved_at", **_where("problems is not null")),
    Index("ix_orders_ship_by", "merchant", "ship_by", **_where("ship_by is not null")),
    Index("ix_orders_pay_until", "merchant", "pay_until", **_where("pay_until is not null")),
    Index(None, "merchant", "name"),
    Index("ix_orders_payment", "merchant", "payment", "placed_at", "id", **_where("payment <> 'paid'")),
    Index("ix_orders_fulfillment", "merchant", "fulfillment", "placed_at", "id", **_where("fulfillment <> 'fulfilled'")),
    Index("ix_orders_held", "merchant", "placed_at", "id", **_where("held_at is not null")),
    Index("ix_orders_source_id", "merchant", "source_id", **_where("source_id is not null")),
)

order_lines = Table(
    "order_lines",
    metadata,
    _need("merchant"),
    _need("order_id"),
    _need("line"),
    _may("listing"),
    _may("sku"),
    _need("hold", Integer),  # units that should be reserved, by the order's own facts
    _need("gone", Integer),  # units that should have left the shelf
    _need("back", Integer),  # units that should have come back
    _need("held", Integer, "0"),  # what of these is booked
    _need("booked_gone", Integer, "0"),
    _need("booked_back", Integer, "0"),
    _may("back_to"),  # the channel's location that returned units came to
    _need("ships", Boolean, "true"),  # goods that somebody sends: without a map they wait for one
    _may("waits"),  # mapping, stock
    _may("assigned"),  # JSON {our location: units} that the channel says shall be sent from there; none: it did not say
    _may("merge_key"),  # the line's id, where the channel may list it in another order one day
    _may("ours"),  # JSON {our location: units} that one of us said shall be sent from there
    _may("decided"),  # what one of us said of units that are not there: backorder, partial
    _need("released", Integer, "0"),  # units in shipments that have not left yet
    _need("sent", Integer, "0"),  # units in shipments of ours that left
    PrimaryKeyConstraint("order_id", "line"),
    Index("ix_order_lines_to_release", "merchant", "order_id", **_where("held > released and ships")),
    Index(None, "merchant", "sku", "order_id"),
    Index("ix_order_lines_waits", "merchant", "waits", **_where("waits is not null")),
    Index("ix_order_lines_waiting", "merchant", "order_id", "waits", **_where("waits is not null")),
    Index("ix_order_lines_waited_for", "merchant", "listing", "sku", **_where("waits is not null")),
    Index("ix_order_lines_merge_key", "merchant", "merge_key", **_where("merge_key is not null")),
)

listings = Table(
    "listings",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("listing"),
    _need("sku"),  # the channel's exact spelling
    _need("place", default="''"),  # the channel's location whose stock this row is; '': the channel has none, or the row none
    _need("alike", default="''"),  # in small letters, without blanks around
    _need("title", default="''"),
    _need("handle", default="'{}'"),
    _may("writable"),  # why its stock must not be written
    _may("shown", Integer),  # what we believe the channel shows; null: read it first
    _need("heard", BigInteger, "0"),  # counts what the channel's own orders told us of it
    _need("heard_at", BigInteger, "0"),  # when they did last
    _need("shown_from", BigInteger, "0"),  # when the call began that taught us
    _need("shown_at", BigInteger, "0"),  # when its answer was written; 0: nobody ever read this listing
    _need("changed", BigInteger, "0"),  # counts causes; told is the last one that the channel heard of
    _need("told", BigInteger, "0"),
    _may("since", BigInteger),  # the first sale it has not heard of
    _may("raise_from", BigInteger),  # it shall show more; it is told once the channel's orders are read up to then
    _may("accepted_at", BigInteger),  # the channel said "accepted" and was not read back yet
    _may("accepted_as"),  # what it said then, for asking what became of it
    _may("problem"),
    _need("revised", Integer, "0"),
    _need("revised_on", default="''"),
    _may("rests_until", BigInteger),  # out of revisions until then
    _need("found_at", BigInteger, "0"),  # when the channel's catalogue first listed it; 0: only an order named it
    _need("seen_at", BigInteger, "0"),  # when it last did
    _need(
        "figure_at", BigInteger, "0"
    ),  # what we believe it shows was so at this moment at the latest: it is raised once orders are read past that
    _need("compared", BigInteger, "0"),  # what `changed` counted when it was last read back and held against what we believe
    _may("sought", Integer),  # the units committed there for which its orders were looked for already
    _need("mapped", Boolean, "false"),  # it has parts
    _may("buffer", Integer),  # units that are kept back of it; none: as many as its connection keeps
    _may("cap", Integer),  # it never shows more
    _need("stopped", Boolean, "false"),  # it shows none, whatever there is
    _may("share", Integer),  # units that it is dealt of SKUs in quota
    _may("holds", Integer),  # units that it may sell until it is known to show less
    _may("ahead", Integer),  # days from now whose expected goods it may sell already; none: what lies here only
    _need("backorder", Integer, "0"),  # units that it may sell beyond that
    _need("alone", Boolean, "false"),  # all its parts must lie at one location
    _may("item"),  # the channel's name of what it counts, where its notices name that
    _may("uncovered"),  # why it goes on selling though it shows none: a word of core/domain/promise.py
    _need("urgent", Boolean, "false"),  # it ran out when its stock last moved: it is told before others
    _need("exploded_by", default="'hub'"),  # who says which parts leave: hub (by its map), channel (it lists them as lines of their own)
    UniqueConstraint("connection", "listing", "sku", "place"),
    Index(None, "connection", "alike"),
    Index("ix_listings_dirty", "connection", **_where("changed > told")),
    Index("ix_listings_accepted", "connection", **_where("accepted_at is not null")),
    Index("ix_listings_resting", "connection", **_where("rests_until is not null")),
    Index("ix_listings_raising", "connection", **_where("raise_from is not null")),
    Index("ix_listings_unmapped", "connection", "id", **_where("not mapped")),
    Index("ix_listings_ahead", "connection", **_where("ahead is not null")),
    Index("ix_listings_problem", "connection", "id", **_where("problem is not null")),
    Index("ix_listings_item", "connection", "item", **_where("item is not null")),
    Index("ix_listings_uncovered", "merchant", "id", **_where("uncovered is not null")),
    Index(None, "merchant", "id"),
)

listing_parts = Table(
    "listing_parts",
    metadata,
    _need("merchant"),
    _need("listing_id", BigInteger),
    _need("sku"),
    _need("units", Integer, "1"),
    PrimaryKeyConstraint("listing_id", "sku"),
    Index(None, "merchant", "sku"),
)

skus = Table(
    "skus",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("title", default="''"),
    _need("created_at", BigInteger),
    _need("quota", Boolean, "false"),  # each listing owns a part of it; else all of them show the pool
    _may("weight_g", Integer),  # its card: what carriers and customs ask
    _may("length_mm", Integer),
    _may("width_mm", Integer),
    _may("height_mm", Integer),
    _may("hs_code"),
    _may("origin"),  # country, two letters
    _may("customs"),  # what customs read of it
    _may("cost", BigInteger),
    _may("cost_currency"),
    _may("picture"),
    PrimaryKeyConstraint("merchant", "sku"),
)

barcodes = Table(
    "barcodes",
    metadata,
    _need("merchant"),
    _need("barcode"),
    _need("sku"),
    PrimaryKeyConstraint("merchant", "barcode"),
    Index(None, "merchant", "sku"),
)

# Where at a location a SKU lies.
bins = Table(
    "bins",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("location"),
    _need("bin"),
    PrimaryKeyConstraint("merchant", "sku", "location"),
)

# By which words a SKU is found: those of its spelling and its title in small letters, and either as a whole ("=", "~" before it).
sku_words = Table(
    "sku_words",
    metadata,
    _need("merchant"),
    _need("word", Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")),  # compared by its letters alone, as SQLite does
    _need("sku"),
    PrimaryKeyConstraint("merchant", "word", "sku"),
    Index(None, "merchant", "sku"),
)

locations = Table(
    "locations",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("name"),
    _need("rank", Integer, "0"),
    _need("kind", default="'own'"),  # own, shop, 3pl, dropship, fba
    _need("ships", Boolean, "false"),  # we release to it what is reserved there, and it sends
    _may("address"),  # JSON: where its parcels come from
    _need("zone", default="''"),  # its own time zone; '': the merchant's
    _may("cutoff"),  # "15:30": what is released later leaves on the next working day
    _may("party"),  # JSON, sealed: how somebody else who sends from here is asked to
    _may("capacity", Integer),  # parcels that leave from here in a day; none: as many as there are
    _may("days"),  # JSON: on which days of the week it works, and its holidays
    UniqueConstraint("merchant", "name"),
)

levels = Table(
    "levels",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("location"),
    _need("on_hand", Integer),
    _need("reserved", Integer, "0"),
    _need("counted_at", BigInteger, "0"),  # the moment of its last count
    _need("safety", Integer, "0"),  # units that no channel is shown
    _need("damaged", Integer, "0"),  # units that lie there beside those on hand and cannot be sold
    PrimaryKeyConstraint("merchant", "sku", "location"),
    Index(None, "merchant", "location"),
    CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("on_hand >= reserved", name="on_hand"),
    CheckConstraint("safety >= 0", name="safety"),
    CheckConstraint("damaged >= 0", name="damaged"),
)

reservations = Table(
    "reservations",
    metadata,
    _need("merchant"),
    _need("order_id"),
    _need("line"),
    _need("sku"),
    _need("location"),
    _need("units", Integer),
    PrimaryKeyConstraint("order_id", "line", "sku", "location"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "merchant", "sku"),
    Index(None, "merchant", "location"),
)

movements = Table(
    "movements",
    metadata,
    _id(),
    _need("merchant"),
    _need("sku"),
    _need("location"),
    _need("units", Integer),  # change of what is on hand
    _need("damaged", Integer, "0"),  # change of what is damaged
    _need("cause"),
    _need("subject"),
    _need("at", BigInteger),
    Index(None, "merchant", "sku", "id"),
)

# Goods on their way to a location of ours: bought, moved from another location, or sent back by a channel's warehouse.
inbounds = Table(
    "inbounds",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("kind"),  # purchase, transfer, removal
    _need("state"),  # open, sent, closed, cancelled
    _need("location"),  # where it goes
    _may("source"),  # our location that it leaves; none: a supplier or a channel's warehouse
    _need("sender", default="''"),  # that one's name
    _need("reference", default="''"),  # what is written on its papers
    _need("note", default="''"),
    _may("expected_at", BigInteger),
    _need("created_at", BigInteger),
    _may("sent_at", BigInteger),
    _may("ended_at", BigInteger),
    _need("who"),
    _need("name"),
    Index(None, "merchant", "created_at", "id"),
    Index("ix_inbounds_open", "merchant", "expected_at", **_where("state in ('open', 'sent')")),
)

inbound_lines = Table(
    "inbound_lines",
    metadata,
    _need("merchant"),
    _need("inbound"),
    _need("sku"),
    _need("units", Integer),  # announced
    _need("sent", Integer, "0"),  # that left `source`
    _need("received", Integer, "0"),  # that came and can be sold
    _need("damaged", Integer, "0"),  # that came and cannot
    _may("cost", BigInteger),  # of one unit, in ten thousandths of the currency's smallest; none: nobody said
    _may("currency"),
    PrimaryKeyConstraint("inbound", "sku"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "merchant", "sku", "inbound"),
)

# What others leave to a channel that cannot be read or written: it may sell so much unseen.
withheld = Table(
    "withheld",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("sku"),
    _need("units", Integer),
    PrimaryKeyConstraint("connection", "sku"),
    Index(None, "merchant", "sku"),
)

# Listings that showed something else than we believed, of which nobody has said yet why: an order on its way, or somebody there.
doubts = Table(
    "doubts",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("listing_id", BigInteger),
    _need("name"),  # the listing's, as findings say it
    _may("theirs", Integer),  # what it showed; none: it is read first
    _need("ours", Integer),  # what we believed
    _may("units", Integer),  # how many more it showed than orders explain; none: nobody knows
    _need("at", BigInteger),  # the moment of `theirs`: orders are read past it before anything is said
    _need("found_at", BigInteger),
    _may("why"),  # somebody is asked, and why; none: orders are read first
    PrimaryKeyConstraint("listing_id"),
    Index(None, "merchant", "found_at"),
    Index(None, "connection", "at"),
)

# What one location sends of an order: released, packed, labelled, sent; or cancelled before it left.
shipments = Table(
    "shipments",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("order_id"),
    _need("number", Integer),  # counts those of an order from 1
    _need("name"),  # what its papers say and the bench scans
    _need("location"),
    _need("state"),
    _need("created_at", BigInteger),
    _may("ship_by", BigInteger),
    _need("person", default="''"),  # a keyed hash of whom it goes to: another one stops it
    _may("connection"),  # the carrier's account that was chosen
    _may("service"),
    _may("problem"),  # a word of core/domain/shipments.py: why it does not go on
    _may("problem_words"),  # sealed: the carrier's own
    _may("packed_at", BigInteger),
    _may("labelled_at", BigInteger),
    _may("sent_at", BigInteger),
    _may("ended_at", BigInteger),  # when it was cancelled
    _need("way", default="'parcel'"),  # parcel, pickup (its buyer fetches it), request (somebody else sends it)
    _may("ready_at", BigInteger),  # a pickup: since then it can be fetched
    _may("collect_until", BigInteger),
    _may("collected_at", BigInteger),
    _may("goes_with"),  # the shipment of another order in whose parcel it goes
    _may("again"),  # why goods are sent once more: no sale is told of it
    _may("tote"),  # what carries its goods to the bench
    _may("address_verdict"),  # what a carrier thinks of its address
    _may("address_better"),  # sealed: how a carrier would write it
    UniqueConstraint("order_id", "number"),
    UniqueConstraint("merchant", "name"),
    Index(None, "merchant", "state", "created_at", "id"),
    Index(None, "merchant", "created_at", "id"),
    Index("ix_shipments_open", "merchant", "ship_by", "id", **_where("state in ('released', 'packed', 'labelled')")),
    Index("ix_shipments_problems", "merchant", "created_at", "id", **_where("problem is not null")),
    Index("ix_shipments_tote", "merchant", "tote", unique=True, **_where("tote is not null")),
    Index("ix_shipments_goes_with", "merchant", "goes_with", **_where("goes_with is not null")),
)

shipment_lines = Table(
    "shipment_lines",
    metadata,
    _need("merchant"),
    _need("shipment"),
    _need("line"),  # the order's
    _need("units", Integer),
    _need("parts"),  # JSON {SKU: units that one unit of the line consumes}
    _need("title"),
    PrimaryKeyConstraint("shipment", "line"),
    CheckConstraint("units > 0", name="units"),
)

parcels = Table(
    "parcels",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("shipment"),
    _need("number", Integer),  # counts those of a shipment from 1
    _need("token"),  # the address of its page for the buyer
    *(_need(name, Integer, "0") for name in ("weight_g", "length_mm", "width_mm", "height_mm")),
    _may("contents"),  # JSON {line: units}; none: all of the shipment
    _may("purchase"),  # the live label it has: there is never another
    _may("tracking"),
    _may("carrier"),  # our connector's name of it; none: typed by hand
    _may("carrier_name"),
    _may("service"),
    _may("url"),
    _may("telling_at", BigInteger),  # the channel was, or may have been, told
    _may("told_at", BigInteger),
    _may("told_as"),  # the channel's own id of it
    _may("told_problem"),
    _may("progress"),
    _may("progress_at", BigInteger),
    _may("expected_on"),
    _may("look_at", BigInteger),  # its carrier is asked then; none: it arrived, or nobody can be asked
    _may("boxed"),  # the merchant's box that was taken
    _may("followed_until", BigInteger),  # its carrier pushes where it is until then
    _may("follow_at", BigInteger),  # it is asked to then
    _may("heard_at", BigInteger),  # when it left, or its carrier last told anything of it
    UniqueConstraint("shipment", "number"),
    UniqueConstraint("token"),
    Index(None, "merchant", "tracking"),
    Index("ix_parcels_looked", "merchant", "look_at", **_where("look_at is not null")),
    Index("ix_parcels_heard", "merchant", "heard_at", **_where("look_at is not null")),
)

# Each time a label was, or may have been, paid for. `id` is the key that the carrier was given.
purchases = Table(
    "purchases",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("shipment"),
    _need("connection"),
    _need("service"),
    _need("state"),  # asked, bought, voiding, voided, kept (it could not be given back), failed
    _need("wish"),  # sealed: what was asked for
    _may("handle"),  # sealed: what voiding and printing again need
    _may("words"),  # sealed: the carrier's own
    _may("price", BigInteger),
    _may("currency"),
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),  # when the carrier was first asked: from then on it is looked up before it is bought
    _may("bought_at", BigInteger),
    _may("manifest"),  # the end of day that it was handed over with
    _may("ended_at", BigInteger),
    Index(None, "shipment", "asked_at"),
    Index("ix_purchases_manifest", "merchant", "manifest", **_where("manifest is not null")),
    Index("ix_purchases_live", "shipment", unique=True, **_where("state in ('asked', 'bought', 'voiding')")),
)

quotes = Table(
    "quotes",
    metadata,
    _need("merchant"),
    _need("shipment"),
    _need("connection"),
    _need("service"),  # '': this carrier offers nothing, and `words` say why
    _need("name"),
    _may("price", BigInteger),
    _may("currency"),
    _may("arrives_on"),
    _need("at", BigInteger),
    _need("words", default="''"),
    PrimaryKeyConstraint("shipment", "connection", "service"),
)

papers = Table(
    "papers",
    metadata,
    _id(),
    _need("merchant"),
    _need("shipment"),
    _may("purchase"),
    _need("kind"),
    _need("format"),
    _need("body", LargeBinary),  # sealed
    _need("made_at", BigInteger),
    _need("until", BigInteger),
    Index(None, "shipment", "id"),
    Index(None, "until"),
)

tracks = Table(
    "tracks",
    metadata,
    _need("merchant"),
    _need("parcel"),
    _need("at", BigInteger),
    _need("progress"),
    _need("code"),
    _need("words", default="''"),
    _need("town", default="''"),
    _need("country", default="''"),
    PrimaryKeyConstraint("parcel", "at", "code"),
)

# Each time somebody called an order off, or answered its buyer who wants that. `id` is the key that the channel was given.
callings_off = Table(
    "callings_off",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("order_id"),
    _need("reason"),
    _need("restock", Boolean),
    _need("state"),  # a word of core/domain/calling_off.py
    _need("who"),
    _need("name"),
    _may("words"),  # sealed: the channel's own
    _may("appeal"),  # JSON: the buyer's wish that it answers, and how
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("ended_at", BigInteger),
    Index(None, "order_id", "asked_at"),
    Index("ix_callings_off_open", "order_id", unique=True, **_where("state in ('wanted', 'asked')")),
)

# From where an order is sent, as it was decided last: candidates, what each would cost, and why it was not taken.
routings = Table(
    "routings",
    metadata,
    _need("merchant"),
    Column("order_id", Text, primary_key=True),
    _need("at", BigInteger),
    _need("asked"),  # a digest of what the decision was made from: asked again only when that is otherwise
    _need("doc"),  # JSON
)

# What was authorized and is taken when goods leave, once. `id` is the key that the channel was given.
captures = Table(
    "captures",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("order_id"),
    _need("amount", BigInteger),
    _need("currency"),
    _need("state"),  # a word of core/domain/capturing.py
    _may("words"),  # sealed: the channel's own
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("ended_at", BigInteger),
    Index(None, "order_id", "asked_at"),
    Index("ix_captures_open", "order_id", unique=True, **_where("state in ('wanted', 'asked')")),
)

# What a carrier's driver takes at the end of a day.
manifests = Table(
    "manifests",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("location"),
    _need("day"),
    _need("state"),  # wanted, closed, failed
    _may("number"),  # the carrier's own of it
    _may("words"),  # sealed
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("ended_at", BigInteger),
    Index(None, "merchant", "asked_at"),
)

# Drivers who were asked to come.
pickups = Table(
    "pickups",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("location"),
    _need("ready"),  # the location's own time
    _need("until"),
    _need("parcels", Integer),
    _need("weight_g", Integer),
    _need("state"),  # wanted, agreed, left, failed
    _may("number"),
    _may("handle"),  # sealed: what cancelling it needs
    _may("price", BigInteger),
    _may("currency"),
    _may("words"),  # sealed
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("ended_at", BigInteger),
    Index(None, "merchant", "asked_at"),
)

# Printers, each with its queue.
stations = Table(
    "stations",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("name"),
    _need("way"),  # zpl (port 9100), ipp
    _need("address"),
    _need("kinds", default="'[]'"),  # JSON: which papers go there by themselves, and by which rule
    _may("location"),
    _need("state", default="'active'"),
    _need("created_at", BigInteger),
    Index(None, "merchant"),
)

print_jobs = Table(
    "print_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("station"),
    _need("kind"),
    _need("format"),
    _may("shipment"),
    _need("body", LargeBinary),  # sealed
    _need("state"),  # waiting, printed, unknown, failed, dropped
    _need("who"),
    _may("words"),
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("ended_at", BigInteger),
    Index(None, "station", "asked_at"),
    Index(None, "shipment"),
    Index(None, "asked_at"),
    Index("ix_print_jobs_waiting", "station", "asked_at", "id", **_where("state = 'waiting'")),
)

# What somebody else was asked to send: a supplier, another firm's warehouse, a channel's own. `id` is the key that they were given.
requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("shipment"),
    _need("location"),
    _need("way"),  # mail, hook, api, connection
    _may("connection"),
    _need("token"),  # the address where they answer
    _need("state"),  # wanted, asked, accepted, rejected, withdrawing, withdrawn, sent
    _may("number"),  # their own of it
    _may("words"),  # sealed: their own
    _may("handle"),  # sealed
    _need("asked_at", BigInteger),
    _may("tried_at", BigInteger),
    _may("answered_at", BigInteger),
    _may("ended_at", BigInteger),
    _may("due_at", BigInteger),  # by then they should have answered
    _may("stopped_at", BigInteger),  # since then they know that it is wanted no more
    Index(None, "shipment", "asked_at"),
    Index(None, "merchant", "state", "asked_at", "id"),
    Index("ix_requests_token", "token", unique=True),
    Index("ix_requests_open", "shipment", unique=True, **_where("state in ('wanted', 'asked', 'accepted', 'withdrawing')")),
)

# What of an order each was asked to send: units are sent, refused or open.
request_lines = Table(
    "request_lines",
    metadata,
    _need("merchant"),
    Column("request", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    _need("sku"),
    _need("title"),
    _need("units", Integer),
    _need("sent", Integer, default="0"),
    _need("refused", Integer, default="0"),
    _need("left_out", Boolean, default="false"),  # their location sends nothing of this line of this order any more
    Index("ix_request_lines_left_out", "merchant", "request", **_where("left_out")),
)

# Parcels that they told of, each once. `said` is their own number of it, or its carrier and tracking number.
request_parcels = Table(
    "request_parcels",
    metadata,
    _need("merchant"),
    Column("request", Text, primary_key=True),
    Column("said", Text, primary_key=True),
    _may("shipment"),  # the one of ours that it became; none: it left though nobody wanted it any more
    _need("doc"),  # JSON: units by line, carrier, tracking number
    _need("at", BigInteger),
    Index(None, "shipment"),
)

# What buyers were told of their parcels, each once.
buyer_letters = Table(
    "buyer_letters",
    metadata,
    Column("id", Text, primary_key=True),  # its Message-ID
    _need("merchant"),
    _need("parcel"),
    _need("what"),  # shipped, out_for_delivery, delivered, exception
    _need("way"),  # mail, hook
    _need("at", BigInteger),
    _may("sent_at", BigInteger),
    _may("outcome"),
    Index("uq_buyer_letters_said", "parcel", "what", "way", unique=True),
    Index(None, "merchant", "at"),
)

# What a merchant's pages for buyers look like, beside what its settings say.
looks = Table(
    "looks",
    metadata,
    _need("merchant"),
    _need("logo", LargeBinary),  # a PNG that we drew anew
    _need("at", BigInteger),
    PrimaryKeyConstraint("merchant"),
)

boxes = Table(
    "boxes",
    metadata,
    _need("merchant"),
    _need("name"),
    *(_need(name, Integer) for name in ("length_mm", "width_mm", "height_mm", "weight_g")),
    _may("most_g", Integer),
    PrimaryKeyConstraint("merchant", "name"),
)

pushes = Table(
    "pushes",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("listing_id", BigInteger),
    _need("key"),
    _need("quantity", Integer),
    _may("expected", Integer),
    _may("since", BigInteger),
    _need("asked_at", BigInteger),
    _may("told_at", BigInteger),
    _may("told"),
    Index("ix_pushes_open", "connection", **_where("told_at is null")),
    Index(None, "merchant", "asked_at"),
    Index(None, "listing_id", "id"),
)

budgets = Table(
    "budgets",
    metadata,
    _need("connection"),
    _need("operation"),
    _need("remaining", Float),
    _need("at", BigInteger),
    _need("per_s", Float),
    _need("burst", Float),
    PrimaryKeyConstraint("connection", "operation"),
)

# Old orders, taken in behind live work: one run a connection. `orders` were kept, `passed` were here already or said nothing new.
backfills = Table(
    "backfills",
    metadata,
    _need("merchant"),
    Column("connection", Text, primary_key=True),
    _need("since", BigInteger),
    _need("until", BigInteger),
    _need("phase"),  # open, history, done
    _may("at", BigInteger),  # how far the phase came, from `until` back
    _may("cursor"),
    _need("orders", Integer, "0"),
    _need("passed", Integer, "0"),
    _need("begun_at", BigInteger),
    _need("paged_at", BigInteger, "0"),
    _may("ended_at", BigInteger),
    _may("note"),  # why it does not reach as far back as was asked
)

# What holding the hub against a channel found, with its evidence.
findings = Table(
    "findings",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("what"),  # order, listing, level, day, subscription, silence
    _need("subject"),
    _need("theirs"),
    _need("ours"),
    _need("found_at", BigInteger),
    _may("since", BigInteger),  # since when it was so, where the channel tells: found_at less that is how long nobody knew
    _may("mended_at", BigInteger),
    _may("how"),  # repaired, gone by itself, accepted
    Index("uq_findings_open", "connection", "what", "subject", unique=True, **_where("mended_at is null")),
    Index(None, "merchant", "id"),
    Index(None, "connection", "what", "found_at"),
    Index("ix_findings_open", "merchant", "found_at", **_where("mended_at is null")),
)

schedules = Table("schedules", metadata, Column("name", Text, primary_key=True), _need("slot", BigInteger))

# What we hold of a customer who asked for it, until their merchant has taken it.
exports = Table(
    "exports",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("subject"),  # a keyed hash of the channel's word for the customer
    _need("request"),  # the channel's own number of the request
    _need("orders", Integer),
    _need("body", LargeBinary),  # sealed
    _need("made_at", BigInteger),
    _need("until", BigInteger),
    _may("taken_at", BigInteger),
    UniqueConstraint("connection", "request"),
    Index(None, "merchant", "made_at"),
)

# Who works here. A user may belong to several merchants; a Shopify shop's staff come with its own word for them and no password.
users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    _may("email"),  # in small letters
    _may("subject"),  # who a channel says this is: "shopify/shop/user"
    _need("name", default="''"),
    _need("data_key"),
    _may("password"),  # argon2
    _may("totp"),  # sealed
    _need("totp_step", BigInteger, "0"),  # the last one used: none works twice
    _may("locale"),
    _need("created_at", BigInteger),
    _may("disabled_at", BigInteger),
    UniqueConstraint("email"),
    UniqueConstraint("subject"),
)

members = Table(
    "members",
    metadata,
    _need("merchant"),
    _need("user_id"),
    _need("role"),
    _need("alerts", default="'{}'"),  # JSON: what is told at once, what once a day
    _need("created_at", BigInteger),
    PrimaryKeyConstraint("merchant", "user_id"),
    Index(None, "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),  # the hash of what the cookie holds
    _need("user_id"),
    _need("merchant"),
    _need("created_at", BigInteger),
    _need("seen_at", BigInteger),
    _need("until", BigInteger),
    _need("agent", default="''"),  # which browser, as it says itself
    Index(None, "user_id"),
    Index(None, "until"),
)

# Who was refused, and how often: an e-mail address that was typed in, known or not, and the address that it came from.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),  # a keyed hash of either
    _need("failed", Integer),
    _need("at", BigInteger),
    _need("until", BigInteger, "0"),  # nothing is tried before
    Index(None, "at"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("email"),
    _need("role"),
    _need("token"),  # its hash
    _need("invited_by"),
    _need("created_at", BigInteger),
    _need("until", BigInteger),
    _may("accepted_at", BigInteger),
    UniqueConstraint("token"),
    Index(None, "merchant", "created_at"),
)

# A consent that somebody was sent to a channel to give: what comes back must carry its state, by the same person.
consents = Table(
    "consents",
    metadata,
    Column("state", Text, primary_key=True),  # its hash
    _need("merchant"),
    _need("user_id"),
    _need("channel"),
    _need("wish", default="'{}'"),  # JSON: which account, with which settings
    _need("until", BigInteger),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("name"),
    _need("secret"),  # its hash
    _need("tail"),  # its last letters, to tell it by
    _need("scopes"),
    _need("created_by"),
    _need("created_at", BigInteger),
    _may("until", BigInteger),  # when it ends by itself
    _may("used_at", BigInteger),
    _may("revoked_at", BigInteger),
    UniqueConstraint("secret"),
    Index(None, "merchant", "created_at"),
)

# What was answered to a write with this key: asked again, it is answered again and not done again.
idempotency = Table(
    "idempotency",
    metadata,
    _need("merchant"),
    _need("api_key"),
    _need("name"),
    _need("digest"),
    _may("status", Integer),  # none: it is being done
    _may("body"),  # sealed
    _need("at", BigInteger),
    PrimaryKeyConstraint("api_key", "name"),
    Index(None, "at"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _need("merchant"),
    _need("at", BigInteger),
    _need("who"),  # a user's id, "key/..." or "command line"
    _need("name"),  # as it was then
    _need("act"),
    _need("subject", default="''"),
    _need("body", default="'{}'"),
    Index(None, "merchant", "id"),
    Index(None, "merchant", "subject", "id"),
    Index(None, "merchant", "who", "id"),
)

order_notes = Table(
    "order_notes",
    metadata,
    _id(),
    _need("merchant"),
    _need("order_id"),
    _need("who"),
    _need("name"),
    _need("words"),  # sealed: people write about people
    _need("at", BigInteger),
    Index(None, "order_id", "id"),
)

order_tags = Table(
    "order_tags",
    metadata,
    _need("merchant"),
    _need("order_id"),
    _need("tag"),
    PrimaryKeyConstraint("order_id", "tag"),
    Index(None, "merchant", "tag", "order_id"),
)

# By which words an order is found beside its numbers and SKUs: keyed hashes of its parcels' numbers, and of its buyer's names and mail
# addresses while we hold them. The key is the merchant's: a word of another merchant's is another number.
order_words = Table(
    "order_words",
    metadata,
    _need("merchant"),
    _need("word", BigInteger),
    _need("order_id"),
    _need("personal", Boolean, "false"),
    PrimaryKeyConstraint("word", "order_id"),
    Index(None, "order_id"),
    sqlite_with_rowid=False,
)

# What somebody did to some orders at once: how far it came, and which of them it changed, so that it can be undone.
order_acts = Table(
    "order_acts",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("who"),
    _need("name"),
    _need("act"),  # hold, release, note, tag, untag
    _need("detail", default="''"),  # why, or which tag
    _may("words"),  # sealed: the note
    _need("orders"),  # JSON: their ids, each with why it is to be held
    _need("changed", default="'{}'"),  # JSON: of these, those that it changed, each with why it was
    _need("done", Integer, "0"),  # how many were looked at
    _need("at", BigInteger),
    _may("ended_at", BigInteger),
    _may("undone_by"),  # the act that took it back
    Index(None, "at"),
)

# What cannot wait, once a cause: told when it is raised, cleared when it is mended.
alerts = Table(
    "alerts",
    metadata,
    _id(),
    _need("merchant"),
    _need("cause"),
    _need("subject"),
    _need("body", default="'{}'"),
    _need("raised_at", BigInteger),
    _may("told_at", BigInteger),
    _may("cleared_at", BigInteger),
    Index("uq_alerts_open", "merchant", "cause", "subject", unique=True, **_where("cleared_at is null")),
    Index(None, "merchant", "id"),
)

# What somebody looked at and left as it is, with the reason.
ignored = Table(
    "ignored",
    metadata,
    _need("merchant"),
    _need("cause"),
    _need("subject"),
    _need("who"),
    _need("name"),
    _need("note"),
    _need("at", BigInteger),
    _need("seen", default="''"),  # how it was then: once it is otherwise it is shown again
    PrimaryKeyConstraint("merchant", "cause", "subject"),
)

# What is told to people outside of the pages: written with its cause, sent by a task of its own.
letters = Table(
    "letters",
    metadata,
    Column("id", Text, primary_key=True),  # its Message-ID: sent again, it is the same letter
    _need("merchant"),
    _need("user_id"),
    _need("way"),  # mail, hook
    _need("about"),  # alert, mended, digest
    _need("title"),
    _need("body"),
    _need("at", BigInteger),
    _may("sent_at", BigInteger),
    _may("outcome"),  # sent, kept (nobody said how mail leaves here), or why it was not sent
    Index(None, "merchant", "user_id", "at"),
    Index(None, "at"),
)

# Files with counts and maps that somebody brought: looked at first, then taken or left.
uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("who"),
    _need("name"),  # whose
    _need("file"),  # what it was called
    _need("at", BigInteger),
    _need("state"),  # new, wrong, looked, wanted, taken, gone
    _need("options", default="'{}'"),
    _need("text"),
    _need("report", default="'{}'"),
    _may("undo"),
    Index(None, "merchant", "at"),
    Index(None, "at"),
)

# Outgoing webhooks: whom we tell of events, how far each has been told, and what came of each call.
hooks = Table(
    "hooks",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("url"),
    _need("secret"),  # sealed
    _need("kinds", default="'[]'"),  # JSON; none: all
    _need("state", default="'active'"),  # active; paused by somebody; stopped, since it failed for days
    _may("reason"),
    _need("sent_to", BigInteger, "0"),  # the last event that it was told of
    _need("failed", Integer, "0"),  # tries in a row that came to nothing
    _may("failing_since", BigInteger),
    _need("rests_until", BigInteger, "0"),
    _need("created_at", BigInteger),
    Index(None, "merchant"),
)

hook_calls = Table(
    "hook_calls",
    metadata,
    _id(),
    _need("merchant"),
    _need("hook"),
    _need("event_id", BigInteger),
    _need("message"),  # the id that its receiver sees, the same at each try
    _need("at", BigInteger),
    _may("status", Integer),  # none: nobody answered
    _need("ms", Integer, "0"),
    _may("words"),
    Index(None, "hook", "id"),
    Index(None, "at"),
)

# How a merchant keeps books; no row: nothing is booked.
books = Table(
    "books",
    metadata,
    Column("merchant", Text, primary_key=True),
    _need("starts"),  # the first day that we book, as 2026-11-01
    _may("closed_until"),  # what falls on this day or before is booked on the next
    _need("settings", default="'{}'"),
)

# Double entry, appended only. Under a subject and key the newest version counts; one that reverses takes an older one back.
entries = Table(
    "entries",
    metadata,
    _id(),
    _need("merchant"),
    _need("kind"),
    _need("subject"),  # an order's ref, "payout ..." and what else can be booked
    _need("key"),
    _need("version", Integer),
    _need("day"),
    _may("due_day"),  # the day that it belongs to, where that was closed
    _need("memo", default="''"),
    _may("reverses", Integer),
    _need("at", BigInteger),
    UniqueConstraint("merchant", "subject", "key", "version"),
    Index(None, "merchant", "day", "id"),
    Index(None, "merchant", "at", "id"),
)

postings = Table(
    "postings",
    metadata,
    _need("merchant"),
    _need("entry", BigInteger),
    _need("n", Integer),
    _need("kind"),  # as its entry has it, and its day
    _need("day"),
    _need("account"),
    _need("connection", default="''"),
    _need("gateway", default="''"),
    _need("item", default="''"),
    _need("tax", default="''"),
    _need("currency"),
    _need("amount", BigInteger),  # debit above zero
    PrimaryKeyConstraint("entry", "n"),
    Index("ix_postings_item", "merchant", "item", "account", **_where("item <> ''")),
    Index(None, "merchant", "day", "account"),
)

# What stands in clearing under each item: the sums of its postings, kept with them.
items = Table(
    "items",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("gateway"),
    _need("currency"),
    _need("item"),
    _need("paid", BigInteger, "0"),
    _need("repaid", BigInteger, "0"),
    _need("settled", BigInteger, "0"),
    _need("other", BigInteger, "0"),
    _need("open", BigInteger, "0"),
    _need("since"),
    _need("last"),
    PrimaryKeyConstraint("merchant", "connection", "gateway", "currency", "item"),
    Index("ix_items_open", "merchant", "since", "item", **_where("open <> 0")),
)

# Orders whose booking waits, and why.
unbooked = Table(
    "unbooked",
    metadata,
    _need("merchant"),
    _need("ref"),
    _need("why"),
    _need("at", BigInteger),
    PrimaryKeyConstraint("merchant", "ref"),
)

payouts = Table(
    "payouts",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("channel_id"),
    _need("state"),
    _need("at", BigInteger),
    _need("currency"),
    _need("amount", BigInteger),
    _may("began", BigInteger),
    _may("ended", BigInteger),
    _may("deposit", BigInteger),  # what reaches the bank, where the channel converts it
    _may("deposit_currency"),
    _need("number", default="''"),
    _need("handle", default="''"),
    _need("words", default="''"),
    _may("cursor"),  # how far its movements were read
    _may("read_at", BigInteger),  # all of them were
    _may("booked_at", BigInteger),
    _may("findings"),  # JSON: fees that are others than were told before
    _may("banked", BigInteger),  # what somebody found on the bank's statement, in the deposit's currency
    _need("seen_at", BigInteger),
    _need("gateway", default="''"),  # whose money it is, where that is not the channel's own
    _need("origin", default="'feed'"),  # feed, file (somebody gave us a CSV), declared (somebody typed it)
    _may("in_deposit"),  # the line of the bank's statement that holds it, where that holds several
    UniqueConstraint("connection", "channel_id"),
    Index(None, "merchant", "at", "id"),
    Index("ix_payouts_in_deposit", "merchant", "in_deposit", **_where("in_deposit is not null")),
)

# What a payout holds, and, under payout '', what is told to come.
payout_lines = Table(
    "payout_lines",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("payout"),  # the channel's id of it
    _need("channel_id"),
    _need("n", Integer, "0"),  # in the order in which they were told
    _need("occasion"),
    _need("at", BigInteger),
    _need("currency"),
    _need("amount", BigInteger),
    _may("order_id"),  # the channel's id of the order
    _need("doc"),  # the whole movement
    PrimaryKeyConstraint("connection", "payout", "channel_id"),
    Index("ix_payout_lines_order", "connection", "order_id", **_where("order_id is not null")),
    Index(None, "merchant", "connection", "payout", "n"),
)

# What a ledger has: its accounts, tax codes and tags, as we last read them.
ledger_things = Table(
    "ledger_things",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("kind"),  # books, account, tax, tag
    _need("id"),
    _need("doc"),
    _need("seen_at", BigInteger),
    PrimaryKeyConstraint("connection", "kind", "id"),
)

# What of ours is which of theirs: accounts and taxations.
account_maps = Table(
    "account_maps",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("what"),
    _need("target"),
    PrimaryKeyConstraint("connection", "what"),
)

# What is, or shall be, written into a ledger. `id` is the key that it was given.
documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("source"),  # what it is of: an order and key, a day, a payout
    _need("revision", Integer, "1"),
    _need("kind"),
    _need("number"),
    _need("day"),
    _need("currency"),
    _need("total", BigInteger),
    _need("tax", BigInteger, "0"),
    _need("doc"),  # sealed: what is said
    _need("state"),  # wanted, asked, posted, blocked
    _may("why"),  # it is blocked for that
    _may("words"),  # sealed: the ledger's own
    _may("after"),  # the document that it pays: first that
    _need("wanted_at", BigInteger),
    _may("tried_at", BigInteger),  # when the ledger was first asked: from then on it is looked up before it is posted
    _may("posted_at", BigInteger),
    _may("ledger_id"),
    _may("version"),
    _may("shape"),  # as it was posted
    _may("shape_now"),  # as it was last seen, where somebody changed it there
    _need("gone", Boolean, "false"),
    _may("link"),
    UniqueConstraint("connection", "source", "revision"),
    Index(None, "merchant", "state", "wanted_at", "id"),
    Index("ix_documents_ledger_id", "connection", "ledger_id", **_where("ledger_id is not null")),
)

# Which entries stand in which ledger's documents.
document_entries = Table(
    "document_entries",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("entry", BigInteger),
    _need("document", default="''"),  # '': it is to be written there
    PrimaryKeyConstraint("connection", "entry"),
    Index("ix_document_entries_document", "document", **_where("document <> ''")),
    Index("ix_document_entries_to_do", "connection", "entry", **_where("document = ''")),
)

# What a unit of goods costs from a moment on: the moving average, or what somebody typed. Appended only.
unit_costs = Table(
    "unit_costs",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("at", BigInteger),
    _need("cost", BigInteger),  # of one unit, in ten thousandths of the currency's smallest
    _need("currency"),
    _need("units", Integer, "0"),  # over how many it was averaged
    _need("source", default="''"),  # the inbound that changed it; '': somebody typed it
    _need("who", default="''"),
    _need("name", default="''"),
    PrimaryKeyConstraint("merchant", "sku", "at"),
)

# Units that left and whose cost nobody knows: their sale is booked, their cost waits.
costless = Table(
    "costless",
    metadata,
    _need("merchant"),
    _need("ref"),
    _need("sku"),
    _need("units", Integer),
    _need("at", BigInteger),
    PrimaryKeyConstraint("merchant", "ref", "sku"),
    Index(None, "merchant", "sku"),
)

# What a channel's own warehouses lost, found and disposed of, as it says of each of its days. A day that is read again is replaced.
shelf_moves = Table(
    "shelf_moves",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("day"),
    _need("sku"),  # as the channel calls it
    _need("cause"),
    _need("reason"),  # the channel's own word
    _need("units", Integer),  # below zero: they left
    _need("times", Integer, "1"),  # how often it said so
    PrimaryKeyConstraint("merchant", "connection", "day", "sku", "cause", "reason"),
)

# What a carrier billed, as its file says.
carrier_bills = Table(
    "carrier_bills",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _may("connection"),  # our account with it; none: it has no connection here
    _need("carrier"),
    _need("number"),
    _need("day"),
    _need("currency"),
    _need("total", BigInteger),
    _need("file", default="''"),
    _need("at", BigInteger),
    _need("who"),
    _need("name"),
    UniqueConstraint("merchant", "carrier", "number"),
    Index(None, "merchant", "at", "id"),
)

carrier_bill_lines = Table(
    "carrier_bill_lines",
    metadata,
    _need("merchant"),
    _need("bill"),
    _need("n", Integer),
    _need("tracking"),
    _may("purchase"),  # the label that it is for; none: nobody here bought it
    _need("what"),  # freight, surcharge, duty, tax, credit, other
    _need("amount", BigInteger),
    _need("text", default="''"),
    PrimaryKeyConstraint("bill", "n"),
    Index("ix_carrier_bill_lines_purchase", "merchant", "purchase", **_where("purchase is not null")),
)

# A line of the bank's statement that holds one payout or several.
deposits = Table(
    "deposits",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("day"),
    _need("currency"),
    _need("amount", BigInteger),
    _need("words", default="''"),
    _need("at", BigInteger),
    _need("who"),
    _need("name"),
    Index(None, "merchant", "day", "id"),
)

# Units of `base` for one of `currency` on a day, as the merchant gave them.
day_rates = Table(
    "day_rates",
    metadata,
    _need("merchant"),
    _need("day"),
    _need("currency"),
    _need("base"),
    _need("rate"),
    _need("source", default="''"),
    PrimaryKeyConstraint("merchant", "currency", "base", "day"),
)

# What each part of an order left: a line by its id, and under '' what is of the whole order. Kept with its entries.
margins = Table(
    "margins",
    metadata,
    _need("merchant"),
    _need("ref"),
    _need("part"),
    _need("currency"),
    _need("sku", default="''"),
    _need("connection"),
    _need("day"),
    _need("units", Integer, "0"),
    _need("earned", BigInteger, "0"),  # without tax, discounts taken off
    _need("given_back", BigInteger, "0"),
    _need("fees", BigInteger, "0"),
    _need("postage", BigInteger, "0"),
    _may("cost", BigInteger),  # of the goods; none: nobody knows
    PrimaryKeyConstraint("merchant", "ref", "part", "currency"),
    Index(None, "merchant", "day", "connection"),
    Index(None, "merchant", "sku", "day"),
)
