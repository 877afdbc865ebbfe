"""A channel in memory, for tests. `manifest(system)` offers a system of your own; MANIFEST offers one that is shared."""

from functools import partial

from connectors.bogus import normalize
from connectors.bogus.channel import Bogus, BogusChannel, CommittingChannel
from connectors.bogus.webhooks import BogusWebhooks
from core.ports import CallsOff, Connector, Field, Kit, Limits, Paying, Rate, Shelving

CALLS = ("probe", "poll", "reach", "history", "fetch", "receive", "acknowledge", "listings", "places", "show", "shown", "levels", "selling",
         "subscribe", "unsubscribed", "placed", "stored", "shelf_moves",
         "confirm", "confirmed", "ready_to_fetch", "cancel", "cancelling", "appeals", "answer", "route", "captured", "capture",
         "payouts", "movements", "unpaid")  # fmt: skip


def manifest(*systems: Bogus, name: str = "bogus", merges: bool = False) -> Connector:
    """Bogus as a connector called `name`. One system answers for every account, several each for its own."""

    def channel(kit: Kit) -> BogusChannel:
        system = systems[0] if len(systems) == 1 else by_account[kit.account]
        return (CommittingChannel if system.commits else BogusChannel)(system, kit)

    by_account = {system.account: system for system in systems}
    return Connector(
        name=name,
        label=f"{name.capitalize()} (in memory, for tests)",
        roles=frozenset({"channel"}),
        app=(Field("secret", "Signing secret", "Any text: Bogus signs its webhooks with it."),),
        login=(Field("key", "Key", "Any text: Bogus does not look at it.", required=False),),
        settings={},
        rates={call: Rate(1000.0, 1000.0) for call in CALLS},
        limits=Limits(per_call=systems[0].per_call, revisions=systems[0].revisions, compares=systems[0].compares),
        calls=CALLS,
        channel=channel,
        order=partial(normalize.order, channel=name),
        orders=partial(normalize.orders, channel=name),
        webhooks=BogusWebhooks,
        queue=True,
        calls_off=CallsOff(answers=True),
        captures=True,
        pays=Paying(name),
        routes=True,
        stores=True,
        shelves=Shelving(outside=lambda label: label == "on its way"),
        merges=merges or any(system.merges for system in systems),
    )


MANIFEST = manifest(Bogus())
