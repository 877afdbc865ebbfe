"""What Amazon's words about money mean: the pairs of a settlement's lines, and the breakdowns of its Finances API, as our leaves. Pure.

Amazon publishes no list of either. These are the words that settlements of 2021 to 2026 have (practice of bookkeeping programs and sellers,
read 2026-11) and those of the Finances models; each other one is UNKNOWN and shows itself.
"""

from collections.abc import Iterable, Mapping
from itertools import product

from core.domain.money import Money
from core.domain.payouts import FEES, Leaf, Occasion, Part

Told = tuple[Leaf, str, int]  # leaf, label, minor units

ANY = "*"
ORDERED = frozenset(["itemprice", "itemfees", "itemwithheldtax", "othertransaction"])  # whose descriptions say enough alone
TAX_WORDS = (
    "Tax ShippingTax GiftWrapTax GiftwrapTax CODTax TaxDiscount OurPriceTax OurPriceTaxDiscount ShippingTaxDiscount GiftwrapTaxDiscount"
)
SELLING = (
    "Commission RefundCommission FixedClosingFee VariableClosingFee ShippingHB ShippingHoldback GiftwrapCommission DigitalServicesFee "
    "SalesTaxCollectionFee HighVolumeListingFee PerItemFee TechnologyFee ReferralFee RenewedProgramFee AmazonExclusivesFee "
    "AmazonExclusivesProgram CODChargeback PointsFee CostOfPointsGranted CostOfPointsReturned RegulatoryOperatingFee AmazonForAllFee"
)
FULFILLMENT = (
    "FBAPerUnitFulfillmentFee FBAPerOrderFulfillmentFee FBAWeightBasedFee FBAPickAndPackFee FBAWeightHandlingFee FBAOrderHandlingFee "
    "FBATransportationFee FBADeliveryServicesFee FBACustomerReturnPerUnitFee FBACustomerReturnPerOrderFee "
    "FBACustomerReturnWeightBasedFee FBARemovalFee FBADisposalFee FBAInboundTransportationFee FBAInboundTransportationProgramFee "
    "FBAInboundConvenienceFee FBAInboundDefectFee FBAInternationalInboundFreightFee FBAInternationalInboundFreightTaxAndDuty "
    "FBAOverageFee FBAPrepServiceFee ShippingChargeback GiftwrapChargeback InboundTransportationFee InboundTransportationProgramFee"
)
STORING = "StorageFee StorageRenewalBilling FBAStorageFee FBALongTermStorageFee FBALongTermStorage FBAInventoryStorageFee StorageBillingFee"
ADVERTISED = (
    "AdvertisingFee AdvertisingFeeRefund CouponRedemptionFee CouponParticipationFee CouponPerformanceFee LightningDealFee VineEnrollmentFee"
)
LOST = (
    "WAREHOUSE_LOST WAREHOUSE_DAMAGE WAREHOUSE_LOST_MANUAL WAREHOUSE_DAMAGE_EXCEPTION REVERSAL_REIMBURSEMENT COMPENSATED_CLAWBACK "
    "FREE_REPLACEMENT_REFUND_ITEMS REMOVAL_ORDER_LOST REMOVAL_ORDER_DAMAGED MISSING_FROM_INBOUND MISSING_FROM_INBOUND_CLAWBACK "
    "INBOUND_CARRIER_DAMAGE MULTICHANNEL_ORDER_LOST MULTICHANNEL_ORDER_DAMAGED CUSTOMER_DAMAGE CS_ERROR_ITEMS INCORRECT_FEES_ITEMS "
    "PAYMENT_RETRACTION_ITEMS"
)
# Why Amazon pays, or takes its money back, for goods that lay with it; what a buyer had left with his order.
OUT_OF_STOCK = (
    "WAREHOUSE_LOST WAREHOUSE_DAMAGE WAREHOUSE_LOST_MANUAL WAREHOUSE_DAMAGE_EXCEPTION REMOVAL_ORDER_LOST REMOVAL_ORDER_DAMAGED "
    "MISSING_FROM_INBOUND MISSING_FROM_INBOUND_CLAWBACK INBOUND_CARRIER_DAMAGE COMPENSATED_CLAWBACK"
)
# The same before they lay there, or after they left: its inventory ledger tells nothing of these.
OUTSIDE = "REMOVAL_ORDER_LOST REMOVAL_ORDER_DAMAGED MISSING_FROM_INBOUND MISSING_FROM_INBOUND_CLAWBACK INBOUND_CARRIER_DAMAGE"
TAXED_FEES = (
    "FBAInventoryStorageFee FBALongTermStorageFee SubscriptionFee FBAAmazonPartneredCarrierShipmentFee FBAInboundPlacementServiceFee "
    "FBARemovalOrderReturnFee FBARemovalOrderDisposalFee"
)
WITHHELD = " ".join(
    f"{tax}-{of}"
    for tax, of in product(
        ("MarketplaceFacilitatorTax", "MarketplaceFacilitatorVAT", "LowValueGoodsTax"),
        ("Principal", "Shipping", "Giftwrap", "RestockingFee", "Other"),
    )
)


def is_stock(description: str) -> bool:
    """Whether this reason of a reimbursement is about goods in Amazon's warehouses, or on their way there or back."""
    return plain(description) in STOCK


def is_outside(label: str) -> bool:
    """Whether money of this label is for goods that did not lie in Amazon's warehouses."""
    return plain(label.rpartition("/")[2]) in NOT_THERE


def plain(words: str) -> str:
    """Letters and digits alone, small: Amazon spells one name in several ways."""
    return "".join(letter for letter in words.casefold() if letter.isalnum())


STOCK = frozenset(plain(word) for word in OUT_OF_STOCK.split())
NOT_THERE = frozenset(plain(word) for word in OUTSIDE.split())
# leaf -> amount-type -> amount-descriptions
SETTLED: Mapping[Leaf, Mapping[str, str]] = {
    Leaf.BUYER: {
        "ItemPrice": "Principal Tax Shipping ShippingTax GiftWrap GiftWrapTax Goodwill ExportCharge RestockingFee ReturnShipping COD "
        "CODTax DeliveryTip",  # ‡ the last one
        "Promotion": "Principal Shipping GiftWrap Tax TaxDiscount ShippingTax",
    },
    Leaf.MARKETPLACE_TAX: {"ItemWithheldTax": WITHHELD},
    Leaf.SELLING_FEE: {"ItemFees": SELLING},
    Leaf.FULFILLMENT_FEE: {
        "ItemFees": FULFILLMENT,
        "ShipmentFees": FULFILLMENT,
        "other-transaction": f"{FULFILLMENT} RemovalComplete DisposalComplete FBARemovalOrderReturnFee FBARemovalOrderDisposalFee",
        "FBAAmazonPartneredCarrierShipmentFee": "BaseFee DiscountOnFee",
        "FBAInboundPlacementServiceFee": "BaseFee DiscountOnFee",
        "FBARemovalOrderReturnFee": "BaseFee DiscountOnFee",
        "FBARemovalOrderDisposalFee": "BaseFee DiscountOnFee",
    },
    Leaf.STORAGE: {
        "other-transaction": STORING,
        "ItemFees": STORING,
        "FBAInventoryStorageFee": "BaseFee DiscountOnFee",
        "FBALongTermStorageFee": "BaseFee DiscountOnFee",
    },
    Leaf.SUBSCRIPTION: {"other-transaction": "SubscriptionFee Subscription", "SubscriptionFee": "BaseFee DiscountOnFee"},
    Leaf.ADVERTISING: {
        "CostOfAdvertising": f"TransactionTotalAmount {ANY}",
        "CouponRedemptionFee": ANY,
        "CouponParticipationFee": ANY,
        "CouponPerformanceBasedFee": ANY,
        "DealParticipationFee": ANY,
        "DealPerformanceFee": ANY,
        "LightningDealFee": ANY,
        "VineEnrollmentFee": ANY,
        "other-transaction": ADVERTISED,
    },
    Leaf.FEE_TAX: {
        "ItemFees": "TaxOnFees",
        **dict.fromkeys(TAXED_FEES.split(), "TaxOnFee"),
    },
    Leaf.OTHER_FEE: {"other-transaction": "ManualProcessingFee HighVolumeListingFee UnplannedServiceFee"},
    Leaf.SHIPPING_FEE: {
        "other-transaction": "ShippingLabelPurchase ShippingLabelPurchaseForReturn ShippingLabelRefund ShippingServicesRefund "
        "CarrierShippingLabelAdjustments PostageBilling PostageRefund MfnPostageFee",
        "ShippingServices": ANY,
    },
    Leaf.REIMBURSEMENT: {
        "FBAInventoryReimbursement": f"{LOST} {ANY}",
        "ManualProcessingFeeReimbursement": ANY,
        "other-transaction": f"{LOST} SAFETReimbursement ManualProcessingFeeReimbursement",
        "ItemPrice": "SAFETReimbursement",
    },
    Leaf.ADJUSTMENT: {
        "other-transaction": "BalanceAdjustment NonSubscriptionFeeAdj NonSubscriptionFeeAdjustment FeeAdjustment OtherConcession"
    },
    Leaf.CHARGEBACK: {"other-transaction": "ChargebackRefund ChargebackRecovery AtoZGuaranteeClaim AtoZGuaranteeRecovery"},
    Leaf.LOAN: {"other-transaction": "LoanAdvance LoanPayment LoanRefund AmazonLendingRepayment"},
    Leaf.RESERVE: {"other-transaction": "CurrentReserveAmount PreviousReserveAmountBalance"},
    Leaf.CARRIED: {"other-transaction": "PayableToAmazon DebtAdjustment CarriedBalance"},
    Leaf.BANK: {
        "other-transaction": "SuccessfulCharge UnsuccessfulCharge FailedDisbursement",
        "MicroDeposit": f"MicroDeposit {ANY}",
    },
}
# How longer texts of Amazon's begin, of amount-type other-transaction: a reason or a date follows.
BEGINS = {"transferoffundsunsuccessful": Leaf.BANK, "debtadjustmentagainst": Leaf.CARRIED, "couponredemptionfee": Leaf.ADVERTISING}
PAIRS: Mapping[tuple[str, str], Leaf] = {
    (plain(kind), word if word == ANY else plain(word)): leaf
    for leaf, kinds in SETTLED.items()
    for kind, said in kinds.items()
    for word in said.split()
}
OTHER = plain("other-transaction")

# leaf -> breakdownTypes of Finances 2024-06-19
BROKEN_DOWN: Mapping[Leaf, str] = {
    Leaf.BUYER: "OurPricePrincipal Principal ProductCharges ShippingPrincipal Shipping ShippingCharge GiftwrapPrincipal GiftWrap "
    "OurPriceDiscount ShippingDiscount GiftwrapDiscount Promotion PromoRebates Discount RestockingDeductionPrincipal "
    "RestockingDeductionTax RestockingFee GoodwillPrincipal Goodwill ExportCharge ReturnShipping DeliveryTip " + TAX_WORDS,
    Leaf.MARKETPLACE_TAX: f"{WITHHELD} MarketplaceWithheldTax",
    Leaf.SELLING_FEE: f"{SELLING} AmazonFees",
    Leaf.FULFILLMENT_FEE: f"{FULFILLMENT} FBAFees",
    Leaf.STORAGE: STORING,
    Leaf.SUBSCRIPTION: "Subscription SubscriptionFee",
    Leaf.ADVERTISING: ADVERTISED,
    Leaf.SHIPPING_FEE: "ShippingLabelPurchase ShippingLabelPurchaseForReturn PostageBilling PostageRefund MfnPostageFee",
    Leaf.REIMBURSEMENT: f"{LOST} FBAInventoryReimbursement FBAReversedReimbursement SAFETReimbursement",
    Leaf.ADJUSTMENT: "BalanceAdjustment FeeAdjustment",
    Leaf.LOAN: "LoanAdvance LoanPayment LoanRefund",
    Leaf.RESERVE: "ReserveCredit ReserveDebit CurrentReserveAmount PreviousReserveAmountBalance",
    Leaf.CARRIED: "PayableToAmazon DebtAdjustment",
    Leaf.BANK: "SuccessfulCharge DebtPayment",
}
BREAKDOWNS: Mapping[str, Leaf] = {plain(word): leaf for leaf, said in BROKEN_DOWN.items() for word in said.split()}
BENEATH = frozenset(["base", "promo"])  # of a fee: it is the fee's

# transaction-type of a settlement, transactionType of Finances
OCCASIONS: Mapping[str, Occasion] = {
    plain(word): occasion
    for occasion, said in {
        Occasion.SALE: "Order Shipment",
        Occasion.REFUND: "Refund",
        Occasion.CHARGEBACK: "ChargebackRefund Chargeback AtoZGuaranteeRefund AtoZGuaranteeClaim GuaranteeClaim GuaranteeClaimRefund",
        Occasion.CHARGEBACK_WON: "ChargebackRecovery AtoZGuaranteeRecovery GuaranteeClaimRecovery",
        Occasion.FEE: "ServiceFee FBAFees ProductAdsPayment CouponRedemptionFee CouponPayment SellerDealPayment",
        Occasion.POSTAGE: "ShippingServices ShippingLabel",
        Occasion.ADJUSTMENT: "OrderRetrocharge RefundRetrocharge Retrocharge",
        Occasion.TRANSFER: "Transfer Transfers",
    }.items()
    for word in said.split()
}
BY_LEAF: Mapping[Leaf, Occasion] = {
    **dict.fromkeys(FEES, Occasion.FEE),
    Leaf.SHIPPING_FEE: Occasion.POSTAGE,
    Leaf.REIMBURSEMENT: Occasion.REIMBURSEMENT,
    Leaf.CHARGEBACK: Occasion.CHARGEBACK,
    Leaf.ADJUSTMENT: Occasion.ADJUSTMENT,
    Leaf.LOAN: Occasion.ADJUSTMENT,
    Leaf.RESERVE: Occasion.RESERVE,
    Leaf.CARRIED: Occasion.CARRIED,
    Leaf.BANK: Occasion.TRANSFER,
}
CHARGED, WON = plain("SuccessfulCharge"), frozenset(plain(word) for word in ("ChargebackRecovery", "AtoZGuaranteeRecovery"))
TAXES = frozenset(plain(word) for word in TAX_WORDS.split())
DISPUTED = frozenset((Occasion.CHARGEBACK, Occasion.CHARGEBACK_WON))


def of_pair(amount_type: str, description: str) -> Leaf:
    """What a settlement's line is for."""
    kind, word = plain(amount_type), plain(description)
    found = PAIRS.get((kind, word)) or PAIRS.get((kind, ANY))
    if found is None and kind == OTHER:
        found = next((leaf for begin, leaf in BEGINS.items() if word.startswith(begin)), None)
    return found or Leaf.UNKNOWN


def label(amount_type: str, description: str) -> str:
    """Amazon's own name of a line."""
    known = plain(amount_type) in ORDERED and of_pair(amount_type, description) is not Leaf.UNKNOWN
    return description if known and description else " / ".join(filter(None, (amount_type, description)))


def of_breakdown(path: tuple[str, ...]) -> tuple[Leaf, str]:
    """What the last of these breakdowns, each inside the one before, is for; and its name."""
    names = [plain(name) for name in path]
    above = BREAKDOWNS.get(names[-2], Leaf.UNKNOWN) if len(names) > 1 else Leaf.UNKNOWN
    if names[-1] in BENEATH and above is not Leaf.UNKNOWN:
        return above, path[-2]
    if names[-1] == "tax" and above in FEES:
        return Leaf.FEE_TAX, f"{path[-2]} / {path[-1]}"
    leaf = BREAKDOWNS.get(names[-1], Leaf.UNKNOWN)
    return leaf, path[-1] if leaf is not Leaf.UNKNOWN else " / ".join(path)


def occasion(kind: str, leaves: Iterable[tuple[Leaf, str]]) -> Occasion:
    """Why a movement of this type happened; where the type does not say it, what it is made of (leaf, label) does, if that agrees."""
    if found := OCCASIONS.get(plain(kind)):
        return found
    said = {_by_leaf(leaf, plain(word)) for leaf, word in leaves}
    return said.pop() if len(said) == 1 else Occasion.UNKNOWN


def _by_leaf(leaf: Leaf, word: str) -> Occasion:
    if word == CHARGED:
        return Occasion.CHARGED
    if word in WON:
        return Occasion.CHARGEBACK_WON
    return BY_LEAF.get(leaf, Occasion.UNKNOWN)


def parts(told: Iterable[Told], currency: str, why: Occasion) -> tuple[Part, ...]:
    """One part for each leaf and label. Tax that Amazon shows and withholds is its own, not the buyer's to us; in a dispute the buyer's
    money is the chargeback."""
    sums: dict[tuple[Leaf, str], int] = {}
    for leaf, name, minor in _washed(list(told)):
        key = Leaf.CHARGEBACK if leaf is Leaf.BUYER and why in DISPUTED else leaf, name
        sums[key] = sums.get(key, 0) + minor
    return tuple(Part(leaf, Money(minor, currency), name) for (leaf, name), minor in sums.items() if minor)


def _washed(told: list[Told]) -> list[Told]:
    """Of the buyer's taxes as much is Amazon's as it withholds."""
    withheld = -sum(minor for leaf, _, minor in told if leaf is Leaf.MARKETPLACE_TAX)
    taxed = [(name, minor) for leaf, name, minor in told if _is_tax(leaf, name)]
    taxes = sum(minor for _, minor in taxed)
    if withheld * taxes <= 0:
        return told
    if abs(withheld) >= abs(taxes):
        return [(Leaf.MARKETPLACE_TAX if _is_tax(leaf, name) else leaf, name, minor) for leaf, name, minor in told]
    return [*told, (Leaf.BUYER, taxed[0][0], -withheld), (Leaf.MARKETPLACE_TAX, taxed[0][0], withheld)]


def _is_tax(leaf: Leaf, name: str) -> bool:
    return leaf is Leaf.BUYER and plain(name.rpartition("/")[2]) in TAXES
