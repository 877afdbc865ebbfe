"""What shipments are called, and why one does not go on, in the reader's words."""

from flask_babel import gettext

from core.domain.later import N_
from core.domain.shipments import PROBLEMS, STOPS, WORDS, Stop
from core.domain.shipping import Progress

# What flows say of what cannot be done, as core/flows write it.
SAID: dict[str, str] = {
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
    "there is no such station": N_("There is no such printer any more."),
    "this printer does not take such papers": N_("This printer does not take such papers."),
    "it is packed": N_("It is packed already."),
}
STATE = "it is "  # a state follows
STOP = "it stops: "
CUSTOMS = "customs ask for the HS code, origin and weight of "
TONES = {"released": "", "packed": "info", "labelled": "info", "sent": "good", "cancelled": "", "problem": "bad"}
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


def why(said: str) -> str:
    """What a flow said of what cannot be done."""
    if said.startswith(STOP):
        return str(gettext(STOPS[Stop(said.removeprefix(STOP))]))
    if said.startswith(CUSTOMS):
        return str(gettext("Customs ask for the HS code, origin and weight of %(skus)s.", skus=said.removeprefix(CUSTOMS)))
    if (state := said.removeprefix(STATE)) in set(WORDS):
        return str(gettext("That cannot be done now: it is %(state)s.", state=gettext(_state(state))))
    return str(gettext(SAID[said])) if said in SAID else said


def _state(said: str) -> str:
    return next(words for state, words in WORDS.items() if state.value == said)


def problem(word: str) -> str:
    return str(gettext(PROBLEMS[word])) if word in PROBLEMS else word
