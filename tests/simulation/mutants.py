"""Mistakes that are planted into the product while a world runs, one at a time: a simulation that finds none of them proves nothing.

Each is a patch of a function or of a statement, made here and nowhere else. A patch of a text fails where the text is not as it was.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from typing import Any

from core.domain import order_entries
from core.domain.ahead import Promise
from core.domain.exposure import NO_RULE, exposure
from core.domain.journal import Account
from core.domain.matching import Cause
from core.domain.money import Money
from core.domain.order import Liable
from core.domain.payouts import Leaf
from core.domain.shipments import Stop
from core.domain.shipping import Sought, Voided, Voiding
from core.domain.tasks import DONE, Outcome, Task
from core.errors import AccessLost, LostLease, OutcomeUnknown, RateLimited, Unavailable
from core.flows import releasing
from core.ports import Told
from core.store import connections
from core.store.orders import Known
from core.store.tables import us

Patch = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Mutant:
    """`seed` is the first that kills it."""

    words: str
    world: str
    knob: str
    seed: int
    patches: tuple[tuple[str, Callable[[Any], Any]], ...]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While this lasts the product has that mistake; "" is none."""
    with ExitStack() as stack:
        for target, make in ALL[name].patches if name else ():
            _swap(stack, target, make)
        yield


def _swap(stack: ExitStack, target: str, make: Callable[[Any], Any]) -> None:
    """`target` is module:name or module:Class.name."""
    module, _, path = target.partition(":")
    owner: Any = import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    was = owner.__dict__[name]
    setattr(owner, name, make(was))
    stack.callback(setattr, owner, name, was)


def text(old: str, new: str) -> Callable[[str], str]:
    """A statement without, or with other, words."""

    def change(was: str) -> str:
        assert old in was, f"not in the statement any more: {old}"
        return was.replace(old, new)

    return change


def gives(value: Any) -> Callable[[Any], Any]:
    return lambda _: lambda *_, **__: value


def after(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """The function as it is, but what it gives is changed: change(result, *arguments)."""
    return lambda was: lambda *of, **named: change(was(*of, **named), *of)


def becomes(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda _: function


def _first_done(was: Any) -> Any:
    """The task is over before what it does is."""

    def run(hub: Any, claim: Any) -> None:
        with hub.unit(claim):
            pass
        was(hub, claim)

    return run


def _flow(kind: str, make: Callable[[Any], Any]) -> tuple[str, Callable[[Any], Any]]:
    return "core.jobs:KINDS", lambda was: {**was, kind: replace(was[kind], flow=make(was[kind].flow))}


def _judge(*errors: type[Exception]) -> Callable[[Any], Any]:
    return lambda was: lambda error, task, jitter: DONE if isinstance(error, errors) else was(error, task, jitter)


def _row(**different: Any) -> Callable[[Any], Any]:
    return after(lambda row, *_: row | different)


def _nothing_twice(was: Any) -> Any:
    """What was booked before is booked again."""
    return lambda self, line, *of: was(self, replace(line, booked_gone=0), *of)


def _back_twice(was: Any) -> Any:
    return lambda self, line: was(self, replace(line, booked_back=0))


def _stale_is_shown(was: Any) -> Any:
    def row(one: Any, push: Any, answer: Any, day: str) -> Any:
        return was(one, push, replace(answer, told=Told.SHOWN) if answer and answer.told is Told.STALE else answer, day)

    return row


def _accepted_is_shown(was: Any) -> Any:
    def row(one: Any, push: Any, answer: Any, day: str) -> Any:
        return was(one, push, replace(answer, told=Told.SHOWN) if answer and answer.told is Told.ACCEPTED else answer, day)

    return row


def _always_sure(was: Any) -> Any:
    return lambda self, one: replace(was(self, one), sure=one.shown is not None)


def _bounded_poll(was: Any) -> Any:
    """What changed in the last three seconds is not told, nor that it was there before."""
    return lambda shop, since, now: [one for one in was(shop, since, now) if us(one.revision) < now - 3_000_000]


def _mark_first(was: Any) -> Any:
    """The mark moves on before what was read is kept."""

    def run(hub: Any, claim: Any) -> None:
        one = hub.connection(claim.connection)
        with hub.unit(claim, finish=False) as work:
            connections.set_mark(work.db, one.merchant, one.id, "orders", us(hub.clock()) - 3_000_000)
        was(hub, claim)

    return run


def _known_without_digest(reading: Any, ref: str, one: Any, known: Known | None) -> bool:
    return known is None or us(one.order.revision) > known.revision


def _free_of_all(self: Any, sku: str, place: str) -> int:
    return max(0, self.levels.get((sku, place), (0, 0))[0])


def _held_anyhow(self: Any, claim: Any) -> list[Any]:
    found = [self.tasks.get((task.kind, task.subject)) for task in claim.tasks]
    if not all(found):
        raise LostLease
    return found


def _confirmed_anyhow(self: Any, read: Any, began: int) -> None:
    for one, shown in read:
        row = self.rows[one.id]
        if row.changed == one.changed == row.told and row.heard == one.heard:
            row.changed += shown != row.shown
            row.accepted_at, row.shown, row.shown_from, row.shown_at, row.figure_at = None, shown, began, self.now, self.now


def _keeps_share(was: Any) -> Any:
    def sold(self: Any, row: Any, moved: Any) -> None:
        share = row.share
        was(self, row, moved)
        row.share = share

    return sold


def _seen_as(**different: Any) -> tuple[str, Callable[[Any], Any]]:
    """Of what stops a shipment something is not seen."""
    return "core.flows.releasing:stops", lambda was: lambda order, **known: was(order, **{**known, **different})


def _key_anew(was: Any) -> Any:
    """What the carrier keeps is not the key by which it is asked."""
    return lambda self, wish, service, key: was(self, wish, service, f"{len(self.system.purchases)} {key}")


def _lost_is_written(was: Any) -> Any:
    def judged(error: BaseException, task: Task, jitter: float) -> Outcome:
        return DONE if task.kind == "post_document" and isinstance(error, OutcomeUnknown) else was(error, task, jitter)

    return judged


def _told_as(this: Cause, that: Cause) -> Callable[[Any], Any]:
    return after(lambda cause, *_: that if cause is this else cause)


def _declared_twice(was: Any) -> Any:
    def held(*of: Any) -> Any:
        one = was(*of)
        again = [replace(each, id=f"{each.id} again") for each in one.movements if each.order]
        return replace(one, movements=(*one.movements, *again))

    return held


def _no_opening(was: Any) -> Any:
    """Under which item money of an order that is older than the books stands, as if it were younger."""
    return lambda connection, one, part, rules, item_of: was(connection, one, part, replace(rules, starts=date.min), item_of)


P, Q = "pure", "quota"
STOCK, DESK, PUBLISH = "core.domain.stock", "core.domain.stock:_Desk.", "core.flows.stock"
LEDGER = "tests.simulation.ledger:Ledger."


def _dock(words: str, seed: int, target: str, make: Callable[[Any], Any]) -> Mutant:
    return Mutant(words, "sqlite", "dock", seed, ((target, make),))


def _books(words: str, seed: int, target: str, make: Callable[[Any], Any]) -> Mutant:
    return Mutant(words, "sqlite", "books", seed, ((target, make),))


def _kept(line: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Of what is appended to the journal only such lines."""
    return after(lambda lines, *_: [one for one in lines if line(one)])


def _twice(was: Any) -> Any:
    """Each refund, and once more under another key."""
    return lambda *of: [again for one in was(*of) for again in (one, one and replace(one, key=f"{one.key} again"))]


ALL: dict[str, Mutant] = {
    # ---- shelves
    "reserve-unread": Mutant(
        "a reservation that does not look what is reserved", P, "plain", 1, ((DESK + "_free", becomes(_free_of_all)),)
    ),
    "cancel-keeps": Mutant(
        "a cancelled order keeps what it holds", P, "plain", 1, ((DESK + "_release", becomes(lambda _, line, mine, held: held)),)
    ),
    "ship-twice": Mutant("what left leaves again at the next look", P, "plain", 2, ((DESK + "_leave", _nothing_twice),)),
    "ship-unreserved": Mutant(
        "what left stays reserved", P, "plain", 1, ((DESK + "_leave", after(lambda _, desk, line, mine, held: held)),)
    ),
    "return-lost": Mutant("what comes back is not put on a shelf", P, "plain", 2, ((DESK + "_return_to_shelf", gives(None)),)),
    "never-waits": Mutant(
        "who gets less than ordered does not wait",
        P,
        "plain",
        1,
        ((DESK + "_write", lambda was: lambda self, line, mine, booked, waits: was(self, line, mine, booked, None)),),
    ),
    "never-frees": Mutant(
        "who waits is not looked at when stock is free", P, "plain", 5, ((STOCK + ":Plan.frees", becomes(property(lambda _: False))),)
    ),
    "kit-loosest": Mutant(
        "of a kit the most plentiful part counts",
        P,
        "plain",
        1,
        (
            (
                "core.domain.exposure:promise",
                becomes(lambda parts, free, *_: Promise(max(max(0, free.get(sku, 0)) // each for sku, each in parts.items()), 0, 0)),
            ),
        ),
    ),
    "kit-one-part": Mutant(
        "of a kit only its first part is reserved",
        P,
        "plain",
        1,
        (
            (
                DESK + "_reserve_part",
                lambda was: (
                    lambda self, line, mine, sku, units: was(self, line, mine, sku, units) if sku == next(iter(line.parts)) else None
                ),
            ),
        ),
    ),
    "no-buffer": Mutant(
        "what is kept back is shown",
        P,
        "plain",
        2,
        (("core.domain.exposure:_bounded", lambda was: lambda made, kept, rule: was(made, 0, rule)),),
    ),
    "off-by-one": Mutant(
        "one more is shown than there is",
        P,
        "plain",
        1,
        (("core.domain.exposure:_bounded", after(lambda found, *_: (found[0] + 1, found[1]))),),
    ),
    "return-twice": Mutant("what came back comes back again at the next look", P, "plain", 7, ((DESK + "_take_back", _back_twice),)),
    # ---- orders
    "gone-unseen": Mutant(
        "what left demands nothing of a shelf", P, "plain", 1, (("core.flows.settling:dues", after(lambda due, *_: replace(due, gone=0))),)
    ),
    "cancelled-demands": Mutant(
        "a cancelled order demands what is open",
        P,
        "plain",
        1,
        (("core.flows.settling:dues", after(lambda due, order, line, *_: replace(due, hold=line.open))),),
    ),
    "old-wins": Mutant("an older copy of an order overwrites a newer one", P, "plain", 3, (("core.flows.intake:_wanted", gives(True)),)),
    "same-second": Mutant(
        "two changes in one second count as one", P, "plain", 6, (("core.flows.intake:_wanted", becomes(_known_without_digest)),)
    ),
    "sold-again": Mutant(
        "each look at an order takes its units off what is believed to be shown",
        P,
        "plain",
        3,
        (("core.flows.settling:_sold", becomes(lambda order, line, old, before: line.ordered)),),
    ),
    "never-sold": Mutant(
        "a sale does not lower what is believed to be shown", P, "plain", 10, (("core.flows.settling:_new_sold", gives(0)),)
    ),
    "sold-whenever": Mutant(
        "it is not asked whether a sale fell into the call that read the figure",
        P,
        "plain",
        1,
        (("core.flows.allocation:_lowered", becomes(lambda wish, *_: wish.sold)),),
    ),
    "edit-unseen": Mutant(
        "an edited line demands what it did before",
        P,
        "plain",
        8,
        (
            (
                "core.flows.settling:_due",
                after(
                    lambda due, view, id, order, line, before: replace(
                        due, hold=min(due.hold, max([one.open for one in before.order.lines if one.id == line.id], default=0))
                    )
                ),
            ),
        ),
    ),
    # ---- stock out
    "push-blind": Mutant(
        "a push says not what it expects", P, Q, 8, ((PUBLISH + ":_push", after(lambda push, *_: replace(push, expected=None))),)
    ),
    "stale-is-shown": Mutant(
        "a push that was refused as stale counts as shown", P, "plain", 3, ((PUBLISH + ":_answer_row", _stale_is_shown),)
    ),
    "accepted-is-shown": Mutant(
        "what was only accepted is not read back", P, "plain", 13, ((PUBLISH + ":_answer_row", _accepted_is_shown),)
    ),
    "lost-is-shown": Mutant(
        "a push without an answer is not looked at", P, "plain", 6, ((PUBLISH + ":unknown", becomes(lambda one: one.shown is None)),)
    ),
    "raise-unread": Mutant(
        "more is shown before the orders are read past the figure",
        P,
        "plain",
        1,
        ((PUBLISH + ":hold_back", lambda was: lambda tell, began, read_to, *, taken: was(tell, began, 1 << 62, taken=taken)),),
    ),
    "raise-untaken": Mutant(
        "more is shown while orders that were read wait",
        P,
        "plain",
        1,
        ((PUBLISH + ":hold_back", lambda was: lambda tell, began, read_to, *, taken: was(tell, began, read_to, taken=True)),),
    ),
    "owed-is-shown": Mutant(
        "what orders wait for is shown to others",
        P,
        "plain",
        1,
        (
            (
                "tests.simulation.ledger:Ledger.wanted",
                becomes(lambda self, row: exposure(row.parts, {sku: self.free(sku) for sku in row.parts}, NO_RULE, row.buffer).units),
            ),
        ),
    ),
    "confirm-stale": Mutant(
        "what was told while something was read back counts as read", P, "plain", 351, ((LEDGER + "confirm", becomes(_confirmed_anyhow)),)
    ),
    "deal-back": Mutant("what a channel shows again by itself is dealt to others", P, Q, 158, (("core.flows.settling:_back", gives(0)),)),
    "never-lower": Mutant(
        "less is never told",
        P,
        "plain",
        1,
        (
            (
                PUBLISH + ":decide",
                after(
                    lambda found, *_: ([(one, push) for one, push in found[0] if push.quantity > (push.expected or 0)], found[1], found[2])
                ),
            ),
        ),
    ),
    # ---- quota
    "deal-unsure": Mutant(
        "a part is raised before the orders are read past the figure", P, Q, 272, (("core.flows.sharing:Ground.owner", _always_sure),)
    ),
    "deal-shown": Mutant(
        "a listing holds what it shows, and no more", P, Q, 7, (("core.flows.sharing:_holds", becomes(lambda one, *, known: one.shown)),)
    ),
    "deal-once": Mutant(
        "a channel that sets holds only what it is told",
        P,
        Q,
        3,
        (
            (
                "core.domain.sharing:_given",
                lambda was: lambda left, one, wanted, holds: was(left, replace(one, compares=True), wanted, holds),
            ),
        ),
    ),
    "deal-twice": Mutant("what one was dealt is dealt to the next", P, Q, 1, (("core.domain.sharing:_Shelves._take", gives(True)),)),
    "deal-busy": Mutant(
        "a listing that was told and has not answered is sure",
        P,
        Q,
        27,
        (("core.flows.sharing:Ground.owner", lambda was: lambda self, one: was(self, replace(one, busy=False))),),
    ),
    "deal-unknown": Mutant(
        "what a listing may sell that nobody knows is dealt to others", P, Q, 17, (("core.domain.sharing:_Shelves.shut", gives(None)),)
    ),
    "deal-more": Mutant(
        "one more is dealt than is left", P, Q, 1, (("core.domain.sharing:_Shelves.most", after(lambda units, *_: units + 1)),)
    ),
    # ---- what the pure world says in the place of core.store
    "no-fence": Mutant("a worker without its lease writes", P, "plain", 14, ((LEDGER + "held", becomes(_held_anyhow)),)),
    "sale-keeps-part": Mutant("a sale does not lower what a listing was dealt", P, Q, 4, ((LEDGER + "_sold", _keeps_share),)),
    "poll-bounded": Mutant(
        "an order that changed again falls between two polls", P, "plain", 62, (("tests.simulation.shops:Shop.changed", _bounded_poll),)
    ),
    # ---- tasks, with the whole hub
    "done-first": Mutant("a task is over before its effects are written", "sqlite", "plain", 1, (_flow("take_orders", _first_done),)),
    "publish-done-first": Mutant("a channel counts as told before it is", "sqlite", "plain", 1, (_flow("publish_stock", _first_done),)),
    "never-revived": Mutant(
        "nobody takes back what a dead worker held",
        "sqlite",
        "plain",
        2,
        (("core.store.tasks:REVIVE", text("where id in", "where 1 = 0 and id in")),),
    ),
    "again-lost": Mutant(
        "what is asked for while it is done is forgotten",
        "sqlite",
        "plain",
        3,
        (("core.store.tasks:ASK", text("then true else tasks.again", "then tasks.again else tasks.again")),),
    ),
    "429-is-done": Mutant("a call that was limited counts as done", "sqlite", "plain", 21, (("core.jobs:judge", _judge(RateLimited)),)),
    "5xx-is-done": Mutant("a call without an answer counts as done", "sqlite", "plain", 22, (("core.jobs:judge", _judge(Unavailable)),)),
    "never-verified": Mutant(
        "what was accepted is never looked at", "sqlite", "plain", 1, (_flow("verify_stock", lambda _: lambda hub, claim: None),)
    ),
    "expired-is-done": Mutant(
        "a call with an expired login counts as done", "sqlite", "rush", 40, (("core.jobs:judge", _judge(AccessLost)),)
    ),
    "blocked-for-ever": Mutant(
        "a limited connection is left alone for a day",
        "sqlite",
        "plain",
        1,
        (("core.store.connections:block", lambda was: lambda db, id, until: was(db, id, until + 86_400_000_000)),),
    ),
    # ---- what is written, with the whole hub
    "taken-again": Mutant(
        "an order is taken at each look",
        "sqlite",
        "plain",
        1,
        (("core.flows.intake:changes", lambda was: lambda before, order: was(None, order)),),
    ),
    "hint-unread": Mutant(
        "a notice without a body is not followed", "sqlite", "plain", 1, (("core.flows.intake:_ask_fetches", gives(None)),)
    ),
    "inbox-left": Mutant("a notice that was read is not closed", "sqlite", "plain", 2, (("core.store.inbox:close", gives(None)),)),
    "mark-first": Mutant("the mark moves on before the page is kept", "sqlite", "rush", 3, (_flow("poll_orders", _mark_first),)),
    "release-kept": Mutant(
        "a reservation that ended is not deleted",
        "sqlite",
        "plain",
        1,
        (("core.store.stock:RELEASE", text("where (", "where 1 = 0 and (")),),
    ),
    "level-half": Mutant(
        "a shelf's reserved units are written, those that left are not",
        "sqlite",
        "plain",
        1,
        (("core.store.stock:CHANGE", text("set on_hand = levels.on_hand + r.on_hand,", "set on_hand = levels.on_hand,")),),
    ),
    "others-untold": Mutant(
        "a sale is told to the channel that made it", "sqlite", "plain", 2, (("core.store.listings:touch", gives(set())),)
    ),
    "never-raised": Mutant("what waits to be raised is forgotten", "sqlite", "plain", 1, (("core.store.listings:raise_again", gives(0)),)),
    "copy-counts": Mutant("a copy of an order reserves too", "sqlite", "kin", 1, (("core.domain.kin:Kin.rests", gives(False)),)),
    "merged-unlinked": Mutant(
        "what a cancelled order held for one that never came is kept", "sqlite", "kin", 5, (("core.flows.intake:_ask_links", gives(None)),)
    ),
    "copy-unseen": Mutant(
        "an order that says whose copy it is, is not believed", "sqlite", "kin", 1, (("core.domain.kin:Family._copy_of", gives(None)),)
    ),
    # ---- what is sent
    "buy-unlooked": _dock(
        "a label is bought again without looking whether it was",
        2,
        "core.flows.labelling:_buy",
        becomes(lambda hub, _, account, one: hub.carrier(account).buy(one.wish, one.service, one.id)),
    ),
    "key-anew": _dock("the carrier is given another key at each try", 1, "connectors.bogus.carrier:BogusCarrier.buy", _key_anew),
    "blind-is-absent": _dock(
        "a carrier that cannot be asked counts as one that sold nothing",
        2,
        "connectors.bogus.carrier:BogusCarrier.find",
        after(lambda found, *_: Sought.ABSENT if found is Sought.CANNOT_TELL else found),
    ),
    "late-is-absent": _dock(
        "what a carrier does not know yet counts as not bought",
        19,
        "tests.simulation.dock:manifest",
        after(lambda one, *_: replace(one, carries=replace(one.carries, lookup_s=0))),
    ),
    "lost-is-done": _dock("a change whose answer is lost counts as done", 1, "core.jobs:judge", _judge(OutcomeUnknown)),
    "confirm-unasked": _dock(
        "a channel is told again without asking whether it knows",
        3,
        "core.flows.sending:_begin",
        after(lambda one, *_: one and replace(one, before=False)),
    ),
    "told-all": _dock(
        "of each parcel all units of its shipment are told",
        1,
        "core.flows.sending:said",
        lambda was: lambda facts, one, parcel, *of: was(facts, one, replace(parcel, contents=None), *of),
    ),
    "void-unwaited": _dock(
        "a shipment is taken apart before its label is given back",
        1,
        "core.flows.releasing:take_apart",
        becomes(lambda hub, work, merchant, some, why="": releasing.cancel(work, merchant, some, why)),
    ),
    "label-kept": _dock("what is taken apart keeps its label", 3, "core.store.parcels:GIVE_BACK", text("then 'voiding'", "then 'bought'")),
    "refused-is-voided": _dock(
        "a label that its carrier does not take back counts as given back",
        10,
        "core.flows.labelling:_voided",
        lambda was: lambda hub, work, merchant, one, _: was(hub, work, merchant, one, Voiding(Voided.VOIDED)),
    ),
    "released-kept": _dock(
        "what was taken apart stays released",
        1,
        "core.flows.releasing:_moves",
        lambda was: lambda loads, sign: was(loads, sign) if sign > 0 else [],
    ),
    "sent-unmoved": _dock("what is sent stays on its shelf", 1, "core.flows.settling:link", gives(None)),
    "cancelled-goes": _dock(
        "a shipment of a cancelled order goes on",
        1,
        "core.flows.releasing:stops",
        after(lambda found, *_: None if found is Stop.CANCELLED else found),
    ),
    "wish-goes": _dock("a shipment goes on whose buyer wishes to cancel", 3, *_seen_as(waived=True)),
    "held-goes": _dock("a shipment of an order that is held goes on", 3, *_seen_as(held=False)),
    "fewer-goes": _dock("a shipment goes on that has more than its order", 1, *_seen_as(over=False)),
    "address-goes": _dock("a shipment goes to an address of before", 15, *_seen_as(was="")),
    "off-goes": _dock("what is called off is sent", 2, "core.store.callings:stopping", gives((set(), set()))),
    # ---- books
    "document-blind": Mutant(
        "a document whose answer was lost is written again, in a ledger that keeps no keys",
        "sqlite",
        "books",
        4,
        (("connectors.bogus.ledger:BogusBooks.found", gives(None)), ("connectors.bogus.ledger:BogusBooks.known", gives(None))),
    ),
    "document-lost": _books("a document whose answer is lost counts as written", 4, "core.jobs:judge", _lost_is_written),
    "greenwich": _books(
        "a day is Greenwich's, not the merchant's", 4, "core.domain.order_entries:Rules.day", becomes(lambda _, at: at.date())
    ),
    "refund-twice": _books("a refund is booked twice", 1, "core.domain.order_entries:_refunds", _twice),
    "closed-dropped": _books("what falls into a closed period is forgotten", 5, "core.flows.books:due", _kept(lambda one: one.due is None)),
    "reversal-alone": _books(
        "what turns out otherwise is taken back and not booked anew",
        2,
        "core.flows.books:due",
        _kept(lambda one: one.reverses or one.version == 1),
    ),
    "reversal-lost": _books("what turns out otherwise is not taken back", 2, "core.flows.books:due", _kept(lambda one: not one.reverses)),
    "line-lost": _books(
        "the last line of each page of a payout is lost",
        1,
        "core.flows.payouts:_hold",
        lambda was: lambda work, connection, payout, found, *, first: was(work, connection, payout, found[:-1], first=first),
    ),
    "sum-unseen": _books(
        "a payout that is not what its lines come to is awaited", 1, "core.domain.matching:_of_no_order", gives(Cause.AWAITED)
    ),
    "cent-unseen": _books(
        "what differs is no break",
        2,
        "core.flows.accounts:cause_of",
        after(lambda cause, *_: None if cause is Cause.DIFFERS else cause),
    ),
    "put-elsewhere": _books("an entry is put into no document", 1, "core.store.documents:put", gives(None)),
    "payout-unbanked": _books("a payout never reaches the bank", 1, "core.domain.payout_entries:_paid", gives(None)),
    "gift-earned": _books(
        "a gift card that is sold is revenue",
        1,
        "core.domain.order_entries:_sold",
        lambda _: lambda line, order: order_entries._earned(line.charge, Account.SALES, order),
    ),
    "gift-cleared": _books("what a gift card pays is awaited from the channel", 1, "core.domain.order_entries:OTHERWISE", lambda _: {}),
    "their-tax-awaited": _books(
        "tax that the channel pays is awaited from it",
        2,
        "core.domain.order_entries:_withheld",
        lambda _: lambda order, refund: Money.zero(order.currency),
    ),
    "their-tax-owed": _books(
        "tax that the channel pays is owed by us",
        2,
        "core.domain.order_entries:_tax",
        lambda was: lambda tax, *of: was(replace(tax, liable=Liable.SELLER), *of),
    ),
    "refund-untaxed": _books("a refund gives no tax back", 1, "core.domain.order_entries:_lowered", after(lambda sides, *_: sides[:1])),
    "before-the-books": _books(
        "what was sold before the books began is booked",
        1,
        "core.flows.books:entries_of",
        lambda was: lambda order, rules, *of: was(order, replace(rules, starts=date.min), *of),
    ),
    "old-money": _books("money of orders from before the books meets nothing", 1, "core.domain.payout_entries:_item", _no_opening),
    "reserve-spent": _books(
        "what a channel keeps back is an expense",
        1,
        "core.domain.payout_entries:ACCOUNTS",
        lambda was: {**was, Leaf.RESERVE: Account.ADJUSTMENTS},
    ),
    "advertising-hidden": _books(
        "advertising is a selling fee",
        1,
        "core.domain.payout_entries:ACCOUNTS",
        lambda was: {**was, Leaf.ADVERTISING: Account.SELLING_FEES},
    ),
    "currency-blind": _books(
        "money that came in another currency only differs", 3, "core.flows.accounts:cause_of", _told_as(Cause.CURRENCY, Cause.DIFFERS)
    ),
    "twice-differs": _books("money that came twice only differs", 7, "core.flows.accounts:cause_of", _told_as(Cause.TWICE, Cause.DIFFERS)),
    "stranger-awaited": _books(
        "money of orders that nobody knows is awaited", 1, "core.flows.accounts:cause_of", _told_as(Cause.NOT_OURS, Cause.AWAITED)
    ),
    "bank-unread": _books("what the bank shows of a payout counts for nothing", 3, "core.domain.payout_entries:_not_banked", gives([])),
    "deposit-unread": _books("what a deposit lacks counts for nothing", 11, "core.flows.payouts:of_deposit", gives([])),
    "deposit-and-alone": _books(
        "what somebody typed of a payout counts beside its deposit",
        6,
        "core.store.deposits:HOLD",
        text("set in_deposit = :deposit, banked = null", "set in_deposit = :deposit"),
    ),
    "declared-twice": _books("a declared deposit settles its orders twice", 1, "core.flows.gateways:declared", _declared_twice),
    "hand-unseen": _books(
        "what somebody changed in the ledger is not seen",
        2,
        "core.store.documents:SEEN",
        text("shape_now = :shape_now", "shape_now = null"),
    ),
}
