"""Tasks: work that must happen. What becomes of one after an error is a table here. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

MINUTE = 60.0
# How long to wait before the next try, by how often it was tried (platforms guide, part 7); after the last it is parked.
WAITS_S = (2.0, 10.0, MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE)
# The same where the answer to a renewed login was lost: the old one is taken for half an hour more (Xero), and then a person must log in.
RENEWAL_WAITS_S = (*WAITS_S[:4], *(5 * MINUTE,) * 4, *WAITS_S[4:])
CRASHES = 3  # a task that killed its worker this often is parked
CRASH_REST_S = MINUTE  # before the last of these: what kills workers one after the other (a restart, no memory) often passes meanwhile


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed task. `generation` fences it: a later claim has a higher one."""

    id: int
    merchant: str
    connection: str
    kind: str
    subject: str
    generation: int
    tries: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """done; due again after `wait_s` (a try that counts, or not); or parked with a cause."""

    state: str = "done"
    wait_s: float = 0.0
    counts: bool = True
    cause: str | None = None
    detail: str | None = None
    words: str = ""


DONE = Outcome()


@dataclass
class Claim:
    """A set of tasks of one kind, connection and merchant, that one worker holds. Flows say of single tasks what became of
    them; of the rest, that they are done."""

    tasks: Sequence[Task]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    finished: bool = False

    @property
    def merchant(self) -> str:
        return self.tasks[0].merchant

    @property
    def connection(self) -> str:
        return self.tasks[0].connection

    @property
    def kind(self) -> str:
        return self.tasks[0].kind

    @property
    def subjects(self) -> list[str]:
        return [task.subject for task in self.tasks]

    def say(self, subject: str, outcome: Outcome) -> None:
        for task in self.tasks:
            if task.subject == subject:
                self.outcomes[task.id] = outcome

    def outcome(self, task: Task) -> Outcome:
        return self.outcomes.get(task.id, DONE)


def wait_s(tries: int, jitter: float, waits: Sequence[float] = WAITS_S) -> float | None:
    """Seconds before the next try; None when it was the last. `jitter` in [0, 1) spreads it by a fifth either way."""
    if tries > len(waits):
        return None
    return waits[max(0, tries - 1)] * (0.8 + 0.4 * jitter)


LEASE = timedelta(seconds=4)

# Where each kind of work is done: inside needs only the database, outside talks to other systems. What stands in a queue's `later` is
# begun only while nothing of the queue itself is due.
LATER = {"inside": "inside later", "outside": "outside later"}
QUEUES = {
    "take_orders": "inside",
    "reserve": "inside",
    "link_orders": "inside",
    "fetch_orders": "outside",
    "look_again": "outside",
    "poll_orders": "outside",
    "receive_notices": "outside",
    "read_listings": "outside",
    "read_stored": "outside",
    "publish_stock": "outside",
    "verify_stock": "outside",
    "subscribe": "outside",
    "seek_orders": "outside",
    "settle_orders": "inside",
    "compare_days": "outside",
    "compare_listings": "outside",
    "mend_listing": "outside",
    "look_at_items": "outside",
    "send_hooks": "hooks",  # others' programs may be slow or dead: nothing of a channel's waits behind them
    "reckon": "outside",
    "raise_alerts": "inside",
    "look_blind": "inside",
    "send_alerts": "outside",
    "look_at_file": "outside",  # it may take seconds: no live order is to wait for it
    "take_file": "outside",
    "act_on_orders": "inside",
    "index_orders": LATER["inside"],
    "read_scopes": "outside",
    "check_login": "inside",
    "comply": "inside",
    "erase_expired": "inside",
    "erase_connection": "inside",
    "release_orders": "inside",
    "look_at_shipments": "inside",
    "send_labelled": "inside",
    "close_days": "outside",
    "order_drivers": "outside",
    "ask_refunds": "outside",
    "buy_labels": "outside",
    "shop_rates": "outside",
    "choose_services": "inside",
    "void_labels": "outside",
    "print_papers": "outside",
    "follow_print_rules": "outside",  # it draws: no live order is to wait for it
    "confirm_parcels": "outside",
    "tell_ready": "outside",
    "call_off_orders": "outside",
    "capture_payments": "outside",
    "move_assignments": "outside",
    "ask_parties": "outside",
    "track_parcels": "outside",
    "tell_buyers": "outside",
    "follow_parcels": "outside",
    "hear_of_parcels": "inside",
    "post_entries": LATER["inside"],  # a live order never waits for its booking
    "post_costs": LATER["inside"],
    "post_postage": LATER["inside"],
    "read_payouts": LATER["outside"],
    "read_payout": LATER["outside"],
    "read_unpaid": LATER["outside"],
    "book_payout": LATER["inside"],
    "read_shelves": LATER["outside"],
    "book_shelves": LATER["inside"],
    "judge_books": LATER["inside"],
    "check_addresses": "outside",
    "read_ledger": LATER["outside"],
    "gather_documents": LATER["inside"],
    "post_document": LATER["outside"],
    "read_changes": LATER["outside"],
    "take_history": LATER["inside"],
    "backfill": LATER["outside"],
    "fetch_history": LATER["outside"],
}


def bell_of(queue: str) -> str:
    """What wakes those who do it: outside it is the same workers, inside a live order would wait for an old one."""
    return "outside" if queue == LATER["outside"] else queue
