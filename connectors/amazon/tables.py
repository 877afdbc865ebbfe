"""What Amazon publishes as lists: marketplaces, rate limits, and the query and body keys that each operation knows."""

from dataclasses import dataclass
from typing import NamedTuple

from core.ports import Rate


class Marketplace(NamedTuple):
    country: str
    region: str
    currency: str


# developer-docs.amazon.com/sp-api/docs/marketplace-ids, read 2026-11
MARKETPLACES: dict[str, Marketplace] = {
    "ATVPDKIKX0DER": Marketplace("US", "na", "USD"),
    "A2EUQ1WTGCTBG2": Marketplace("CA", "na", "CAD"),
    "A1AM78C64UM0Y8": Marketplace("MX", "na", "MXN"),
    "A2Q3Y263D00KWC": Marketplace("BR", "na", "BRL"),
    "A1F83G8C2ARO7P": Marketplace("GB", "eu", "GBP"),
    "A1PA6795UKMFR9": Marketplace("DE", "eu", "EUR"),
    "A13V1IB3VIYZZH": Marketplace("FR", "eu", "EUR"),
    "APJ6JRA9NG5V4": Marketplace("IT", "eu", "EUR"),
    "A1RKKUPIHCS9HS": Marketplace("ES", "eu", "EUR"),
    "A1805IZSGTT6HS": Marketplace("NL", "eu", "EUR"),
    "AMEN7PMS3EDWL": Marketplace("BE", "eu", "EUR"),
    "A28R8C7NBKEWEA": Marketplace("IE", "eu", "EUR"),
    "A2NODRKZP88ZB9": Marketplace("SE", "eu", "SEK"),
    "A1C3SOZRARQ6R3": Marketplace("PL", "eu", "PLN"),
    "A33AVAJ2PDY3EV": Marketplace("TR", "eu", "TRY"),
    "A2VIGQ35RCS4UG": Marketplace("AE", "eu", "AED"),
    "A17E79C6D8DWNP": Marketplace("SA", "eu", "SAR"),
    "ARBP9OOSHTCHU": Marketplace("EG", "eu", "EGP"),
    "AE08WJ6YKNBMC": Marketplace("ZA", "eu", "ZAR"),
    "A21TJRUUN4KGV": Marketplace("IN", "eu", "INR"),
    "A1VC38T7YXB528": Marketplace("JP", "fe", "JPY"),
    "A39IBJ37TRP1C6": Marketplace("AU", "fe", "AUD"),
    "A19VAU5U5O7RUS": Marketplace("SG", "fe", "SGD"),
}
# Where a seller looks at an order (Seller Central's own addresses, read 2026-11); all others on sellercentral.amazon.com.
OF_REGION = {"eu": "sellercentral-europe.amazon.com"}
OF_COUNTRY = {
    "IN": "sellercentral.amazon.in",
    "JP": "sellercentral.amazon.co.jp",
    "AU": "sellercentral.amazon.com.au",
    "SG": "sellercentral.amazon.sg",
}
SELLER_CENTRAL = {id: host for id, place in MARKETPLACES.items() if (host := OF_COUNTRY.get(place.country) or OF_REGION.get(place.region))}

# Where sellers agree: of a region, and of marketplaces with one of their own. ‡ from practice
SELLER_CENTRALS = {
    "na": "https://sellercentral.amazon.com",
    "eu": "https://sellercentral-europe.amazon.com",
    "fe": "https://sellercentral.amazon.co.jp",
    "A39IBJ37TRP1C6": "https://sellercentral.amazon.com.au",
    "A19VAU5U5O7RUS": "https://sellercentral.amazon.sg",
    "A21TJRUUN4KGV": "https://sellercentral.amazon.in",
}

# Requests a second and burst, per application and seller (usage plans of the 2026-08 models); Amazon's own header corrects them.
RATES: dict[str, Rate] = {
    "searchOrders": Rate(0.0056, 20),
    "getOrder": Rate(0.5, 30),
    "searchListingsItems": Rate(5, 5),
    "getListingsItem": Rate(5, 10),
    "patchListingsItem": Rate(5, 5),
    "createFeedDocument": Rate(0.5, 15),
    "createFeed": Rate(0.0083, 15),
    "getFeed": Rate(2, 15),
    "getFeedDocument": Rate(0.0222, 10),
    "getInventorySummaries": Rate(2, 2),
    "createReport": Rate(0.0167, 15),
    "getReport": Rate(2, 15),
    "getReports": Rate(0.0222, 10),
    "getReportDocument": Rate(0.0167, 15),
    "getRates": Rate(80, 100),
    "purchaseShipment": Rate(80, 100),
    "getShipmentDocuments": Rate(80, 100),
    "cancelShipment": Rate(80, 100),
    "getTracking": Rate(80, 100),
    "createFulfillmentOrder": Rate(2, 30),
    "getFulfillmentOrder": Rate(2, 30),
    "cancelFulfillmentOrder": Rate(2, 30),
    "confirmShipment": Rate(2, 10),
    "listTransactions": Rate(0.5, 10),
}

INCLUDED = ("BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX", "PAYMENT")


@dataclass(frozen=True, slots=True)
class Keys:
    """What an operation knows in its query and body. The SDK adds more on its own; nothing else may be sent."""

    query: frozenset[str] = frozenset()
    body: frozenset[str] = frozenset()
    changes: bool = False


def _several(names: str) -> frozenset[str]:
    return frozenset(names.split())


WINDOW = frozenset(["createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore", "marketplaceIds", "includedData"])
KEYS: dict[str, Keys] = {
    "searchOrders": Keys(WINDOW | {"fulfillmentStatuses", "fulfilledBy", "maxResultsPerPage", "paginationToken"}),
    "getOrder": Keys(frozenset(["includedData"])),
    "searchListingsItems": Keys(
        WINDOW
        | {"issueLocale", "identifiers", "identifiersType", "variationParentSku", "packageHierarchySku", "withIssueSeverity"}
        | {"withStatus", "withoutStatus", "sortBy", "sortOrder", "pageSize", "pageToken"}
    ),
    "getListingsItem": Keys(frozenset(["marketplaceIds", "issueLocale", "includedData"])),
    "patchListingsItem": Keys(
        frozenset(["marketplaceIds", "includedData", "mode", "issueLocale"]), frozenset(["productType", "patches"]), changes=True
    ),
    "confirmShipment": Keys(body=frozenset(["marketplaceId", "packageDetail", "codCollectionMethod"]), changes=True),
    "getRates": Keys(
        body=_several(
            "shipTo shipFrom returnTo shipDate shipperInstruction packages valueAddedServices taxDetails channelDetails "
            "clientReferenceDetails shipmentType destinationAccessPointDetails carrierAccounts"
        )
    ),
    "purchaseShipment": Keys(
        body=_several("requestToken rateId requestedDocumentSpecification requestedValueAddedServices additionalInputs"), changes=True
    ),
    "getShipmentDocuments": Keys(_several("packageClientReferenceId format dpi")),
    "cancelShipment": Keys(changes=True),
    "getTracking": Keys(_several("trackingId carrierId")),
    "createFulfillmentOrder": Keys(
        body=_several(
            "marketplaceId sellerFulfillmentOrderId displayableOrderId displayableOrderDate displayableOrderComment shippingSpeedCategory "
            "deliveryWindow destinationAddress deliveryPreferences fulfillmentAction fulfillmentPolicy codSettings shipFromCountryCode "
            "notificationEmails featureConstraints items paymentInformation"
        ),
        changes=True,
    ),
    "getFulfillmentOrder": Keys(),
    "cancelFulfillmentOrder": Keys(changes=True),
    "createFeedDocument": Keys(body=frozenset(["contentType"])),
    "createFeed": Keys(body=frozenset(["feedType", "marketplaceIds", "inputFeedDocumentId", "feedOptions"]), changes=True),
    "getFeed": Keys(),
    "getFeedDocument": Keys(frozenset(["enableContentEncodingUrlHeader"])),
    "createReport": Keys(body=frozenset(["reportType", "marketplaceIds", "reportOptions", "dataStartTime", "dataEndTime"])),
    "getReport": Keys(),
    "getReports": Keys(_several("reportTypes processingStatuses pageSize createdSince createdUntil nextToken")),
    "listTransactions": Keys(
        _several("postedAfter postedBefore marketplaceId transactionStatus relatedIdentifierName relatedIdentifierValue nextToken")
    ),
    "getReportDocument": Keys(frozenset(["enableContentEncodingUrlHeader"])),
    "getInventorySummaries": Keys(
        frozenset(
            ["details", "granularityType", "granularityId", "startDateTime", "sellerSkus", "sellerSku", "nextToken", "marketplaceIds"]
        )
    ),
}
