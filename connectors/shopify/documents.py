"""Every GraphQL document we send, checked against 2026-07 and 2026-10. Text only.

An order is read by three documents that must all see the same `updatedAt`; longer lists go on with `MORE`. The `first` values keep each
document below the 1,000 points that one query may cost. Lists that Shopify does not page take `$first`.
"""

from collections.abc import Sequence

LEVEL = "l"  # before the number of a location, in the names of its levels
MONEY = "fragment m on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
PAGE = "pageInfo { hasNextPage endCursor }"

ADDRESS = """fragment addr on MailingAddress {
  name firstName lastName company address1 address2 city province provinceCode zip countryCodeV2 phone }"""

DISCOUNT = """fragment disc on DiscountApplication { __typename index targetType
  ... on DiscountCodeApplication { code } ... on AutomaticDiscountApplication { title }
  ... on ManualDiscountApplication { title } ... on ScriptDiscountApplication { title } }"""

SHARES = "discountAllocations { allocatedAmountSet { ...m } discountApplication { ...disc } }"

LINE = f"""fragment line on LineItem {{ id name title sku quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
  variant {{ id }} lineItemGroup {{ id }} fulfillmentService {{ handle }} originalUnitPriceSet {{ ...m }} {SHARES}
  taxLines {{ title rate channelLiable priceSet {{ ...m }} }} }}"""

SHIPPING = f"""fragment ship on ShippingLine {{ id title code isRemoved originalPriceSet {{ ...m }} {SHARES}
  taxLines {{ title rate channelLiable priceSet {{ ...m }} }} }}"""

BACK = """fragment back on RefundLineItem { lineItem { id } quantity restockType location { id }
  subtotalSet { ...m } totalTaxSet { ...m } }"""

CARRIAGE = "fragment carriage on RefundShippingLine { subtotalAmountSet { ...m } taxAmountSet { ...m } }"

PAID = """fragment paid on OrderTransaction { id kind status gateway processedAt test amountSet { ...m } parentTransaction { id }
  authorizationExpiresAt }"""
SENT = "fragment sent on FulfillmentLineItem { quantity lineItem { id } }"
OPEN_LINES = "fragment todo on FulfillmentOrderLineItem { id remainingQuantity lineItem { id } }"

PART = f"""fragment part on FulfillmentOrder {{ id status assignedLocation {{ location {{ id isFulfillmentService }} }}
  deliveryMethod {{ methodType }} fulfillmentHolds {{ id reason heldByRequestingApp }}
  lineItems(first: 15) {{ {PAGE} nodes {{ ...todo }} }} }}"""

SHOP = "query Shop { shop { id name myshopifyDomain currencyCode } }"

ORDER_IDS = f"""query OrderIds($q: String!, $after: String) {{
  orders(first: 100, after: $after, sortKey: UPDATED_AT, query: $q) {{ {PAGE} nodes {{
  id updatedAt cancelledAt displayFinancialStatus displayFulfillmentStatus }} }} }}"""

# At most 10,000 are counted; of more it says AT_LEAST (the schema's own words, 2026-10).
ORDERS_COUNT = "query OrdersCount($q: String!) { ordersCount(query: $q) { count precision } }"
REACH = "query Reach { shop { createdAt } currentAppInstallation { accessScopes { handle } } }"

HISTORY = f"""query History($q: String!, $after: String) {{
  orders(first: 100, after: $after, sortKey: PROCESSED_AT, query: $q) {{ {PAGE} nodes {{ id processedAt updatedAt }} }} }}"""

ORDER_CORE = f"""query OrderCore($id: ID!) {{ order(id: $id) {{
  id name poNumber test closedAt createdAt processedAt updatedAt cancelledAt cancelReason sourceName sourceIdentifier
  currencyCode presentmentCurrencyCode taxesIncluded dutiesIncluded displayFinancialStatus displayFulfillmentStatus note tags
  paymentGatewayNames
  risk {{ recommendation }} customer {{ id }} purchasingEntity {{ __typename }} email phone
  shippingAddress {{ ...addr }} billingAddress {{ ...addr }} totalPriceSet {{ ...m }} totalTipReceivedSet {{ ...m }}
  currentTotalDutiesSet {{ ...m }} originalTotalDutiesSet {{ ...m }}
  currentTotalAdditionalFeesSet {{ ...m }} originalTotalAdditionalFeesSet {{ ...m }}
  lineItems(first: 15) {{ {PAGE} nodes {{ ...line }} }}
  shippingLines(first: 5, includeRemovals: true) {{ {PAGE} nodes {{ ...ship }} }} }} }}
{LINE}
{SHIPPING}
{DISCOUNT}
{ADDRESS}
{MONEY}"""

ORDER_MONEY = f"""query OrderMoney($id: ID!, $first: Int!) {{ order(id: $id) {{ id updatedAt
  transactions(first: $first) {{ ...paid }}
  refunds(first: $first) {{ id processedAt totalRefundedSet {{ ...m }}
    refundLineItems(first: 15) {{ {PAGE} nodes {{ ...back }} }} refundShippingLines(first: 3) {{ {PAGE} nodes {{ ...carriage }} }}
    transactions(first: 5) {{ {PAGE} nodes {{ ...paid }} }} }} }} }}
{BACK}
{CARRIAGE}
{PAID}
{MONEY}"""

ORDER_SHIPPING = f"""query OrderShipping($id: ID!, $first: Int!) {{ order(id: $id) {{ id updatedAt
  fulfillmentOrders(first: 5) {{ {PAGE} nodes {{ ...part }} }}
  fulfillments(first: $first) {{ id status createdAt location {{ id }} trackingInfo(first: 10) {{ number }}
    fulfillmentLineItems(first: 15) {{ {PAGE} nodes {{ ...sent }} }} }} }} }}
{PART}
{OPEN_LINES}
{SENT}"""


def _more(owner: str, connection: str, rows: str, *fragments: str, order: str = "order { updatedAt }") -> str:
    return (
        f"query More($id: ID!, $after: String!) {{ node(id: $id) {{ __typename ... on {owner} {{ id {order}\n"
        f"  {connection} {{ {PAGE} nodes {{ ...{rows} }} }} }} }} }}\n" + "\n".join(fragments)
    )


# By the path of the connection in the merged order: how its next pages are asked for, by the id of the object that holds it.
MORE = {
    "lineItems": _more("Order", "lineItems(first: 25, after: $after)", "line", LINE, DISCOUNT, MONEY, order="updatedAt"),
    "shippingLines": _more(
        "Order", "shippingLines(first: 10, after: $after, includeRemovals: true)", "ship", SHIPPING, DISCOUNT, MONEY, order="updatedAt"
    ),
    "fulfillmentOrders": _more("Order", "fulfillmentOrders(first: 10, after: $after)", "part", PART, OPEN_LINES, order="updatedAt"),
    "fulfillmentOrders.lineItems": _more("FulfillmentOrder", "lineItems(first: 50, after: $after)", "todo", OPEN_LINES),
    "fulfillments.fulfillmentLineItems": _more("Fulfillment", "fulfillmentLineItems(first: 50, after: $after)", "sent", SENT),
    "refunds.refundLineItems": _more("Refund", "refundLineItems(first: 50, after: $after)", "back", BACK, MONEY),
    "refunds.refundShippingLines": _more("Refund", "refundShippingLines(first: 50, after: $after)", "carriage", CARRIAGE, MONEY),
    "refunds.transactions": _more("Refund", "transactions(first: 50, after: $after)", "paid", PAID, MONEY),
}


# All parts of one call must be of one order and one location. It keeps no keys: said twice, it tells of two parcels.
SHIP = """mutation Ship($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id } userErrors { field message } } }"""

MOVE = """mutation Move($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) {
    movedFulfillmentOrder { id } userErrors { field message } } }"""

# What is owed of an order, and what of it is authorized. A capture takes no key: it is not among the mutations that do (shopify.dev,
# idempotent requests, read 2026-11).
PAYABLE = f"""query Payable($id: ID!, $first: Int!) {{ order(id: $id) {{ id currentTotalPriceSet {{ ...m }}
  transactions(first: $first) {{ ...paid multiCapturable }} }} }}
{PAID}
{MONEY}"""

CAPTURE = """mutation Capture($input: OrderCaptureInput!) { orderCapture(input: $input) {
  transaction { id status errorCode } userErrors { field message } } }"""

# The buyer is written to by this (the schema's own words, 2026-10).
PREPARED = """mutation Prepared($input: FulfillmentOrderLineItemsPreparedForPickupInput!) {
  fulfillmentOrderLineItemsPreparedForPickup(input: $input) { userErrors { field code message } } }"""

# Without a refund no money moves; what is merely authorized is let go in any case (the schema's own words, 2026-10).
CANCEL = """mutation Cancel($id: ID!, $reason: OrderCancelReason!, $restock: Boolean!) {
  orderCancel(orderId: $id, reason: $reason, restock: $restock, notifyCustomer: false,
    refundMethod: {originalPaymentMethodsRefund: false}) {
    job { id } orderCancelUserErrors { field code message } } }"""

CANCELLED = "query Cancelled($id: ID!) { order(id: $id) { id cancelledAt } }"

# What a variant tells of its goods beside its stock. `ProductVariant.image` is deprecated (2026-07).
# Whether it stops at zero, whether anybody can buy it, and its picture.
SELLS = "inventoryPolicy product { id status featuredMedia { preview { image { url } } } }"
CARD = "harmonizedSystemCode countryCodeOfOrigin measurement { weight { unit value } } unitCost { amount currencyCode }"


def _variant(locations: Sequence[str]) -> str:
    """What a variant has at each of these locations, which are variables or JSON texts; by their place in the list."""
    available = 'quantities(names: ["available"]) { name quantity }'
    levels = " ".join(f"{LEVEL}{at}: inventoryLevel(locationId: {location}) {{ {available} }}" for at, location in enumerate(locations))
    return f"id displayName sku barcode requiresComponents {SELLS} inventoryItem {{ id tracked {CARD} {levels} }}"


# A shop without Shopify Payments has no account. Nothing tells when a payout last changed, so those that may still change are read again.
PAYOUTS = f"""query Payouts($q: String!, $after: String) {{ shopifyPaymentsAccount {{
  payouts(first: 100, after: $after, sortKey: ISSUED_AT, query: $q) {{ {PAGE} nodes {{
    id issuedAt status transactionType externalTraceId net {{ amount currencyCode }} }} }} }} }}"""

# Seven points a line. What a line is in the buyer's currency, and which tax is in its fee, is told by its order's transaction alone.
MOVEMENTS = f"""query Movements($q: String!, $after: String) {{ shopifyPaymentsAccount {{
  balanceTransactions(first: 100, after: $after, sortKey: PROCESSED_AT, query: $q) {{ {PAGE} nodes {{
    id type test transactionDate sourceType sourceOrderTransactionId adjustmentReason
    amount {{ amount currencyCode }} fee {{ amount currencyCode }} net {{ amount currencyCode }}
    associatedOrder {{ id }} associatedPayout {{ id status }} adjustmentsOrders {{ orderTransactionId }} }} }} }} }}"""

CHARGES = f"""query Charges($charges: [ID!]!) {{ nodes(ids: $charges) {{ __typename ... on OrderTransaction {{ id amountSet {{ ...m }}
  fees {{ amount {{ amount currencyCode }} taxAmount {{ amount currencyCode }} }} }} }} }}
{MONEY}"""

VARIANTS_COUNT = "query VariantsCount($limit: Int!) { productVariantsCount(limit: $limit) { count } }"


def variants(locations: int) -> str:
    """A page of variants with what they have at $l0, $l1, ... as many as are said."""
    names = [f"$l{at}" for at in range(locations)]
    typed = "".join(f", {name}: ID!" for name in names)
    return f"""query Variants($first: Int!, $after: String{typed}) {{ productVariants(first: $first, after: $after) {{ {PAGE}
  nodes {{ {_variant(names)} }} }} }}"""


def page_of(locations: int) -> int:
    """How many variants one query may ask for: each costs nine points, each of its levels two, and a query a thousand at most."""
    return max(1, min(100, 900 // (9 + 2 * locations)))


def export(locations: Sequence[str]) -> str:
    """Every variant at once, for BULK_QUERY, which takes no variables: the locations are written into it, as JSON texts."""
    return f"query {{ productVariants {{ edges {{ node {{ {_variant(locations)} }} }} }} }}"


VARIANT = f"query Variant($id: ID!) {{ productVariant(id: $id) {{ id requiresComponents {SELLS} inventoryItem {{ id tracked }} }} }}"

SET_POLICY = """mutation SetPolicy($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) { productVariants { id } userErrors { field message code } } }"""

SET_TRACKED = """mutation SetTracked($id: ID!, $input: InventoryItemInput!) {
  inventoryItemUpdate(id: $id, input: $input) { inventoryItem { id } userErrors { field message } } }"""

BULK_QUERY = """mutation BulkQuery($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) {
  bulkOperation { id status } userErrors { field code message } } }"""

BULK_STATE = "query BulkState($id: ID!) { bulkOperation(id: $id) { id status createdAt url } }"

LOCATIONS = f"""query Locations($after: String) {{ locations(first: 50, after: $after, sortKey: ID, includeInactive: true) {{ {PAGE}
  nodes {{ id name isActive isFulfillmentService }} }} }}"""

LEVELS = """query Levels($ids: [ID!]!, $location: ID!) { nodes(ids: $ids) { __typename ... on InventoryItem { id
  inventoryLevel(locationId: $location) { quantities(names: ["available", "committed"]) { name quantity } } } } }"""

SET_QUANTITIES = """mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { field code message } } }"""

HOOKS = f"""query Hooks($after: String) {{ webhookSubscriptions(first: 100, after: $after) {{ {PAGE} nodes {{ id topic uri }} }} }}"""

HOOK = """mutation Hook($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) { webhookSubscription { id } userErrors { field message } } }"""

ALL = (
    SHOP,
    ORDER_IDS,
    ORDERS_COUNT,
    REACH,
    HISTORY,
    ORDER_CORE,
    ORDER_MONEY,
    ORDER_SHIPPING,
    *MORE.values(),
    VARIANTS_COUNT,
    variants(1),
    variants(3),
    BULK_QUERY,
    BULK_STATE,
    export(['"gid://shopify/Location/1"', '"gid://shopify/Location/2"']),
    LOCATIONS,
    LEVELS,
    SET_QUANTITIES,
    HOOKS,
    HOOK,
    SHIP,
    MOVE,
    PAYABLE,
    CAPTURE,
    CANCEL,
    CANCELLED,
    PAYOUTS,
    MOVEMENTS,
    CHARGES,
)
