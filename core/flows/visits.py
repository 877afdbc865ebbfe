"""People of a channel's own admin: who they are here, and the first visit that installs. One outside call or two, in the request."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field

import structlog

from core.domain.roles import Role
from core.errors import HubError, Refused
from core.flows.connections import Locked, connect_in, new_merchant
from core.hub import Hub
from core.ports import Frames, Guest
from core.store import audit, connections, visits
from core.store.connections import Merchant
from core.store.unit import Unit
from core.store.visits import Visit

log = structlog.get_logger("visits")
LATER_US = 60_000_000  # how long a login that could not be had is not asked for again
_settling: dict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True, slots=True)
class Doorway:
    """A visit that comes by a channel's admin: whose, and the token that proves it and opens the account."""

    channel: str
    frames: Frames
    guest: Guest
    token: str = field(repr=False)

    @property
    def subject(self) -> str:
        return f"{self.channel}/{self.guest.account}/{self.guest.user}"

    @property
    def account(self) -> str:
        return f"{self.channel}/{self.guest.account}"


def arrive(hub: Hub, by: Doorway) -> Visit:
    """Who this is here. The first visit of an account connects it, to be watched; one whose login was lost gives it anew; a person who was
    never here becomes a member. Raises Refused for one who is shut out, and where the channel gives no login."""
    found = _look(hub, by)
    if found is None or found.needs or found.user is None:
        with _settling[by.account], Locked(hub, lambda db: visits.lock(db, by.channel, by.guest.account)):
            found = _settle(hub, by)
    if found.disabled or not found.role:
        raise Refused("an owner has taken this access away")
    return found


def _look(hub: Hub, by: Doorway) -> Visit | None:
    with hub.database.read() as db:
        return visits.look(db, by.channel, by.guest.account, by.subject, hub.now)


def _settle(hub: Hub, by: Doorway) -> Visit:
    """What is missing, as it is now that nobody else sees to it."""
    found = _look(hub, by)
    if found is None:
        _install(hub, by)
    elif found.needs:
        _renew(hub, by, found)
    if found is None or found.user is None:
        _welcome(hub, by)
    return _look(hub, by) or _gone()


def _gone() -> Visit:
    raise Refused("the account was erased meanwhile")


def _install(hub: Hub, by: Doorway) -> None:
    """A merchant, a connection and its tokens, all or none: they are stored before anybody uses them."""
    granted = by.frames.login(by.token, by.guest)
    merchant = new_merchant(hub, granted.label or by.guest.account.partition(".")[0])
    with hub.unit() as work:
        connections.add_merchant(work.db, merchant, work.now)
        box = hub.vault.open(merchant.id, merchant.data_key)
        one = connect_in(hub, work, box, merchant.id, by.channel, by.guest.account, {}, fresh=granted.fresh)
        _tell(work, merchant, by, "connection.install", one.id)
    log.info("installed", channel=by.channel, connection=one.id, merchant=merchant.id)


def _tell(work: Unit, merchant: Merchant, by: Doorway, act: str, subject: str) -> None:
    audit.write(work.db, merchant.id, work.now, by.subject, by.guest.user, act, subject, channel=by.channel, account=by.guest.account)


def _renew(hub: Hub, by: Doorway, found: Visit) -> None:
    """The account's login anew. Where there is none to be had the pages are shown all the same, and say so."""
    try:
        renew(hub, by, found)
    except HubError as error:
        log.warning("no new login", connection=found.connection, error=str(error))
        with hub.database.write() as db:
            connections.block(db, found.connection, hub.now + LATER_US)


def renew_now(hub: Hub, by: Doorway) -> None:
    """Somebody asks for a new login of the account whose admin they are in, whatever became of the one before. Raises as `renew`."""
    with _settling[by.account], Locked(hub, lambda db: visits.lock(db, by.channel, by.guest.account)):
        renew(hub, by, _look(hub, by) or _gone())


def renew(hub: Hub, by: Doorway, found: Visit) -> None:
    """Raises what the channel refused with."""
    granted, box = by.frames.login(by.token, by.guest), hub.box(found.merchant)
    with hub.unit() as work:
        one = connect_in(hub, work, box, found.merchant, by.channel, by.guest.account, {}, fresh=granted.fresh)
        audit.write(work.db, found.merchant, work.now, found.user or by.subject, found.name or by.guest.user, "connection.renew", one.id)


def _welcome(hub: Hub, by: Doorway) -> None:
    """The first one is the owner; later ones are what the merchant says, managers where it says nothing. Their name is the channel's."""
    found = _look(hub, by) or _gone()
    name, locale = _person(by)
    id = hub.ids()
    with hub.unit() as work:
        role = _role(found) if visits.has_members(work.db, found.merchant) else Role.OWNER
        visits.add_user(work.db, id, by.subject, name, locale, hub.vault.new_key(id), work.now)
        visits.add_member(work.db, found.merchant, by.subject, role, work.now)
        audit.write(work.db, found.merchant, work.now, id, name, "user.arrive", id, role=role, channel=by.channel)


def _role(found: Visit) -> Role:
    """What the merchant lets newcomers of its channels be; never more than a manager."""
    said = found.settings.get("staff_role")
    return Role(said) if said in set(Role) - {Role.OWNER} else Role.MANAGER


def _person(by: Doorway) -> tuple[str, str]:
    """A name is worth a call, and nobody stays outside for the want of it."""
    try:
        name, locale = by.frames.person(by.token, by.guest)
    except HubError as error:
        log.info("a visitor without a name", channel=by.channel, error=str(error))
        name, locale = "", ""
    return name or f"{by.guest.account.partition('.')[0]} {by.guest.user}", locale
