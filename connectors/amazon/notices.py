"""SQS messages as notices. Pure. A message that cannot be read is a notice too: it would come back for ever otherwise."""

from collections.abc import Mapping
from typing import Any

from connectors.http import read_json
from core.errors import BadPayload
from core.ports import About, Notice


def notice(message: Mapping[str, Any]) -> Notice:
    """ORDER_CHANGE names an order to fetch, FBA_INVENTORY_AVAILABILITY_CHANGES says that Amazon's warehouses hold another number; every
    other kind is told apart and left alone."""
    receipt, id_ = str(message.get("ReceiptHandle") or ""), str(message.get("MessageId") or "")
    try:
        return _notice(read_json(message["Body"]), receipt)
    except (BadPayload, KeyError, TypeError, AttributeError):
        return Notice("unreadable", id_, About.OTHER, receipt=receipt)


def _notice(told: Mapping[str, Any], receipt: str) -> Notice:
    kind, delivery = told["NotificationType"], told["NotificationMetadata"]["NotificationId"]
    if kind == "FBA_INVENTORY_AVAILABILITY_CHANGES":
        return Notice(kind, str(delivery), About.STORED, account=str(told["Payload"]["SellerId"]), receipt=receipt)
    if kind != "ORDER_CHANGE":
        return Notice(str(kind), str(delivery), About.OTHER, receipt=receipt)
    change = told["Payload"]["OrderChangeNotification"]
    return Notice(kind, str(delivery), account=str(change["SellerId"]), order=str(change["AmazonOrderId"]), receipt=receipt)
