"""How long and how often is measured. One place, so that the whole run stays near five minutes and a test can hurry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`rounds` alternate between the reference and the system, for `seconds` each; sizes are counts of what their names say."""

    stores: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int = 7
    seconds: float = 0.5
    clients: int = 8
    patterns: int = 1000
    drained: int = 700  # orders a round of the drain
    spread: int = 1000  # SKUs that a hot one is held against
    load_s: float = 4.0  # how long a fixed rate is held
    load: float = 0.3  # share of what was just found to be possible
    sales: int = 200
    sales_per_s: float = 50.0
    hot_sales: int = 1000
    town_sales: int = 200  # of SKUs of their own, among the processes of production
    town_per_s: float = 20.0
    burst: int = 1000
    burst_skus: int = 100
    rush_buyers: int = 200
    rush_units: int = 100
    polled_s: int = 5  # how often orders are read: a part is given to another channel only when they are
    old: int = 10_000  # orders of the backfill, over all its rounds and kinds of database
    old_alone: int = 50_000  # where nothing else is measured: some minutes
    old_round: int = 1_250
    live_per_s: float = 25.0  # orders that come in meanwhile
    quiet_s: float = 6.0  # how long they come in without a backfill, each round
    small: int = 1_000
    large: int = 100_000
    changed: int = 100
    listings: int = 100_000  # of each channel, that are read for the first time
    grown: int = 150  # orders a round of the growth
    grown_rounds: int = 31
    waiting: int = 50_000
    memory_s: float = 60.0
    single: int = 400  # payloads that are taken in one at a time
    single_s: float = 10.0
    paging_runs: int = 1000
    once_runs: int = 100  # for each carrier and each channel
    once_alone: int = 1000  # where nothing else is measured: some minutes
    labels: int = 300  # of each carrier
    waiting_orders: int = 1000  # that are released at once
    sending_places: int = 10
    sending_skus: int = 10_000
    kits: int = 10_000
    routes: int = 2_000  # orders
    batches: int = 1_000
    slips: int = 500
    booked: int = 10_000  # entries
    paid_out: int = 5_000  # lines of a payout
    certified: int = 10_000  # orders of a month
    certified_alone: int = 100_000  # where nothing else is measured: some minutes
    pages: int = 100_000  # orders behind the pages whose time is taken
    page_skus: int = 20_000
    page_looks: int = 40  # at each page
    visits: int = 4  # at each page, by a browser
    visit_ms: int = 5_500  # how long: a page's moving parts are fetched each five seconds
    touched: int = 14  # things of a page that are clicked or typed into, at most
    listed: int = 100_000  # orders in the list that may touch no more than one of `listed_few`
    listed_few: int = 10_000
    listed_alone: int = 1_000_000  # where nothing else is measured: some minutes
    in_sets: int = 5  # rounds of all payloads in sets


FULL = Pace()
