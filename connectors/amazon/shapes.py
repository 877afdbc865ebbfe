"""The simulator's orders, stock and notices as Amazon writes them. Pure."""

from datetime import datetime
from typing import Any

from connectors.amazon.simulated import stamp

V0_STATUS = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
PARTS = {name.upper(): name for name in ("buyer", "recipient", "proceeds", "fulfillment", "packages", "tax", "payment")}
ITEM_PARTS = {name.upper(): name for name in ("proceeds", "expense", "promotion", "cancellation", "fulfillment", "tax")}


def view(raw: dict[str, Any], included: set[str]) -> dict[str, Any]:
    """An order with the data sets that were asked for; a pending one has neither prices nor address."""
    pending = raw.get("fulfillment", {}).get("fulfillmentStatus") == "PENDING"
    hidden = {key for name, key in PARTS.items() if name not in included} | ({"proceeds", "recipient", "buyer"} if pending else set())
    inside = {key for name, key in ITEM_PARTS.items() if name not in included} | ({"proceeds", "tax", "promotion"} if pending else set())
    view = {key: value for key, value in raw.items() if key not in hidden}
    view["orderItems"] = [_item_view(item, inside, pending=pending) for item in raw["orderItems"]]
    return view


def _item_view(item: dict[str, Any], hidden: set[str], *, pending: bool) -> dict[str, Any]:
    view = {key: value for key, value in item.items() if key not in hidden}
    if pending:
        view["product"] = {key: value for key, value in item["product"].items() if key != "price"}
    return view


def counts(item: dict[str, Any]) -> tuple[int, int]:
    return item["fulfillment"]["quantityFulfilled"], item["fulfillment"]["quantityUnfulfilled"]


def stock(listing: dict[str, Any], *, details: bool) -> dict[str, Any]:
    summary = {"asin": listing["asin"], "fnSku": f"X0{listing['asin'][2:]}", "sellerSku": listing["sku"], "condition": "NewItem"}
    more = {"inventoryDetails": _details(listing)} if details else {}
    total = listing["stock"] + listing.get("shipped", 0) + listing.get("spoilt", 0)
    return {**summary, **more, "productName": listing["title"], "totalQuantity": total, "lastUpdatedTime": listing["updated"]}


def _details(listing: dict[str, Any]) -> dict[str, Any]:
    return {
        "fulfillableQuantity": listing["stock"],
        "inboundWorkingQuantity": 0,
        "inboundShippedQuantity": listing.get("shipped", 0),
        "inboundReceivingQuantity": 0,
        "reservedQuantity": {"totalReservedQuantity": 0, "pendingCustomerOrderQuantity": 0},
        "unfulfillableQuantity": {"totalUnfulfillableQuantity": listing.get("spoilt", 0)},
    }


def stock_change(listing: dict[str, Any], place: str, id_: str, at: datetime, *, seller: str) -> dict[str, Any]:
    """The vendor's FBA_INVENTORY_AVAILABILITY_CHANGES notification."""
    levels = {
        "InboundQuantityBreakdown": {"Working": 0, "Shipped": listing.get("shipped", 0), "Receiving": 0},
        "Fulfillable": listing["stock"],
        "Unfulfillable": listing.get("spoilt", 0),
        "Researching": 0,
        "ReservedQuantityBreakdown": {"WarehouseProcessing": 0, "WarehouseTransfer": 0, "PendingCustomerOrder": 0},
        "FutureSupplyBuyable": 0,
        "PendingCustomerOrderInTransit": 0,
    }
    where = {"MarketplaceId": place, "ItemName": listing["title"], "FulfillmentInventory": levels, "Stores": []}
    payload = {"SellerId": seller, "FNSKU": f"X0{listing['asin'][2:]}", "ASIN": listing["asin"], "SKU": listing["sku"]}
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "PayloadVersion": "1.0",
        "EventTime": stamp(at),
        "Payload": {**payload, "FulfillmentInventoryByMarketplace": [where]},
        "NotificationMetadata": {"NotificationId": id_, "PublishTime": stamp(at)},
    }


def package(number: int, shipped: list[tuple[dict[str, Any], int]], at: datetime) -> dict[str, Any]:
    return {
        "packageReferenceId": str(number),
        "createdTime": stamp(at),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": "UPS",
        "shipTime": stamp(at),
        "trackingNumber": f"1ZSIM{number:013d}",
        "packageItems": [{"orderItemId": item["orderItemId"], "quantity": count} for item, count in shipped],
    }


def comma(raw: dict[str, Any]) -> None:
    raw["proceeds"]["grandTotal"]["amount"] = raw["proceeds"]["grandTotal"]["amount"].replace(".", ",")


def no_fulfillment(raw: dict[str, Any]) -> None:
    del raw["fulfillment"]


def order_change(raw: dict[str, Any], reason: str, id_: str, at: datetime, *, seller: str) -> dict[str, Any]:
    """The vendor's ORDER_CHANGE notification, in v0 words as Amazon still writes it."""
    asked = reason == "Buyer Requested Cancel"
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": seller,
        "AmazonOrderId": raw["orderId"],
        "OrderChangeType": "BuyerRequestedChange" if asked else "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": raw["lastUpdatedTime"], "ChangeReason": reason},
        "Summary": _v0_summary(raw, asked=asked),
    }
    metadata = {
        "ApplicationId": "simulated-app",
        "SubscriptionId": "simulated-subscription",
        "PublishTime": stamp(at),
        "NotificationId": id_,
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": stamp(at),
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": metadata,
    }


def _v0_summary(raw: dict[str, Any], *, asked: bool) -> dict[str, Any]:
    fulfillment = raw.get("fulfillment", {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"})
    return {
        "MarketplaceId": raw["salesChannel"]["marketplaceId"],
        "OrderStatus": V0_STATUS[fulfillment["fulfillmentStatus"]],
        "PurchaseDate": raw["createdTime"],
        "DestinationPostalCode": None,
        "FulfillmentType": "MFN" if fulfillment["fulfilledBy"] == "MERCHANT" else "AFN",
        "OrderType": "StandardOrder",
        "OrderItems": [_v0_item(item, asked=asked) for item in raw["orderItems"]],
    }


def _v0_item(item: dict[str, Any], *, asked: bool) -> dict[str, Any]:
    return {
        "OrderItemId": item["orderItemId"],
        "SellerSKU": item["product"]["sellerSku"],
        "SupplySourceId": None,
        "Quantity": item["quantityOrdered"],
        "QuantityShipped": item["fulfillment"]["quantityFulfilled"],
        "IsBuyerRequestedCancel": asked,
    }
