"""What needs somebody, in words: what happened, what it means, what to press. A table that a merchant can read. Pure.

Sentences are marked with N_ and translated where they are shown.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_


class Press(StrEnum):
    """What mends it."""

    RETRY = "retry"
    MAP = "map"
    COUNT = "count"
    ORDER = "order"
    CONNECTION = "connection"
    LOOK = "look"  # at what going live would change
    READ = "read"  # the channel's orders, now
    CHOOSE = "choose"  # whose number is right
    PRINT = "print"  # at the printers
    BOOKS = "books"
    LABEL = "label"  # give it back, hand it over, or accept it as paid
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Cause:
    """`name` stands in addresses and tables; `loud`: it cannot wait for the morning; `ignorable`: somebody may leave it with a note."""

    name: str
    what: str
    means: str
    todo: str
    press: tuple[Press, ...] = (Press.RETRY,)
    loud: bool = False
    ignorable: bool = True
    tone: str = "warn"


# ---- channels

CHANNELS = (
    Cause(
        "login",
        N_("A channel does not let us in any more"),
        N_("Its orders are not read and its stock is not written until it is connected again. Nothing is lost meanwhile."),
        N_("Connect it again."),
        (Press.CONNECTION,), loud=True, ignorable=False, tone="bad",
    ),
    Cause(
        "unread",
        N_("A channel has not been read for too long"),
        N_("Orders may have come in there that nobody sees here, and stock that they took is still shown elsewhere."),
        N_("See whether the channel is up. If it is, read it now; if that does not help, connect it again."),
        (Press.READ, Press.CONNECTION), loud=True, ignorable=False, tone="bad",
    ),
    Cause(
        "blind",
        N_("A channel is out of sight, and the others show less for it"),
        N_("It goes on selling what it shows. What it may sell meanwhile is left to it, so that nothing is sold twice."),
        N_("Once it is read and told again, everything is shown again by itself. If it lasts, connect it again, or stop its sale there."),
        (Press.READ, Press.CONNECTION), loud=True, ignorable=False, tone="bad",
    ),
    Cause(
        "login-ends",
        N_("A login ends soon"),
        N_("From that day on the channel does not let us in."),
        N_("Connect it again before that; it takes a minute."),
        (Press.CONNECTION,), ignorable=False,
    ),
)  # fmt: skip

# ---- orders

ORDERS = (
    Cause(
        "oversold",
        N_("More was sold than lies on the shelf"),
        N_("These orders wait for units that nobody has. The buyers do not know it yet."),
        N_("Count the SKU if there is more of it than we know. Else the order's page says what can be done."),
        (Press.COUNT, Press.ORDER), loud=True, tone="bad",
    ),
    Cause(
        "late",
        N_("An order must leave soon"),
        N_("Its channel expects it to be sent by then. Later counts against you there."),
        N_("Send it and tell its channel, or ask the buyer."),
        (Press.ORDER,), loud=True, tone="bad",
    ),
    Cause(
        "mapping",
        N_("Something was sold and nobody has said what it is"),
        N_("The order is here. Nothing is reserved for it, so its goods may be sold again elsewhere."),
        N_("Say which of your SKUs the listing sells. Orders that wait are reserved at once."),
        (Press.MAP,), tone="bad",
    ),
    Cause(
        "problem",
        N_("An order does not add up"),
        N_("It was taken and its stock is reserved. Something in it contradicts itself or is new to us."),
        N_("Look at the order here and at its channel. If it is right there, leave it with a note."),
        (Press.ORDER,),
    ),
    Cause(
        "unreadable",
        N_("An order could not be read"),
        N_("It is kept, and it is not among your orders. Stock that it took is still shown on other channels."),
        N_("Look at the order on its channel. If it is odd there, mend it and try again; else tell whoever looks after this installation."),
        tone="bad",
    ),
    Cause(
        "uncaptured",
        N_("Goods left, and their payment was not captured"),
        N_("What left is sent. Nothing more of the order leaves until it is paid."),
        N_("See on the order's page what the channel said. Capture it there or try again; what has ended can only be asked of the buyer."),
        (Press.RETRY, Press.ORDER), loud=True, tone="bad",
    ),
    Cause(
        "stands",
        N_("An order that you cancelled still stands at its channel"),
        N_("The channel took it, and did not do it in time. The order is held here and does not leave."),
        N_("Look at the order on its channel and cancel it there, or try again. Its page here lets it go, if it shall be sent after all."),
        loud=True, tone="bad",
    ),
    Cause(
        "quiet",
        N_("A carrier has told nothing of a parcel for five days"),
        N_("It may be lost, or it was never handed over. Its buyer sees the same."),
        N_("Ask the carrier with its number. If it is lost, send the goods once more; if it still stands here, hand it over."),
        (Press.ORDER,),
    ),
    Cause(
        "gone",
        N_("A channel does not know an order any more"),
        N_("It told us of this order, and now says that there is none."),
        N_("Look for it on the channel. If it is really gone, leave it with a note."),
    ),
)  # fmt: skip

# ---- stock

STOCK = (
    Cause(
        "declined",
        N_("A channel refused a listing's stock"),
        N_("It goes on showing what it showed before."),
        N_("Mend the listing on its channel. It is told again with the next change."),
        (Press.COUNT,),
    ),
    Cause(
        "would-empty",
        N_("Many listings were about to be emptied"),
        N_("More than a fifth of what this channel shows would have become zero, so nothing was written. Most likely a count is wrong."),
        N_("Look at what would change. If it is right, go live again: that accepts it."),
        (Press.LOOK, Press.RETRY), tone="bad",
    ),
    Cause(
        "changed",
        N_("Somebody changed stock in a channel"),
        N_("It shows another number than it was told, and no order explains it. Nothing but zero is told there before one of you decides."),
        N_("Say whose number is right: ours is told, or theirs is taken over and told to all channels."),
        (Press.CHOOSE,), ignorable=False,
    ),
    Cause(
        "other-writer",
        N_("Something else writes a channel's stock again and again"),
        N_("Five listings or more showed there within a week what neither you nor an order explains."),
        N_(
            "Look through the apps of that account for one that sets stock, and switch that off there. If it shall lead, say so at "
            "Locations and buffers. Until then the two overwrite each other."
        ),
        (Press.CHOOSE,),
    ),
    Cause(
        "unmatched",
        N_("Listings are not matched to your SKUs"),
        N_("Their stock is left alone: it is neither lowered when you sell elsewhere nor raised when goods come in."),
        N_("Say which of your SKUs each of them sells, or leave those that are none of your goods."),
        (Press.MAP,), tone="info",
    ),
)  # fmt: skip

# ---- work that stopped

WORK = (
    Cause(
        "refused",
        N_("A channel understood what we asked and declined"),
        N_("It stays as it is there."),
        N_("Read what the channel said, mend it there, and try again."),
    ),
    Cause(
        "unsupported",
        N_("A channel has no way to do this"),
        N_("It cannot be done for this account."),
        N_("Leave it with a note, or connect the account another way."),
        (Press.CONNECTION, Press.RETRY),
    ),
    Cause(
        "silent",
        N_("A channel did not answer for hours"),
        N_("We asked eight times, later and later, and stopped."),
        N_("See whether the channel is up, then try again."),
    ),
    Cause(
        "unsure",
        N_("Nobody knows whether a channel took what we told it"),
        N_("Its answer was lost each time. We look there before we say it again."),
        N_("Try again."),
    ),
    Cause(
        "stale",
        N_("Something changed each time we looked"),
        N_("More than ten times something else was faster."),
        N_("Try again. If it comes back, tell whoever looks after this installation."),
    ),
    Cause(
        "crash",
        N_("Work ended its worker three times"),
        N_("It is left alone so that it takes nothing else down with it."),
        N_("Tell whoever looks after this installation, then try again."),
    ),
    Cause(
        "bug",
        N_("Crossdock made a mistake"),
        N_("This piece of work stopped; everything else goes on."),
        N_("Tell whoever looks after this installation what stands below. Try again after an upgrade."),
    ),
    Cause(
        "hook",
        N_("A program of yours takes no more webhooks"),
        N_("Nothing is lost: it is told everything since, in order, once it takes them again."),
        N_("Mend it there, then try again."),
    ),
    Cause(
        "no-answer",
        N_("Whoever was asked to send something did not answer"),
        N_("Nobody knows whether it left. Its buyer waits, and what is reserved for it stays reserved."),
        N_("Ask them. Say for them what they answer, ask again, or withdraw it, at the request."),
        (Press.NOTHING,), loud=True, ignorable=False, tone="bad",
    ),
    Cause(
        "unsent",
        N_("A message to one of you could not be sent"),
        N_("Somebody does not know what this page says."),
        N_("Look at the address and at the settings for mail, then try again."),
    ),
    Cause(
        "untold",
        N_("A buyer may not have been told of a parcel"),
        N_("The letter was declined, or nobody knows whether it was sent: a mail server cannot be asked."),
        N_("Look at the settings for mail. Try again sends the letter, once more if it had been sent; or leave it with a note."),
    ),
    Cause(
        "print-rule",
        N_("A rule for printing could not be followed"),
        N_("Its printer is gone or does not take such papers: nothing was bought or printed by it."),
        N_("Mend the rule, then try again; or print by hand, and leave it with a note."),
        (Press.PRINT, Press.RETRY),
    ),
    Cause(
        "print-unknown",
        N_("Nobody knows whether a paper was printed"),
        N_("The printer's answer was lost. It is not printed again by itself: two parcels with one label are worse than none."),
        N_("Look at the printer. Then say that it was printed, or print it again."),
        (Press.PRINT,), tone="bad",
    ),
    Cause(
        "print-failed",
        N_("A paper was not printed"),
        N_("The printer declined it or gave it up."),
        N_("Read what the printer said, mend that, and print it again; or drop it."),
        (Press.PRINT,),
    ),
    Cause(
        "print-waits",
        N_("Papers wait for a printer for an hour"),
        N_("It is off, out of paper or cannot be reached. They are printed once it is there."),
        N_("Look at the printer, or drop them and print them elsewhere."),
        (Press.PRINT,),
    ),
    Cause(
        "unlabelled",
        N_("A label could not be bought"),
        N_("The carrier declined, nobody offers anything, or something lacks. The parcel waits."),
        N_("Read why at the shipment, mend that or choose another service, and buy the label."),
        (Press.NOTHING,),
    ),
    Cause(
        "not-voided",
        N_("A carrier did not take a label back"),
        N_("It stays paid, and it is still good. Its parcel waits until one of you decides."),
        N_("Read what the carrier said. Try again, ask the carrier, or accept that it is paid: what is still wanted is made ready anew."),
        (Press.LABEL,),
    ),
)  # fmt: skip

# ---- what differs from the channels

FINDINGS = (
    Cause(
        "found-day",
        N_("A channel counts other orders for a day than we do"),
        N_("The day was read again, and the numbers still differ."),
        N_("Compare the day's orders. More here are most often orders that the channel deleted."),
        (Press.READ,),
    ),
    Cause(
        "found-listing",
        N_("A listing shows something else than it was told"),
        N_("Somebody or something else writes its stock, or the channel does not take ours."),
        N_("Switch off whatever else writes stock there. We go on telling it the right number."),
        (Press.COUNT,),
    ),
    Cause(
        "found-silence",
        N_("A channel has stopped telling us of its orders"),
        N_("They are found by reading it every few minutes, so they come late."),
        N_("Look at the channel's notifications. Most often the subscription or our address has changed."),
        (Press.CONNECTION, Press.READ),
    ),
    Cause(
        "found-subscription",
        N_("A channel removed our subscription"),
        N_("It is made again by itself. Until then orders come late."),
        N_("If it stays, look at the app's address in the channel."),
        (Press.CONNECTION,),
    ),
    Cause(
        "found-order",
        N_("An order was found that nothing told us of"),
        N_("It is here now."),
        N_("Nothing needs doing."),
        (Press.NOTHING,), tone="info",
    ),
    Cause(
        "found-login",
        N_("A login will end within a month"),
        N_("From that day on the channel does not let us in: its orders are not read and its stock is not written."),
        N_("Connect it again before that; it takes a minute."),
        (Press.CONNECTION,),
    ),
    Cause(
        "found-scopes",
        N_("A channel does not let us do everything we need"),
        N_("Something was not granted, or was taken back. What it is for fails there, or stays undone."),
        N_("Connect it again, and grant what stands below."),
        (Press.CONNECTION,), tone="bad",
    ),
    Cause(
        "found-request",
        N_("A channel asks something of you about buyers' data"),
        N_("A customer wants what is kept of them, or an account is to be erased. The law sets a time for it."),
        N_("Take the file and send it to the customer, or disconnect the account and erase it, at the connection."),
        (Press.CONNECTION,), tone="bad",
    ),
    Cause(
        "found-break",
        N_("A channel settled other money than your books expect"),
        N_("An order's money and what the channel paid out for it do not agree, or it is overdue."),
        N_("See why in the books: each one says its cause and the next step."),
        (Press.BOOKS,), loud=True,
    ),
    Cause(
        "found-document",
        N_("Your ledger declined a document"),
        N_("What was booked is not in your ledger until the cause is mended."),
        N_("See its words and the next step at the ledger, then try again there."),
        (Press.BOOKS,), loud=True,
    ),
    Cause(
        "found-label",
        N_("A label is paid, and its parcel is still here"),
        N_("A carrier takes a label back for a while only; then it stays paid. Its buyer waits meanwhile."),
        N_("Hand the parcel over, or give the label back."),
        (Press.LABEL,), loud=True,
    ),
    Cause(
        "found-level",
        N_("Our shelf and a channel's differ"),
        N_("One of the two is wrong."),
        N_("Count the SKU."),
        (Press.COUNT,),
    ),
)  # fmt: skip

FACTS = re.compile(r" ?\((?:connection|ref)=\S+\)|\b(?:connection|ref)=\S+ ?")
ALL: dict[str, Cause] = {one.name: one for one in (*CHANNELS, *ORDERS, *STOCK, *WORK, *FINDINGS)}
LOUD = tuple(name for name, one in ALL.items() if one.loud)

# By what error a task was parked; what is not here is a bug of ours.
OF_ERRORS = {
    "BadPayload": "unreadable",
    "Gone": "gone",
    "StillStands": "stands",
    "WouldEmpty": "would-empty",
    "Refused": "refused",
    "Unsupported": "unsupported",
    "Unavailable": "silent",
    "OutcomeUnknown": "unsure",
    "Stale": "stale",
    "HookStopped": "hook",
    "NoAnswer": "no-answer",
    "Crash": "crash",
}
OF_KINDS = {
    "send_alerts": "unsent",
    "tell_buyers": "untold",
    "capture_payments": "uncaptured",
    "follow_print_rules": "print-rule",
}  # whatever the error

# What a task was about to do.
DOES = {
    "take_orders": N_("Taking an order in"),
    "take_history": N_("Taking an old order in"),
    "fetch_orders": N_("Reading an order"),
    "look_again": N_("Looking at an order again"),
    "fetch_history": N_("Reading an old order"),
    "poll_orders": N_("Reading what changed"),
    "receive_notices": N_("Listening to the channel's queue"),
    "reserve": N_("Reserving stock"),
    "link_orders": N_("Looking for combined orders"),
    "read_listings": N_("Reading the listings"),
    "read_stored": N_("Reading what lies in the channel's own warehouses"),
    "publish_stock": N_("Telling the stock"),
    "verify_stock": N_("Reading back what was told"),
    "subscribe": N_("Looking after the subscriptions"),
    "seek_orders": N_("Looking for the orders of a SKU"),
    "settle_orders": N_("Settling orders at their locations"),
    "compare_days": N_("Counting orders by the day"),
    "compare_listings": N_("Reading listings back"),
    "look_at_items": N_("Reading back what a channel says it shows"),
    "mend_listing": N_("Having a listing stop at what it shows"),
    "backfill": N_("Bringing old orders in"),
    "reckon": N_("Working out what going live would change"),
    "look_at_file": N_("Looking at a file with counts"),
    "act_on_orders": N_("Acting on many orders"),
    "index_orders": N_("Making old orders searchable"),
    "read_scopes": N_("Asking what a channel lets us do"),
    "check_login": N_("Looking after a login"),
    "comply": N_("Answering what a channel demands of buyers' data"),
    "erase_expired": N_("Forgetting buyers whose time is over"),
    "erase_connection": N_("Erasing an account"),
    "send_hooks": N_("Telling webhooks"),
    "take_file": N_("Taking a file with counts"),
    "release_orders": N_("Releasing orders to be sent"),
    "look_at_shipments": N_("Looking at shipments whose orders changed"),
    "send_labelled": N_("Sending what its channel or its carrier shows as sent"),
    "close_days": N_("Telling a carrier what its driver takes"),
    "order_drivers": N_("Asking a driver to come"),
    "ask_refunds": N_("Asking a carrier about the money of labels that were given back"),
    "buy_labels": N_("Buying a label"),
    "print_papers": N_("Printing papers"),
    "follow_print_rules": N_("Printing by your rules"),
    "shop_rates": N_("Asking a carrier for its price"),
    "choose_services": N_("Choosing a carrier's service"),
    "void_labels": N_("Giving a label back"),
    "tell_ready": N_("Telling a channel that a buyer can fetch an order"),
    "confirm_parcels": N_("Telling a channel of a parcel"),
    "move_assignments": N_("Telling a channel from where a shipment leaves"),
    "capture_payments": N_("Capturing a payment"),
    "call_off_orders": N_("Having an order cancelled at its channel"),
    "ask_parties": N_("Asking somebody else to send"),
    "track_parcels": N_("Asking a carrier where parcels are"),
    "tell_buyers": N_("Telling a buyer of a parcel"),
    "follow_parcels": N_("Having a carrier tell where parcels are"),
    "hear_of_parcels": N_("Hearing where parcels are"),
    "post_entries": N_("Booking an order"),
    "post_costs": N_("Booking what goods cost"),
    "post_postage": N_("Booking postage"),
    "read_payouts": N_("Reading what a channel paid out"),
    "read_payout": N_("Reading what a payout holds"),
    "read_unpaid": N_("Reading what a channel will pay out"),
    "book_payout": N_("Booking a payout"),
    "read_shelves": N_("Reading what the channel's own warehouses lost and found"),
    "book_shelves": N_("Booking what a channel's own warehouses lost and found"),
    "check_addresses": N_("Asking a carrier about addresses"),
    "judge_books": N_("Looking for what does not agree in the books"),
    "read_ledger": N_("Reading what a ledger has"),
    "gather_documents": N_("Gathering what is written into a ledger"),
    "post_document": N_("Writing into a ledger"),
    "read_changes": N_("Reading what others changed in a ledger"),
    "raise_alerts": N_("Looking for what cannot wait"),
    "look_blind": N_("Looking for channels that cannot be reached"),
    "send_alerts": N_("Sending a message"),
}

# What stands before the colon of an order's problem.
PROBLEMS = {
    "money": N_("Its parts do not make its total"),
    "tax": N_("Its tax cannot be told from its price"),
    "currency": N_("Its currency is not known"),
    "quantity": N_("The quantities of a line contradict each other"),
    "lines": N_("Its lines are missing or doubled"),
    "status": N_("It carries a status that is new to us"),
    "party": N_("Nobody knows who sends it"),
    "fulfillment": N_("What was sent of it is not clear"),
    "payment": N_("Something is wrong with its payment"),
    "tracking": N_("A parcel's number does not fit"),
}


def of_task(kind: str, error: str | None) -> str:
    """The name of the cause by which a task of this kind is parked."""
    return OF_KINDS.get(kind) or OF_ERRORS.get(error or "", "bug")


def plain(detail: str | None) -> str:
    """What an error said, without our own ids of what stands beside it anyway."""
    return FACTS.sub("", detail or "").strip()


def of_finding(what: str) -> str:
    return f"found-{what}"
