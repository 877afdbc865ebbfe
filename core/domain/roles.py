"""Who may do what. Pure: a table that a merchant can read, and a question to it."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    PACKER = "warehouse"
    ACCOUNTANT = "accountant"
    VIEWER = "viewer"


EVERYBODY = frozenset(Role)
LEADERS = frozenset({Role.OWNER, Role.MANAGER})
PACKERS = LEADERS | {Role.PACKER}
BOOKKEEPERS = LEADERS | {Role.ACCOUNTANT}

PERMISSIONS: dict[str, frozenset[Role]] = {
    "orders.read": EVERYBODY,
    "orders.buyers": EVERYBODY - {Role.VIEWER},  # names, addresses, e-mail addresses; finding orders by them
    "orders.write": PACKERS,  # hold, release, note, tag
    "orders.export": BOOKKEEPERS,
    "orders.raw": LEADERS,  # what the channel sent
    "stock.read": EVERYBODY,
    "stock.write": PACKERS,  # count, adjust, import
    "listings.map": LEADERS,
    "shipments.read": EVERYBODY,  # names and streets only with "orders.buyers"
    "shipments.work": PACKERS,  # weigh, buy and give back labels, hand over, take apart; labels carry addresses
    "requests.read": EVERYBODY - {Role.VIEWER},  # what others are asked to send, with the addresses that it goes to
    "requests.write": PACKERS,  # say for them what they answer
    "printers.manage": frozenset({Role.OWNER}),  # where printers are: whoever says it says where papers with addresses go
    "books.read": BOOKKEEPERS,
    "books.write": BOOKKEEPERS,  # begin, close, write off, map accounts, have documents posted
    "attention.read": EVERYBODY,
    "attention.act": PACKERS,  # try again, leave with a note
    "connections.read": EVERYBODY,
    "connections.manage": LEADERS,  # connect, renew, pause, go live, backfill
    "connections.remove": frozenset({Role.OWNER}),  # disconnect, erase
    "settings.read": LEADERS,
    "settings.write": LEADERS,
    "users.manage": frozenset({Role.OWNER}),
    "keys.manage": frozenset({Role.OWNER}),  # of the API and outgoing webhooks
    "audit.read": LEADERS,
    "own": EVERYBODY,  # one's own password, second factor, alerts
}

# What a program may be let do by an API key: each stands at a route of the API, or at a part of what one answers.
SCOPES = (
    "orders.read",
    "orders.buyers",
    "orders.write",
    "stock.read",
    "stock.write",
    "listings.map",
    "requests.read",
    "requests.write",
    "connections.read",
    "attention.read",
    "attention.act",
    "books.read",
)


def may(role: Role, permission: str) -> bool:
    """Raises KeyError for a permission that nobody knows."""
    return role in PERMISSIONS[permission]
