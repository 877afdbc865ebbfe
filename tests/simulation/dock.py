"""The dock of a world: a carrier, a person who packs, buys labels, voids and sends, buyers who change their minds meanwhile; and a judge
of what is promised about it.

What the carrier sold and what the channels were told is the truth; our books are asked after every commit whether they know of it.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from connectors.bogus.carrier import BogusPost, manifest
from connectors.bogus.channel import Bogus
from core.domain.acts import Act
from core.domain.shipments import Stop
from core.domain.shipping import CancelReason, Progress, Sent
from core.domain.who import Who
from core.errors import Refused
from core.flows import calling_off, desk, labelling, packing, releasing, sending
from core.flows.sending import Typed
from core.ports import CallsOff
from core.store import connections, shipments
from core.store.engine import Database
from tests.flows import acts
from tests.simulation.trouble import must

if TYPE_CHECKING:
    from tests.simulation.world import World

ANN = Who("u1", "Ann")
TOLD = ("confirm", "cancel", "answer")  # calls by which the hub changes an order at its channel, which tells of that as of any change
CHANGES = frozenset({"show", "buy", "void", *TOLD})
# Once these left, nobody can take them back: who sleeps past its lease right before does so for good.
IRREVOCABLE = frozenset({"publish_stock", "buy_labels", "confirm_parcels", "call_off_orders", "void_labels"})

OPEN = "('released', 'packed', 'labelled')"
LIVE = "('asked', 'bought', 'voiding')"
# Units are in one place, labels belong to what may use them, and numbers stand on what has a label.
ALWAYS = f"""
select 'released', l.order_id, l.line, l.released from order_lines l where l.released <> (
  select coalesce(sum(n.units), 0) from shipments s join shipment_lines n on n.shipment = s.id and n.line = l.line
  where s.order_id = l.order_id and s.state in {OPEN})
union all select 'sent', l.order_id, l.line, l.sent from order_lines l where l.sent <> (
  select coalesce(sum(n.units), 0) from shipments s join shipment_lines n on n.shipment = s.id and n.line = l.line
  where s.order_id = l.order_id and s.state = 'sent')
union all select 'sent and still on the shelf', l.order_id, l.line, l.sent from order_lines l where l.booked_gone < l.sent
union all select 'parted', n.shipment, n.line, n.units from shipment_lines n
  where exists (select 1 from parcels p where p.shipment = n.shipment and p.contents is not null) and n.units <> (
    select coalesce(sum(e.value), 0) from parcels p, json_each(p.contents) e where p.shipment = n.shipment and e.key = n.line)
union all select 'a label for nothing', u.id, s.state, u.state from purchases u join shipments s on s.id = u.shipment
  where u.state in {LIVE} and (s.state = 'cancelled' or (s.state = 'sent' and u.state <> 'bought'))
union all select 'no number', s.name, s.state, s.problem from shipments s join parcels p on p.shipment = s.id
  where (s.state = 'labelled' and p.tracking is null)
    or (s.state in ('released', 'packed') and p.tracking is not null and coalesce(s.problem, '') not in ('taking_apart', 'no_papers'))
"""
# What was begun outside is some open task's to go on with, or a person is asked.
FORGOTTEN = f"""
select 'bought', u.id from purchases u where u.state = 'asked' and not exists (
  select 1 from tasks t where t.kind = 'buy_labels' and t.subject = u.id and t.state <> 'done')
union all select 'voided', u.id from purchases u where u.state = 'voiding' and not exists (
  select 1 from tasks t where t.kind = 'void_labels' and t.subject = u.id and t.state <> 'done')
union all select 'told', p.id from shipments s join parcels p on p.shipment = s.id
  where s.state = 'sent' and p.told_at is null and p.told_problem is null and not exists (
    select 1 from tasks t where t.kind = 'confirm_parcels' and t.subject = p.id and t.state <> 'done')
union all select 'taken apart', s.name from shipments s
  where s.state in {OPEN} and s.problem in ('taking_apart', 'giving_back', 'no_papers') and not exists (
    select 1 from purchases u where u.shipment = s.id and u.state in ('asked', 'voiding'))
union all select 'called off', c.id from callings_off c join orders o on o.id = c.order_id
  where c.state in ('wanted', 'asked') and o.status <> 'cancelled' and not exists (
    select 1 from tasks t where t.kind = 'call_off_orders' and t.subject = o.connection || '/' || o.channel_id and t.state <> 'done')
"""
# What we know of an order when one of its shipments goes on.
KNOWN = """
select o.doc, o.status, o.held_at, exists (
    select 1 from callings_off c where c.order_id = o.id and c.state in ('wanted', 'asked') and coalesce(c.appeal, '') not like '%false%'),
  exists (select 1 from callings_off c where c.order_id = o.id and c.state = 'waived'), o.id
from shipments s join orders o on o.id = s.order_id where s.id = ?
"""
SENT = "select l.line, l.sent from shipments s join order_lines l on l.order_id = s.order_id where s.id = ?"
TOLD_OF = """
select s.id, s.state, p.contents from orders o join shipments s on s.order_id = o.id join parcels p on p.shipment = s.id
where o.connection = ? and o.channel_id = ? and s.number * 100 + p.number = ?
"""
WAITS = """
select distinct l.order_id from order_lines l join orders o on o.id = l.order_id
where l.held > l.released and l.ships
"""


@dataclass
class Dock:
    """`said` counts the parcels that channels wrote down, by (channel, order, number)."""

    world: "World"
    post: BogusPost = field(init=False)
    states: dict[str, list[str | None]] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    said: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        world, self.random = self.world, Random(f"dock {self.world.seed}")
        hub, ids = world.hub, count(1)
        hub.ids = lambda: str(UUID(int=next(ids)))
        self.post = BogusPost(
            clock=world.clock, forgets=self.random.random() < 0.15, known_after_s=self.random.choice([0.0, 0.0, 20.0]),
            blank=self.random.random() < 0.3, prints=self.random.random() < 0.5,
        )  # fmt: skip
        bogus = replace(hub.connectors["bogus"], calls_off=CallsOff(within=timedelta(seconds=30), answers=True))
        hub.connectors = {"bogus": bogus, "bogus_post": manifest(self.post)}
        with Database.read(hub.database) as db:
            (self.carrier,) = connections.all_of(db, world.house.merchant.id, connections.CARRIER)
        self.post.call = world.rough("post", self.carrier, self.post.call)
        self.merchant = world.house.merchant.id

    def begin(self) -> None:
        """What happens by the clock, and what people do."""
        world = self.world
        world.every(3, "", self._release)
        for _ in range(2):
            world.every(1.2, "", self.person)
        for system in world.systems.values():
            world.every(12, "", lambda system=system: self.buyer(system))
        world.every(9, "", self._scan)
        for _ in range(2):
            world.every(1.2, "", lambda: world.work_one("outside"))

    def _release(self) -> None:
        with self.world.hub.unit() as work:
            work.ask(self.merchant, "release_orders", self.merchant)

    # ---- people

    def person(self) -> None:
        """One of us does something to a shipment, or to an order."""
        found = self.world.all(f"select id, name, order_id from shipments where state in {OPEN} order by id")
        act = self.random.choices([self._pack, self._other, self._order], [6, 3, 1])[0]
        if found:
            id, name, order = self.random.choice(found)
            self.try_(name, lambda: act(id, order))

    def try_(self, name: str, act: Callable[[], str]) -> None:
        try:
            words = act()
        except Refused as error:
            words = f"may not: {error}"
            self.world.counts["may not"] += 1
        self.world.say(f"Ann and {name}: {words}")

    def _pack(self, id: str, order: str) -> str:
        """The next step of it."""
        hub = self.world.hub
        (state,) = self.world.all(f"select state from shipments where id = '{id}'")[0]
        if state == "labelled":
            return self._send(id)
        if state == "released" or self.random.random() < 0.1:
            packing.weigh(hub, self.merchant, id, self.random.choice([500, 1500, 2500, 31_000]), ANN)
            return "packed"
        if self.random.random() < 0.15:
            said = sending.send(hub, self.merchant, [id], ANN, Typed("Bike", f"HAND{self.random.randrange(10**6)}"))
            return f"by hand {said.get(id, 'went')}"
        labelling.want(hub, self.merchant, id, self.carrier.id, self.random.choice(["slow", "fast"]), ANN)
        return "wants a label"

    def _send(self, id: str) -> str:
        said = sending.send(self.world.hub, self.merchant, [id], ANN).get(id, "")
        if not said:
            self.world.counts["sent"] += 1
        return f"stays: {said}" if said else "went"

    def _other(self, id: str, order: str) -> str:
        hub, merchant = self.world.hub, self.merchant
        match self.random.choice(["void", "throw", "apart", "checked", "split", "split", "correct", "early"]):
            case "void":
                labelling.give_back(hub, merchant, id, ANN)
                return "label given back"
            case "throw":
                labelling.throw_away(hub, merchant, id, ANN)
                return "label thrown away"
            case "apart":
                packing.take_apart(hub, merchant, id, ANN)
                return "taken apart"
            case "checked":
                return self.check(id)
            case "split":
                return self._split(id)
            case "correct":
                return self._correct()
            case _:
                return self._send(id)

    def check(self, id: str) -> str:
        """Somebody looks in the carrier's own account, and says so. What was bought after all is voided there by hand, where nobody goes on
        with it."""
        asked = self.world.all(f"""select u.id, t.state from purchases u left join tasks t on t.kind = 'buy_labels' and t.subject = u.id
                                   and t.state <> 'done' where u.shipment = '{id}' and u.state = 'asked'""")
        for key, task in asked:
            there = [one for one in self.post.live() if one.key == key]
            if there and task != "parked":
                return "is there: left alone"
            for one in there:
                one.voided = True
            labelling.checked(self.world.hub, self.merchant, key, ANN)
        return f"checked {len(asked)}"

    def _split(self, id: str) -> str:
        loads = self.world.all(f"select line, units from shipment_lines where shipment = '{id}' order by line")
        parts: list[dict[str, int]] = [{}, {}]
        for line, units in loads:
            first = self.random.randint(0, units)
            for part, some in zip(parts, (first, units - first), strict=True):
                if some:
                    part[line] = some
        packing.split(self.world.hub, self.merchant, id, [part for part in parts if part], ANN)
        return f"split {parts}"

    def _correct(self) -> str:
        found = self.world.all("""select p.id from parcels p join shipments s on s.id = p.shipment
                                  where s.state = 'sent' and p.told_at is null and p.purchase is null order by p.id""")
        if not found:
            return "nothing to correct"
        (parcel,) = self.random.choice(found)
        sending.correct(self.world.hub, self.merchant, parcel, Typed("Bike", f"HAND{self.random.randrange(10**6)}"), ANN)
        return "corrected"

    def _order(self, _: str, order: str) -> str:
        hub, merchant = self.world.hub, self.merchant
        match self.random.choice(["off", "off", "withdraw", "agree", "waive", "hold", "free"]):
            case "off":
                calling_off.call_off(hub, merchant, order, CancelReason.STOCK, ANN, restock=self.random.random() < 0.5)
                return "called off"
            case "withdraw":
                calling_off.withdraw(hub, merchant, order, ANN)
                return "not called off any more"
            case "agree" | "waive" as said:
                calling_off.answer(hub, merchant, order, ANN, agree=said == "agree")
                return f"the buyer is answered: {said}"
            case said:
                act = Act.HOLD if said == "hold" else Act.RELEASE
                desk.act(hub, merchant, ANN, desk.Wish(hub.ids(), act, [order], "look" if said == "hold" else ""))
                return str(said)

    def buyer(self, system: Bogus) -> None:
        """A buyer edits an order, moves, or does not want it any more."""
        if not system.orders:
            return
        order = self.random.choice(sorted(system.orders))
        document = system.orders[order]
        line = self.random.choice(document["lines"])
        match self.random.choice(["fewer", "address", "wish", "no wish"]):
            case "fewer" if acts.left(line) and not document["cancelled_at"]:
                acts.show_again(system, line, 1)
                changed = acts.edit(system, order, line["id"], line["quantity"] - 1)
            case "address":
                changed = system.change(order, ship_to={**document["ship_to"], "street1": f"{self.random.randint(1, 99)} Cedar Street"})
            case "wish":
                changed = system.ask_to_cancel(order)
            case "no wish" if document["cancel_requested"]:
                changed = system.change(order, cancel_requested=False)
            case _:
                return
        self.world.say(
            f"the buyer of {system.account} {order}: {[one['quantity'] for one in changed['lines']]} {changed['ship_to']['street1']}"
        )
        self.world.announce(system, changed)

    def _scan(self) -> None:
        """Somebody of the carrier's scans a label: from then on it is not taken back."""
        if self.random.random() < 0.3 and (live := [one for one in self.post.live() if not one.steps]):
            number = self.random.choice(live).bought.master
            self.world.say(f"{number} is scanned")
            self.post.scan(number, Progress.IN_TRANSIT)

    # ---- what is promised

    def see(self) -> None:
        """After each commit."""
        eye = self.world.eye
        ill = eye.execute(ALWAYS).fetchall()
        must(not ill, "units and labels are in one place", ill)
        forgotten = eye.execute(FORGOTTEN).fetchall()
        must(not forgotten, "what was begun is gone on with", forgotten)
        self._labels()
        self._steps()

    def _labels(self) -> None:
        """What the carrier sold we know of, and of each shipment there is one label that may be used."""
        if not self.post.purchases:
            return
        rows = {id: (state, shipment) for id, state, shipment in self.world.eye.execute("select id, state, shipment from purchases")}
        live = Counter[str]()
        for one in self.post.purchases:
            must(one.key in rows, "a label is bought by a key of ours", one.key)
            state, shipment = rows[one.key]
            must(one.voided or state in ("asked", "bought", "voiding", "kept"), "each live label is known to be", (one.key, state))
            must(not one.voided or state != "bought", "no label is used that is dead", (one.key, state))
            live[shipment] += not one.voided and state != "kept"
        must(max(live.values(), default=0) <= 1, "a shipment has one live label", live)

    def _steps(self) -> None:
        """Nothing is bought first, or sent, of an order that we know must not leave so."""
        for id, *now in self.world.eye.execute("select id, state, problem from shipments").fetchall():
            was, self.states[id] = self.states.get(id, ["", None]), now
            if now[0] == "sent" != was[0]:
                self._may_go(id, "sent")
                self._fits(id)
            goes_on = was[1] == "taking_apart" and now[0] != "cancelled" and now[1] is None
            must(not goes_on, "what is taken apart ends, or says why not", (id, now))
        for key, id, tried in self.world.eye.execute("select id, shipment, tried_at from purchases where tried_at is not null").fetchall():
            if self.tried.get(key) != tried:
                self._may_go(id, "bought")
                self.tried[key] = tried

    def _may_go(self, id: str, what: str) -> None:
        doc, status, held, off, waived, _ = self.world.eye.execute(KNOWN, (id,)).fetchone()
        order = json.loads(doc)
        must(not order.get("cancelled_at") and status != "cancelled", f"of a cancelled order nothing is {what}", id)
        must(waived or not order.get("cancel_requested"), f"while its buyer wishes to cancel an order nothing is {what}", id)
        must(held is None, f"of an order that is held nothing is {what}", id)
        must(not off, f"of an order that is called off nothing is {what}", id)

    def _fits(self, id: str) -> None:
        """No more is sent than the order has, and to whom it goes."""
        doc, *_, order = self.world.eye.execute(KNOWN, (id,)).fetchone()
        left = {line["id"]: line["ordered"] - line.get("cancelled", 0) for line in json.loads(doc)["lines"]}
        own = self.world.eye.execute("select line from shipment_lines where shipment = ?", (id,)).fetchall()
        sent = {
            line: units for line, units in self.world.eye.execute(SENT, (id,)) if (line,) in own
        }  # of others that was judged when they left
        must(all(units <= left.get(line, 0) for line, units in sent.items()), "no more is sent than is ordered", (id, sent, left))
        with Database.read(self.world.hub.database) as db:
            facts = shipments.seen(db, self.merchant, [order], self.world.hub.box(self.merchant))[order]
        to = facts.person.ship_to.street1 if facts.person and facts.person.ship_to else ""
        keys = self.world.eye.execute("select id from purchases where shipment = ? and state = 'bought'", (id,)).fetchall()
        (label,) = [one for one in self.post.live() if (one.key,) in keys] or (None,)
        must(label is None or label.wish.to.street1 == to, "a label bears the address that we know", (id, to))

    def called(self, system: Bogus, what: Any) -> None:
        """A call of the hub's changed something at a channel, which tells of it as of any change."""
        order = what.order if isinstance(what, Sent) else what[0]
        if isinstance(what, Sent):
            self._told(system, what)
        self.world.announce(system, system.orders[order])

    def _told(self, system: Bogus, sent: Sent) -> None:
        key = (system.account, sent.order, sent.number)
        self.said[key] += 1
        must(self.said[key] == 1, "a channel is told of a parcel once", key)
        connection = self.world.house.connections[system.account].id
        id, state, contents = self.world.eye.execute(TOLD_OF, (connection, sent.order, sent.number)).fetchone()
        must(state == "sent", "a channel is told of what left", (key, state))
        all_ = dict(self.world.eye.execute("select line, units from shipment_lines where shipment = ?", (id,)).fetchall())
        units = Counter[str]()
        for line in sent.lines:
            units[line.line] += line.units
        must(units == Counter(json.loads(contents) if contents else all_), "a channel is told of the units of a parcel", (key, units))

    # ---- at the end

    def finish(self) -> None:
        """Ann does what is left to do: every shipment leaves, or says why not."""
        for _ in range(4):
            self._release()
            self.world.settle_down()
            for id, name, state, problem in self._open():
                self.try_(name, lambda id=id, state=state, problem=problem: self._end(id, state, problem))
            self.world.settle_down()
        self._judge_end()
        self._follow()

    def _open(self) -> list[Any]:
        return self.world.all(f"select id, name, state, problem from shipments where state in {OPEN} order by id")

    def _end(self, id: str, state: str, problem: str | None) -> str:
        if self.world.all(f"""select 1 from purchases u join tasks t on t.kind = 'buy_labels' and t.subject = u.id and t.state = 'parked'
                              where u.shipment = '{id}' and u.state = 'asked'"""):
            return self.check(id)
        if problem == "not_voided":
            labelling.throw_away(self.world.hub, self.merchant, id, ANN)
            return "label thrown away"
        if state == "labelled":
            return self._send(id)
        packing.weigh(self.world.hub, self.merchant, id, 900, ANN)
        line, units = self.world.all(f"select line, units from shipment_lines where shipment = '{id}' order by units desc, line")[0]
        if units > 1 and len(self.world.all(f"select 1 from shipment_lines where shipment = '{id}'")) == 1:
            packing.split(self.world.hub, self.merchant, id, [{line: 1}, {line: units - 1}], ANN)
        labelling.want(self.world.hub, self.merchant, id, self.carrier.id, "slow", ANN)
        return "wants its label"

    def _judge_end(self) -> None:
        hub, left = self.world.hub, self._open()
        orders = dict(self.world.all("select id, order_id from shipments"))
        with hub.unit() as work:
            why = {one.id: said for one, said in releasing.stopped(hub, work, self.merchant, {orders[id] for id, *_ in left})}
        silent = [one for one in left if why.get(one[0]) not in (Stop.HELD, Stop.CANCELLING, Stop.CALLED_OFF)]
        must(not silent, "no shipment waits in silence", silent)
        waits = [(id, releasing.would_leave(hub, self.merchant, id, write=False)[0]) for (id,) in self.world.all(WAITS)]
        must(all(said for _, said in waits), "no order waits in silence to be released", waits)
        untold = self.world.all("""select p.id from shipments s join parcels p on p.shipment = s.id
                                   where s.state = 'sent' and p.told_at is null and p.told_problem is null""")
        must(not untold, "each parcel that left is told, or says why not", untold)
        declined = self.world.all("""select o.connection, o.channel_id, s.number * 100 + p.number from shipments s
                                     join parcels p on p.shipment = s.id join orders o on o.id = s.order_id
                                     where s.state = 'sent' and p.told_at is null""")
        names = {one.id: name for name, one in self.world.house.connections.items()}
        known = [key for connection, *key in declined if self.said[names[connection], key[0], key[1]]]
        must(not known, "what a channel was told and wrote down it did not decline", known)
        rows = dict(self.world.all("select id, state from purchases"))
        dead = [one.key for one in self.post.purchases if rows[one.key] in ("voided", "failed") and not one.voided]
        must(not dead, "what was voided is dead at the carrier", dead)

    def _follow(self) -> None:
        """All of it arrives, and we hear of that."""
        gone = set(self.world.all("select p.tracking from shipments s join parcels p on p.shipment = s.id "
                                  "where s.state = 'sent' and p.purchase is not null"))  # fmt: skip
        for one in self.post.live():
            for number in one.bought.tracking:
                if (number,) in gone:
                    self.world.clock.pass_(timedelta(seconds=1))
                    self.post.scan(number, Progress.DELIVERED)
        self.world.clock.pass_(timedelta(hours=2))
        self.world.house.ask("track_parcels", connection=self.carrier)
        self.world.settle_down()
        lost = self.world.all("select p.tracking, p.progress from shipments s join parcels p on p.shipment = s.id "
                              "where s.state = 'sent' and p.purchase is not null and coalesce(p.progress, '') <> 'delivered'")  # fmt: skip
        must(not lost, "of each parcel we hear that it arrived", lost)


def left_over(world: "World") -> list[Any]:
    """Open tasks that wait for nobody: those of which a person is told, on a shipment or an order, are no such."""
    return world.all("""select kind, subject, state from tasks t where state <> 'done' and not (state = 'parked' and (
      (kind = 'confirm_parcels' and exists (select 1 from parcels p where p.id = t.subject and p.told_problem is not null))
      or (kind = 'call_off_orders' and exists (select 1 from callings_off c join orders o on o.id = c.order_id
        where o.connection || '/' || o.channel_id = t.subject and c.state in ('stands', 'refused')))))""")
