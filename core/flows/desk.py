"""Staff at work on orders: hold, release, note, tag; one or thousands. Each is written down, done once, and can be taken back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from core.domain.acts import AT_ONCE, MOST, UNDOES, Act
from core.domain.events import Event, NoteAdded, OrderHeld, OrderReleased, TagAdded, TagRemoved
from core.domain.tasks import Claim
from core.domain.who import Who
from core.hub import Hub
from core.store import acts, audit, desk
from core.store.acts import Deed
from core.store.desk import Changed
from core.store.unit import Unit


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """`id` is new for each wish and the same when it is sent again; `detail` is why to hold, or which tag; `words` a note."""

    id: str
    act: Act
    orders: Sequence[str]
    detail: str = ""
    words: str = ""


def act(hub: Hub, merchant: str, who: Who, wish: Wish) -> Deed:
    """Do this to these orders: at once where they are few, else by a task. Sent again, it is not done again."""
    with hub.unit() as work:
        return act_in(hub, work, merchant, who, wish)


def act_in(hub: Hub, work: Unit, merchant: str, who: Who, wish: Wish) -> Deed:
    """The same in the caller's transaction."""
    orders = dict.fromkeys(list(dict.fromkeys(wish.orders))[:MOST], wish.detail)
    deed = Deed(wish.id, merchant, who.id, who.name, wish.act, orders, wish.detail, wish.words, at=hub.now)
    if not acts.begin(work.db, deed, hub.box(merchant)):
        return acts.find(work.db, merchant, deed.id, hub.box(merchant)) or deed
    _audit(work, deed)
    return _begin(hub, work, deed)


def _begin(hub: Hub, work: Unit, deed: Deed) -> Deed:
    if len(deed.orders) <= AT_ONCE:
        return _step(hub, work, deed)
    work.ask(deed.merchant, "act_on_orders", deed.id)
    return deed


def _audit(work: Unit, deed: Deed) -> None:
    subject = next(iter(deed.orders)) if len(deed.orders) == 1 else deed.id
    said = {"detail": deed.detail} if deed.detail else {}
    audit.write(work.db, deed.merchant, work.now, deed.who, deed.name, f"order.{deed.act}", subject, orders=len(deed.orders), **said)


def act_on_orders(hub: Hub, claim: Claim) -> None:
    """One step of a long one; asks for itself again while there is more."""
    with hub.unit(claim) as work:
        deed = acts.find(work.db, claim.merchant, claim.subjects[0], hub.box(claim.merchant), lock=True)
        if deed is not None and deed.ended_at is None and _step(hub, work, deed).ended_at is None:
            work.ask(claim.merchant, "act_on_orders", deed.id)


def _step(hub: Hub, work: Unit, deed: Deed) -> Deed:
    """The next of its orders."""
    orders = dict(islice(deed.orders.items(), deed.done, deed.done + AT_ONCE))
    done = DOES[deed.act](hub, work, deed, orders) if orders else {}
    changed = {id: done[id] for id in orders if id in done}  # as the person named them; a database answers in any order
    work.happened(deed.merchant, [(ref, _fact(deed, why)) for ref, why in changed.values()])
    return acts.go_on(work.db, deed, {id: why for id, (_, why) in changed.items()}, deed.done + len(orders), work.now)


Doing = Callable[[Hub, Unit, Deed, Mapping[str, str]], Changed]
DOES: dict[Act, Doing] = {
    Act.HOLD: lambda hub, work, deed, whys: desk.hold(work.db, deed.merchant, whys, work.now),
    Act.RELEASE: lambda hub, work, deed, whys: desk.release(work.db, deed.merchant, whys),
    Act.TAG: lambda hub, work, deed, whys: desk.tag(work.db, deed.merchant, whys, deed.detail),
    Act.UNTAG: lambda hub, work, deed, whys: desk.untag(work.db, deed.merchant, whys, deed.detail),
    Act.NOTE: lambda hub, work, deed, whys: desk.note(
        work.db, deed.merchant, list(whys), deed.words, (deed.who, deed.name), hub.box(deed.merchant), work.now
    ),
}


def _fact(deed: Deed, why: str) -> Event:
    match deed.act:
        case Act.HOLD:
            return OrderHeld(why, deed.name)
        case Act.RELEASE:
            return OrderReleased(deed.name)
        case Act.NOTE:
            return NoteAdded(deed.name)
        case Act.TAG:
            return TagAdded(deed.detail, deed.name)
        case Act.UNTAG:
            return TagRemoved(deed.detail, deed.name)


def undo(hub: Hub, merchant: str, who: Who, id: str, by: str) -> Deed | None:
    """Take an act back where it changed something; `by` is the new act's id. None: there is no such act, it is not over, or cannot be
    taken back, or was."""
    box = hub.box(merchant)
    with hub.unit() as work:
        done = acts.find(work.db, merchant, id, box, lock=True)
        if done is None or done.act not in UNDOES or not done.changed or not acts.undo(work.db, merchant, id, by):
            return None
        back = Deed(by, merchant, who.id, who.name, UNDOES[done.act], done.changed, done.detail, at=hub.now)
        acts.begin(work.db, back, box)
        _audit(work, back)
        return _begin(hub, work, back)
