"""All the job code there is: which flow does which kind of task, and what each error means."""

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import structlog

from core.domain.causes import OF_ERRORS
from core.domain.tasks import LATER, QUEUES, RENEWAL_WAITS_S, WAITS_S, Claim, Outcome, Task, bell_of, wait_s
from core.errors import AccessLost, BadPayload, HubError, LostLease, OutcomeUnknown, RateLimited, Refused, Stale, Unavailable
from core.flows import (
    access,
    alerts,
    allocation,
    backfill,
    blind,
    books,
    calling_off,
    capturing,
    checking,
    collecting,
    costing,
    covering,
    day_end,
    days,
    desk,
    drivers,
    following,
    heard,
    hooks,
    indexing,
    intake,
    judging,
    labelling,
    letters,
    linking,
    moving,
    parties,
    payouts,
    places,
    postage,
    posting,
    print_queue,
    print_rules,
    privacy,
    rating,
    readback,
    releasing,
    sending,
    shelves,
    start,
    stock,
    stored,
    telling,
    uploads,
)
from core.hub import Hub
from core.store import connections, tasks
from core.store.engine import is_too_busy
from core.store.tasks import FIRST, Turn

log = structlog.get_logger("jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """`batch` tasks of one merchant and connection are done at once."""

    flow: Callable[[Hub, Claim], None]
    batch: int = 1


KINDS: dict[str, Job] = {
    "take_orders": Job(intake.take_orders, batch=100),
    "release_orders": Job(releasing.release_orders),
    "look_at_shipments": Job(releasing.look_at_shipments, batch=50),
    "send_labelled": Job(sending.send_labelled),
    "close_days": Job(day_end.close_days),
    "order_drivers": Job(drivers.order_drivers),
    "ask_refunds": Job(labelling.ask_refunds),
    "buy_labels": Job(labelling.buy_labels),
    "shop_rates": Job(rating.shop_rates),
    "choose_services": Job(rating.choose_services),
    "void_labels": Job(labelling.void_labels),
    "print_papers": Job(print_queue.print_papers),
    "follow_print_rules": Job(print_rules.follow),
    "confirm_parcels": Job(sending.confirm_parcels),
    "tell_ready": Job(collecting.tell_ready),
    "call_off_orders": Job(calling_off.call_off_orders),
    "capture_payments": Job(capturing.capture_payments),
    "move_assignments": Job(moving.move_assignments),
    "ask_parties": Job(parties.ask_parties),
    "track_parcels": Job(sending.track_parcels),
    "tell_buyers": Job(telling.tell_buyers),
    "follow_parcels": Job(following.follow_parcels),
    "hear_of_parcels": Job(following.hear_of_parcels, batch=100),
    "reserve": Job(allocation.reserve, batch=100),
    "link_orders": Job(linking.link_orders, batch=20),
    "fetch_orders": Job(intake.fetch_orders, batch=8),
    "look_again": Job(intake.fetch_orders, batch=8),
    "post_entries": Job(books.post_entries, batch=200),
    "post_costs": Job(costing.post_costs, batch=20),
    "post_postage": Job(postage.post_postage, batch=200),
    "read_payouts": Job(payouts.read_payouts),
    "read_payout": Job(payouts.read_payout),
    "read_unpaid": Job(payouts.read_unpaid),
    "book_payout": Job(payouts.book_payout),
    "read_shelves": Job(shelves.read_shelves),
    "book_shelves": Job(shelves.book_shelves, batch=50),
    "judge_books": Job(judging.judge_books),
    "check_addresses": Job(checking.check_addresses),
    "read_ledger": Job(posting.read_ledger),
    "gather_documents": Job(posting.gather_documents),
    "post_document": Job(posting.post_document),
    "read_changes": Job(posting.read_changes),
    "poll_orders": Job(intake.poll_orders),
    "receive_notices": Job(intake.receive_notices),
    "read_listings": Job(stock.read_listings),
    "read_stored": Job(stored.read_stored),
    "publish_stock": Job(stock.publish_stock),
    "verify_stock": Job(stock.verify_stock),
    "subscribe": Job(heard.subscribe),
    "seek_orders": Job(stock.seek_orders),
    "settle_orders": Job(places.settle_orders),
    "compare_days": Job(days.compare_days),
    "compare_listings": Job(readback.compare_listings),
    "look_at_items": Job(readback.look_at_items, batch=100),
    "mend_listing": Job(covering.mend_listing),
    "send_hooks": Job(hooks.send_hooks),
    "reckon": Job(start.reckon),
    "raise_alerts": Job(alerts.raise_alerts),
    "look_blind": Job(blind.look_blind),
    "send_alerts": Job(letters.send_alerts),
    "look_at_file": Job(uploads.look_at_file),
    "take_file": Job(uploads.take_file),
    "backfill": Job(backfill.backfill),
    "fetch_history": Job(backfill.fetch_history, batch=8),
    "act_on_orders": Job(desk.act_on_orders),
    "index_orders": Job(indexing.index_orders),
    "read_scopes": Job(access.read_scopes),
    "check_login": Job(access.check_login),
    "comply": Job(privacy.comply),
    "erase_expired": Job(privacy.erase_expired),
    "erase_connection": Job(privacy.erase_connection),
    "take_history": Job(intake.take_orders, batch=2),  # a set is soon over: live orders share the processor with it
}
CONNECTION_WIDE = (RateLimited, Unavailable, AccessLost)  # they say something of the connection, not of one task


YIELD_S = 0.01  # how long old orders are left alone while live work is due
RESTS = 2.0
Stop = Callable[[], bool]


def drain(hub: Hub, queue: str, *, keeper: "Keeper | None" = None, stop: Stop = lambda: False) -> int:
    """Do everything that is due in this queue, merchants, connections and kinds in turn; what may wait, only while nothing else is
    due. Gives how many tasks were done."""
    return _drain(hub, (queue, LATER[queue]), keeper, stop)


def drain_live(hub: Hub, queue: str, *, keeper: "Keeper | None" = None, stop: Stop = lambda: False) -> int:
    """The same without what may wait: that is somebody else's, so that nothing live waits for it."""
    return _drain(hub, (queue,), keeper, stop)


def drain_behind(hub: Hub, queue: str, *, keeper: "Keeper | None" = None, stop: Stop = lambda: False) -> int:
    """What may wait, and is begun only while nothing of the queue itself is due or being done; after each set it rests RESTS times as
    long. For a thread that does nothing else."""
    turn, done = FIRST, 0
    while not stop():
        with hub.database.read() as db:
            after = tasks.next_turn(db, LATER[queue], turn, hub.now)
            busy = after and (tasks.next_turn(db, queue, FIRST, hub.now) or tasks.is_worked_on(db, queue))
        if after is None:
            return done
        if busy:
            hub.pause(YIELD_S)
            continue
        turn, begun = after, time.monotonic()
        done += work_off(hub, LATER[queue], turn, keeper)
        hub.pause(RESTS * (time.monotonic() - begun))
    return done


def _drain(hub: Hub, queues: Iterable[str], keeper: "Keeper | None", stop: Stop) -> int:
    turns, done = dict.fromkeys(queues, FIRST), 0
    while not stop():
        found = _next(hub, turns)
        if found is None:
            return done
        name, turns[name] = found
        done += work_off(hub, name, turns[name], keeper)
    return done


def _next(hub: Hub, turns: Mapping[str, Turn]) -> tuple[str, Turn] | None:
    """The first of these queues in which something is due, with whose turn it is."""
    with hub.database.read() as db:
        for queue, turn in turns.items():
            if after := tasks.next_turn(db, queue, turn, hub.now):
                return queue, after
    return None


def work_off(hub: Hub, queue: str, turn: Turn, keeper: "Keeper | None" = None) -> int:
    """Claim one set and do it. Gives its size; 0 when others were faster."""
    with hub.database.patience() if queue in LATER.values() else nullcontext():
        return _work_off(hub, queue, turn, keeper)


def _work_off(hub: Hub, queue: str, turn: Turn, keeper: "Keeper | None") -> int:
    with hub.database.write() as db:
        claim = tasks.claim(db, queue, turn, KINDS[turn[2]].batch, hub.now)
    if claim is None:
        return 0
    run(hub, claim, keeper)
    return len(claim.tasks)


def run(hub: Hub, claim: Claim, keeper: "Keeper | None" = None) -> None:
    """Do a claimed set. If it fails as a whole, its tasks are done one by one, so that only the culprit is stopped."""
    if keeper:
        keeper.hold(claim)
    try:
        with structlog.contextvars.bound_contextvars(task=claim.tasks[0].id):
            _attempt(hub, claim)
    finally:
        if keeper:
            keeper.drop(claim)


def _attempt(hub: Hub, claim: Claim) -> None:
    try:
        KINDS[claim.kind].flow(hub, claim)
        _finish(hub, claim)
        log.info("done", kind=claim.kind, tasks=len(claim.tasks), merchant=claim.merchant, connection=claim.connection)
    except LostLease:
        log.warning("lease lost", kind=claim.kind, tasks=len(claim.tasks), merchant=claim.merchant)
    except CONNECTION_WIDE as error:
        if isinstance(error, Unavailable) and len(claim.tasks) > 1 and all(task.tries > 1 for task in claim.tasks):
            _one_by_one(hub, claim)
            return
        _close_connection(hub, claim, error)
        _record_all(hub, claim, error)
    except Exception as error:
        if len(claim.tasks) > 1:
            _one_by_one(hub, claim)
        else:
            _record_all(hub, claim, error)


def _one_by_one(hub: Hub, claim: Claim) -> None:
    """A set that failed unexpectedly, or got no answer for the second time: it may be one of them that has none, whatever is tried."""
    for task in claim.tasks:
        _attempt(hub, Claim([task]))


def _finish(hub: Hub, claim: Claim) -> None:
    if not claim.finished:
        with hub.database.write() as db:
            tasks.record(db, claim, hub.now, hub.box(claim.merchant).seal_text)


def _record_all(hub: Hub, claim: Claim, error: BaseException) -> None:
    """What was said of them before the error counts only if it was committed; then they are no longer ours to record."""
    claim.finished = False
    claim.outcomes = {task.id: judge(error, task, hub.jitter()) for task in claim.tasks}
    first = claim.outcome(claim.tasks[0])
    log.warning("failed", kind=claim.kind, subject=claim.subjects[0], merchant=claim.merchant, cause=first.cause, error=first.detail)
    try:
        _finish(hub, claim)
    except LostLease:
        log.warning("lease lost", kind=claim.kind, merchant=claim.merchant)
    if first.state == "due":
        hub.bell.ring(bell_of(QUEUES[claim.kind]), first.wait_s)


def judge(error: BaseException, task: Task, jitter: float) -> Outcome:
    """What becomes of a task that failed. What is not one of our errors is a bug: parked at once with its traceback."""
    cause, detail, words = type(error).__name__, str(error), error.words if isinstance(error, HubError) else ""
    match error:
        case RateLimited():
            return Outcome("due", error.wait_s, counts=False, cause=cause, detail=detail)
        case AccessLost():
            return Outcome("due", counts=False, cause=cause, detail=detail, words=words)
        case Stale():
            return Outcome("due", cause=cause, detail=detail) if task.tries <= 10 else Outcome("parked", cause=cause, detail=detail)
        case Unavailable() | OutcomeUnknown():
            wait = wait_s(task.tries, jitter, RENEWAL_WAITS_S if error.facts.get("renewing") else WAITS_S)
            return Outcome("parked" if wait is None else "due", wait or 0.0, cause=cause, detail=detail)
        case Refused() | BadPayload():
            return Outcome("parked", cause=_known(error), detail=detail, words=words)
        case _ if is_too_busy(error):
            return Outcome("due", 0.05 + jitter / 10, counts=False, cause="Busy", detail="the database was busy")
        case _:
            return Outcome("parked", cause=cause, detail=where(error))


def _known(error: BaseException) -> str:
    """The kind of an error by which its cause is known: a flow's own kind of refusal is a refusal."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((name for name in names if name in OF_ERRORS), names[0])


HOUSE = ("/core/", "/connectors/", "/config/", "/web/")


def where(error: BaseException) -> str:
    """A bug's kind and its innermost places in our own code; no values, since they may be somebody's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if any(room in frame.filename for room in HOUSE)]
    places = [f"{frame.filename.rsplit('/', 2)[-2]}/{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames[-4:]]
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return f"bug: {type(error).__name__}{f' {state}' if state else ''} at {' > '.join(places)}"


def _close_connection(hub: Hub, claim: Claim, error: HubError) -> None:
    """The circuit breaker: a connection that is limited or silent is left alone for a while, one without access until a person acts."""
    if not claim.connection:
        return
    with hub.database.write() as db:
        match error:
            case AccessLost():
                connections.set_state(db, claim.connection, "needs_login", str(error))
            case RateLimited() if error.facts.get("operation") is None:
                connections.block(db, claim.connection, hub.now + int(error.wait_s * 1e6))
            case Unavailable():
                pause_s = wait_s(claim.tasks[0].tries, hub.jitter()) or 60.0
                connections.block(db, claim.connection, hub.now + int(min(pause_s, 60.0) * 1e6))


class Keeper:
    """Renews the leases of what this process holds, every second, until told to stop."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._held, self._lock = hub, list[Claim](), threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="keeper", daemon=True)

    def start(self) -> "Keeper":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()

    def hold(self, claim: Claim) -> None:
        with self._lock:
            self._held.append(claim)

    def drop(self, claim: Claim) -> None:
        with self._lock:
            self._held = [one for one in self._held if one is not claim]

    def _loop(self) -> None:
        while not self._stop.wait(1.0):
            with self._lock:
                held = [task for claim in self._held for task in claim.tasks]
            if held:
                self._renew(held)

    def _renew(self, held: list[Task]) -> None:
        try:
            with self._hub.database.write() as db:
                tasks.renew(db, held, self._hub.now)
        except Exception as error:  # a lease that cannot be renewed runs out; the work is then another's
            log.warning("leases not renewed", error=type(error).__name__)


def sweep(hub: Hub) -> set[str]:
    """Take back what silent workers held, and ring for everything that is due."""
    with hub.database.write() as db:
        revived = tasks.revive(db, hub.now)
    if revived:
        log.warning("took back tasks of silent workers", tasks=revived)
    with hub.database.read() as db:
        queues = tasks.due_queues(db, hub.now)
    for queue in queues:
        hub.bell.ring(queue)
    return queues
