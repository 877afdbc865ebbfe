"""around a parcel: money captured when it leaves, days that are closed, printers, others who send, buyers who are told."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"
HEARD = """
update parcels set heard_at = coalesce(progress_at, (select s.sent_at from shipments s where s.id = parcels.shipment))
where look_at is not null
"""


def upgrade() -> None:
    for part in (_captures, _days, _pickups, _printing, _print_jobs, _requests, _collecting, _together, _telling, _finding, _routing):
        part()


def _need(name: str, kind: type[Any] = sa.Text, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _may(name: str, kind: type[Any] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Text(), primary_key=True)


def _some(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    """An index over some rows of a table."""
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A merchant's own, as the others are."""
    op.create_table(name, _need("merchant"), *parts)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"alter table {name} enable row level security")
        op.execute(f"create policy own on {name} using ({OWN}) with check ({OWN})")


def _captures() -> None:
    """What is authorized and is taken when goods leave."""
    op.add_column("orders", _may("pay_until", sa.BigInteger))
    _some("ix_orders_pay_until", "orders", ["merchant", "pay_until"], "pay_until is not null")
    what = (_id(), _need("order_id"), _need("amount", sa.BigInteger), _need("currency"), _need("state"), _may("words"))
    moments = (_need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger), _may("ended_at", sa.BigInteger))
    _table("captures", *what, *moments)
    op.create_index("ix_captures_order_id_asked_at", "captures", ["order_id", "asked_at"])
    _some("ix_captures_open", "captures", ["order_id"], "state in ('wanted', 'asked')", unique=True)


def _days() -> None:
    """The end of a day: what a driver takes; and addresses that were checked before a label is paid."""
    op.add_column("purchases", _may("manifest"))
    _some("ix_purchases_manifest", "purchases", ["merchant", "manifest"], "manifest is not null")
    op.add_column("shipments", _may("address_verdict"))
    op.add_column("shipments", _may("address_better"))
    what = (_id(), _need("connection"), _need("location"), _need("day"), _need("state"), _may("number"), _may("words"))
    moments = (_need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger), _may("ended_at", sa.BigInteger))
    _table("manifests", *what, *moments)
    op.create_index("ix_manifests_merchant_asked_at", "manifests", ["merchant", "asked_at"])


def _pickups() -> None:
    """Drivers who are asked to come."""
    what = (_id(), _need("connection"), _need("location"), _need("ready"), _need("until"), _need("parcels", sa.Integer))
    state = (_need("weight_g", sa.Integer), _need("state"), _may("number"), _may("handle"), _may("price", sa.BigInteger))
    moments = (_need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger), _may("ended_at", sa.BigInteger))
    _table("pickups", *what, *state, _may("currency"), _may("words"), *moments)
    op.create_index("ix_pickups_merchant_asked_at", "pickups", ["merchant", "asked_at"])


def _printing() -> None:
    """Printers, what waits for each, and the totes that carry shipments to the bench."""
    op.add_column("shipments", _may("tote"))
    _some("ix_shipments_tote", "shipments", ["merchant", "tote"], "tote is not null", unique=True)
    what = (_id(), _need("name"), _need("way"), _need("address"), _need("kinds", default="'[]'"), _may("location"))
    _table("stations", *what, _need("state", default="'active'"), _need("created_at", sa.BigInteger))
    op.create_index("ix_stations_merchant", "stations", ["merchant"])


def _print_jobs() -> None:
    """What waits for each printer."""
    what = (_id(), _need("station"), _need("kind"), _need("format"), _may("shipment"), _need("body", sa.LargeBinary), _need("state"))
    moments = (_need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger), _may("ended_at", sa.BigInteger))
    _table("print_jobs", *what, _need("who"), _may("words"), *moments)
    op.create_index("ix_print_jobs_station_asked_at", "print_jobs", ["station", "asked_at"])
    op.create_index("ix_print_jobs_shipment", "print_jobs", ["shipment"])
    op.create_index("ix_print_jobs_asked_at", "print_jobs", ["asked_at"])
    _some("ix_print_jobs_waiting", "print_jobs", ["station", "asked_at", "id"], "state = 'waiting'")


def _requests() -> None:
    """What others send for us: a supplier, a warehouse of another firm, a channel's own."""
    op.add_column("locations", _may("party"))
    what = (_id(), _need("shipment"), _need("location"), _need("way"), _may("connection"), _need("token"), _need("state"))
    state = (_may("number"), _may("words"), _may("handle"), _need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger))
    later = (_may("answered_at", sa.BigInteger), _may("ended_at", sa.BigInteger), _may("due_at", sa.BigInteger))
    _table("requests", *what, *state, *later, _may("stopped_at", sa.BigInteger))
    op.create_index("ix_requests_shipment_asked_at", "requests", ["shipment", "asked_at"])
    op.create_index("ix_requests_token", "requests", ["token"], unique=True)
    _some("ix_requests_open", "requests", ["shipment"], "state in ('wanted', 'asked', 'accepted', 'withdrawing')", unique=True)
    op.create_index("ix_requests_merchant_state_asked_at_id", "requests", ["merchant", "state", "asked_at", "id"])
    _request_parts()


def _request_parts() -> None:
    """What of an order each was asked to send, and the parcels that they told of."""
    key = (sa.Column("request", sa.Text(), primary_key=True), sa.Column("line", sa.Text(), primary_key=True))
    counts = (_need("units", sa.Integer), _need("sent", sa.Integer, "0"), _need("refused", sa.Integer, "0"))
    _table("request_lines", *key, _need("sku"), _need("title"), *counts, _need("left_out", sa.Boolean, "false"))
    _some("ix_request_lines_left_out", "request_lines", ["merchant", "request"], "left_out")
    parcel = (sa.Column("request", sa.Text(), primary_key=True), sa.Column("said", sa.Text(), primary_key=True))
    _table("request_parcels", *parcel, _may("shipment"), _need("doc"), _need("at", sa.BigInteger))
    op.create_index("ix_request_parcels_shipment", "request_parcels", ["shipment"])


def _collecting() -> None:
    """How a shipment reaches its buyer: in a parcel, fetched from a shop, or sent by somebody else."""
    op.add_column("shipments", _need("way", default="'parcel'"))
    for name in ("ready_at", "collect_until", "collected_at"):
        op.add_column("shipments", _may(name, sa.BigInteger))


def _together() -> None:
    """Several orders in one parcel, goods that are sent once more, and addresses that one of us corrected."""
    op.add_column("shipments", _may("goes_with"))
    op.add_column("shipments", _may("again"))
    _some("ix_shipments_goes_with", "shipments", ["merchant", "goes_with"], "goes_with is not null")
    op.add_column("orders", _may("ship_to"))
    op.add_column("orders", _may("ship_to_was"))


def _telling() -> None:
    """What buyers are told of their parcels."""
    what = (_id(), _need("parcel"), _need("what"), _need("way"), _need("at", sa.BigInteger), _may("sent_at", sa.BigInteger))
    _table("buyer_letters", *what, _may("outcome"))
    op.create_index("uq_buyer_letters_said", "buyer_letters", ["parcel", "what", "way"], unique=True)
    op.create_index("ix_buyer_letters_merchant_at", "buyer_letters", ["merchant", "at"])
    for name in ("followed_until", "follow_at", "heard_at"):
        op.add_column("parcels", _may(name, sa.BigInteger))
    _table("looks", sa.Column("logo", sa.LargeBinary(), nullable=False), _need("at", sa.BigInteger), sa.PrimaryKeyConstraint("merchant"))


def _finding() -> None:
    """What is looked for on pages, and would else be read through."""
    op.execute(HEARD)
    _some("ix_parcels_heard", "parcels", ["merchant", "heard_at"], "look_at is not null")
    _some("ix_shipments_problems", "shipments", ["merchant", "created_at", "id"], "problem is not null")


def _routing() -> None:
    """What a location can do in a day, on which days, and orders that are sent whole or in parts whatever the rule says."""
    op.add_column("locations", _may("capacity", sa.Integer))
    op.add_column("locations", _may("days"))
    op.add_column("orders", _may("parts"))
