"""After a restore the books are as old as the backup, and the world is not: every outward act looks before it acts."""

from core.store import connections
from core.store.sql import run
from core.store.unit import Unit

KINDS = ("poll_orders", "read_listings", "subscribe", "publish_stock")

# Where a channel only accepts, what it was told since the backup may come true after we looked: each of its listings counts as told
# and not answered, so it is read once more. Quantities are those of the backup's last word.
LOST = """
insert into pushes (merchant, connection, listing_id, key, quantity, asked_at)
select merchant, connection, id, 'restored', coalesce(shown, 0), :now from listings
where writable is null and shown_at > 0 and connection in (select connection from pushes where told = 'accepted')
  and exists (select 1 from listing_parts p where p.listing_id = listings.id)
  and not exists (select 1 from pushes u where u.listing_id = listings.id and u.told_at is null)
"""
# What a listing shows is read before it is written. Of today's revisions those are counted that the backup knew.
LISTINGS = "update listings set shown = null, changed = changed + 1"
TASKS = """
update tasks set state = 'due', due_at = :now, generation = generation + 1, again = false, lease_until = null where state = 'running'
"""
# Stock is written again once the orders of all channels are read up to now.
CONNECTIONS = """
update connections set access = null, access_until = 0, blocked_until = 0,
  live_at = case when live_at is not null then cast(:now as bigint) end
"""
PAGES = "update marks set cursor = null where cursor is not null"
SCHEDULES = "delete from schedules"


def look_again(work: Unit) -> int:
    """Of all merchants: forget what was believed of the outside, take every task back from workers that are no more, and ask each
    open connection for its orders, its listings and its stock. Pushes without an answer stay so, and their listings are read first;
    orders are read from where the backup had come to. Gives how many connections are asked."""
    for statement in (LOST, LISTINGS, TASKS, CONNECTIONS, PAGES, SCHEDULES):
        run(work.db, statement, now=work.now)
    active = [one for one in connections.everyone(work.db) if one.state == "active"]
    for one in active:
        for kind in KINDS:
            work.ask(one.merchant, kind, one.id, one.id)
    return len(active)
