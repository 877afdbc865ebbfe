"""Amazon's listings and stock answers as ours. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.amazon.read import need
from connectors.amazon.render import OURS
from connectors.http import read_json
from core.errors import BadPayload
from core.ports import Found, Push, Stored

FBA = "fulfilled by Amazon"


def found(item: Mapping[str, Any], marketplaces: Sequence[str], fba_prefix: str) -> Found:
    """A listing: the ASIN of the first marketplace that tells one, with the seller SKU. Raises BadPayload."""
    sku, summary = item.get("sku"), _summary(item, marketplaces)
    if not isinstance(sku, str) or not sku:
        raise BadPayload("amazon listing: sku is missing")
    fba = any(str(code).startswith(fba_prefix) for code in _levels(item))
    return offer(sku, summary.get("asin") or "", summary.get("itemName") or "", shown(item), fba=fba)


def offer(sku: str, asin: str, title: str, quantity: int | None, *, fba: bool) -> Found:
    """A listing as search and report both tell it. What is only inactive, for want of units say, is written all the same."""
    writable = FBA if fba else None if asin else "no ASIN yet"
    return Found(asin, sku, title, None if fba else quantity, {"channel": "" if fba else OURS}, writable)


def _summary(item: Mapping[str, Any], marketplaces: Sequence[str]) -> Mapping[str, Any]:
    summaries = {summary.get("marketplaceId"): summary for summary in item.get("summaries") or [] if summary.get("asin")}
    return next((summaries[place] for place in marketplaces if place in summaries), {})


def _levels(item: Mapping[str, Any]) -> dict[str, int | None]:
    return {need(level, "fulfillmentChannelCode", str): level.get("quantity") for level in item.get("fulfillmentAvailability") or []}


def shown(item: Mapping[str, Any]) -> int | None:
    """Units that the listing offers from the merchant's own stock; None where it offers none so."""
    return _levels(item).get(OURS)


def is_ours(push: Push) -> bool:
    """Whether the merchant ships this listing. Writing DEFAULT on any other one would turn it into a merchant-fulfilled offer."""
    return push.handle.get("channel") == OURS


def issues(answer: Mapping[str, Any]) -> str:
    """Amazon's reasons why a submission is invalid."""
    return "; ".join(f"{issue.get('code')}: {issue.get('message')}" for issue in answer.get("issues") or [])[:500]


def refusals(report: bytes) -> dict[str, str]:
    """A feed's processing report: the errors by SKU."""
    words: dict[str, str] = {}
    for issue in read_json(report).get("issues") or []:
        if issue.get("severity") == "ERROR":
            line = f"{issue.get('code')}: {issue.get('message')}"
            words[issue.get("sku") or ""] = f"{words[issue['sku']]}; {line}" if issue.get("sku") in words else line
    return words


def stored(answer: Mapping[str, Any]) -> list[Stored]:
    """One page of FBA summaries. What is reserved for Amazon's own orders, moved between its warehouses or looked for is neither."""
    return [_stored(entry) for entry in need(need(answer, "payload", dict), "inventorySummaries", list)]


COMING = ("inboundWorkingQuantity", "inboundShippedQuantity", "inboundReceivingQuantity")


def _stored(entry: Mapping[str, Any]) -> Stored:
    details = entry.get("inventoryDetails") or {}
    damaged = (details.get("unfulfillableQuantity") or {}).get("totalUnfulfillableQuantity") or 0
    coming = sum(details.get(name) or 0 for name in COMING)
    return Stored(need(entry, "sellerSku", str), details.get("fulfillableQuantity") or 0, damaged, coming)
