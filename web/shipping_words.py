"""What shipments are called, and why one does not go on, in the reader's words."""

import re
from typing import Any

from flask import current_app
from flask_babel import gettext

from core.domain.later import N_
from core.domain.shipments import PROBLEMS, STOPS, WORDS, Stop
from core.domain.shipping import Progress
from core.domain.unused import WORDS as UNUSED
from core.flows import telling

# What flows say of what cannot be done, as core/flows write it.
SAID: dict[str, str] = {
    "its channel is being told from where it leaves": N_("Its channel is being told from where it leaves."),
    "it does not wait for its channel": N_("It does not wait for its channel any more."),
    "a carrier doubts its address: decide about that first": N_("A carrier doubts its address: decide about that first."),
    "no carrier told such an address": N_("No carrier told such an address any more."),
    "its label is being given back": N_("Its label is being given back."),
    "it has a label, or one is being bought: give it back first": N_("It has a label, or one is being bought: give that back first."),
    "its carrier did not refuse to take a label back": N_("Its carrier did not refuse to take a label back."),
    "there is no such shipment": N_("There is no such shipment."),
    "there is no such carrier": N_("There is no such carrier."),
    "there is no such service": N_("That service is not offered any more: choose one from the list."),
    "there is no such box": N_("There is no such box any more: choose one from the list."),
    "that is more than this box may hold": N_("That is more than this box may hold."),
    "it has a label already, or one is being bought": N_("It has a label already, or one is being bought."),
    "it has a label for what it weighed before: give that back first": N_(
        "It has a label for what it weighed before: give that back first."
    ),
    "it has no label yet": N_("It has no label yet."),
    "it has no label that could be given back": N_("It has no label that could be given back."),
    "it is still being bought, or looked for": N_("The label is still being bought, or looked for at its carrier."),
    "nothing of it is unknown": N_("Nothing of it is unknown any more."),
    "nobody said yet which address this location sends from": N_("Nobody said yet which address this location sends from."),
    "nobody knows where it goes": N_("Nobody knows where it goes."),
    "nobody said yet what it weighs": N_("Nobody said yet what it weighs."),
    "that SKU is not in this shipment": N_("That SKU is not in this shipment."),
    "there is as much of it as the orders hold": N_("There is as much of it as the orders hold: nothing is short."),
    "somebody changed that shelf meanwhile: look again": N_("Somebody changed that shelf meanwhile: look again."),
    "no carrier is connected": N_("No carrier is connected."),
    "there is nothing to print": N_("There is nothing to print."),
    "none of these has a label, or not any more": N_("None of these has a label, or not any more."),
    "somebody else sends it: they are asked to, and tell when it left": N_(
        "Somebody else sends it: they are asked to, and tell when it left."
    ),
    "there is no such request": N_("There is no such request."),
    "it is over": N_("It is over already."),
    "it is wanted no more": N_("It is wanted no more."),
    "all of it was sent": N_("All of it was sent already."),
    "that is more than is open of it": N_("That is more than is open of it."),
    "write whole numbers of units": N_("Write whole numbers of units."),
    "write the carrier's name": N_("Write the carrier's name."),
    "nobody asked for that": N_("Nobody asked for that."),
    "a parcel needs a tracking number, or a number of your own": N_("Write the tracking number."),
    "there is no such station": N_("There is no such printer any more."),
    "this printer does not take such papers": N_("This printer does not take such papers."),
    "it is packed": N_("It is packed already."),
    "no tote is called so": N_("No tote is called so: letters and digits, and not as slips are."),
    "it is not picked any more": N_("It is not picked any more."),
    "that tote is taken": N_("Goods of another shipment lie in that tote."),
    "that tote is empty": N_("That tote is empty."),
    "nothing of it is open": N_("Nothing of it is open any more."),
    "this carrier's drivers cannot be asked here": N_("This carrier's drivers cannot be asked here: use its own website."),
    "a driver of theirs comes there on that day already": N_("A driver of theirs comes there on that day already."),
    "no driver is coming that could be told": N_("No driver is coming that could be told."),
    "The driver's time ends before it begins": N_("The driver's time ends before it begins."),
    "That is over already": N_("That is over already."),
    "A driver comes on one day, within two weeks": N_("A driver comes on one day, within two weeks."),
    "there is no such letter": N_("There is no such letter."),
    "it is on its way": N_("It is on its way already."),
    "only what left can go once more, and no more of it than left": N_("Only what left can go once more, and no more of it than left."),
    "nobody said which SKU it is": N_("Nobody said which SKU it is: map its listing first."),
    "no location that sends has all of it free": N_("No location that sends has all of it free."),
    "it is cancelled": N_("It is cancelled."),
    "it goes in the parcel of another order": N_("It goes in the parcel of another order: weigh, buy and send that one."),
    "it goes together with others: take it out of their parcel first": N_(
        "It goes together with others: take it out of their parcel first."
    ),
    "choose what goes with it": N_("Choose at least two."),
    "one of these cannot go together with others": N_(
        "One of these cannot go together with others: it has a label, several parcels, or its channel says how it is sent."
    ),
    "they do not go from one place to one address": N_("They do not go from one place to one address."),
    "one of these goes together with others already": N_("One of these goes together with others already."),
    "what goes abroad goes alone": N_("What goes abroad goes alone: customs ask for each order."),
    "it does not go together with others": N_("It does not go together with others."),
    "its buyer fetches it": N_("Its buyer fetches it: it goes in no parcel."),
    "nobody fetches it: it goes in a parcel": N_("Nobody fetches it: it goes in a parcel."),
    "it is ready already": N_("It is ready already."),
    "it is not ready yet": N_("It is not ready yet."),
    "it waits for 90 days at most": N_("It waits for 90 days at most."),
    "it has a label already: give that back first": N_("It has a label already: give that back first."),
    "there is no such parcel": N_("There is no such parcel any more: look again."),
    "each unit is in one parcel": N_("Each unit must be in one parcel: count again."),
    "a parcel holds something": N_("A parcel that holds nothing is none."),
    "what is sold as one unit lies in one parcel": N_("What is sold as one unit goes in one parcel: put its parts together."),
    "there are not so many units in it": N_("Say how many units go in the other parcel: no more than there are, and at least one."),
}
STATE = "it is "  # a state follows
STOP = "it stops: "
TOO_MANY = re.compile("at once (.+) sells labels for so many parcels at most: ([0-9]+)")
CUSTOMS = "customs ask for the HS code, origin and weight of "
TONES = {"released": "", "packed": "info", "labelled": "info", "sent": "good", "cancelled": "", "problem": "bad"}
PICKUPS = {"released": N_("To pack"), "packed": N_("Ready for pickup"), "sent": N_("Fetched")}
PURCHASES: dict[str, str] = {
    "asked": N_("being bought"),
    "bought": N_("bought"),
    "voiding": N_("being given back"),
    "voided": N_("given back"),
    "refunding": N_("given back; the carrier decides about the money"),
    "kept": N_("could not be given back"),
    "failed": N_("not bought"),
}
PROGRESS: dict[Progress, str] = {
    Progress.LABELLED: N_("The label is printed"),
    Progress.PICKED_UP: N_("Picked up by the carrier"),
    Progress.IN_TRANSIT: N_("On its way"),
    Progress.OUT_FOR_DELIVERY: N_("Out for delivery"),
    Progress.READY_FOR_PICKUP: N_("Ready to be picked up"),
    Progress.DELIVERED: N_("Delivered"),
    Progress.EXCEPTION: N_("Delayed"),
    Progress.RETURNED: N_("On its way back to the sender"),
    Progress.VOIDED: N_("Not sent with this label"),
    Progress.UNKNOWN: N_("News from the carrier"),
}
LETTERS = {
    telling.TRYING: N_("on its way"),
    telling.AGAIN: N_("on its way"),
    "sent": N_("sent"),
    telling.KEPT: N_("not sent: nobody said how mail leaves this installation"),
    telling.UNSURE: N_("nobody knows whether it was sent"),
    telling.DECLINED: N_("the mail server did not take it"),
    telling.LATE: N_("not sent: it came too late"),
    telling.OVER: N_("not sent: something newer was told"),
    telling.NOBODY: N_("not sent: there was no address"),
}


def letter(one: Any) -> str:
    """What became of a letter to a buyer."""
    return str(gettext(LETTERS.get(one.outcome or telling.TRYING, one.outcome)))


def why(said: str) -> str:
    """What a flow said of what cannot be done."""
    if said.startswith(STOP):
        return str(gettext(STOPS[Stop(said.removeprefix(STOP))]))
    if said.startswith(CUSTOMS):
        return str(gettext("Customs ask for the HS code, origin and weight of %(skus)s.", skus=said.removeprefix(CUSTOMS)))
    if too_many := TOO_MANY.fullmatch(said):
        words = gettext("%(carrier)s sells labels for at most %(most)s parcels at once: choose another carrier, or fewer parcels.",
                        carrier=too_many[1], most=too_many[2])  # fmt: skip
        return str(words)
    if (state := said.removeprefix(STATE)) in set(WORDS):
        return str(gettext("That cannot be done now: it is %(state)s.", state=gettext(_state(state))))
    return str(gettext(SAID[said])) if said in SAID else said


def unused(why: str, until: int) -> str:
    """Why a label that is not used needs somebody; `until` in microseconds."""
    return str(gettext(UNUSED.get(why, why), time=current_app.jinja_env.filters["clock"](until, "short")))


def _state(said: str) -> str:
    return next(words for state, words in WORDS.items() if state.value == said)


def problem(word: str) -> str:
    return str(gettext(PROBLEMS[word])) if word in PROBLEMS else word
