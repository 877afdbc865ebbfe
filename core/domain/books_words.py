"""The journal in words: what accounts, entries, causes and states are called on pages and in files. Pure."""

from core.domain.gateways import Sight
from core.domain.journal import Account, EntryKind
from core.domain.later import N_
from core.domain.matching import Cause
from core.domain.opening import What
from core.domain.payouts import Occasion, Paid

ACCOUNTS = {
    Account.CLEARING: N_("Clearing"),
    Account.RESERVE: N_("Reserve kept by the channel"),
    Account.RECEIVABLE: N_("Owed by buyers"),
    Account.BANK: N_("Bank"),
    Account.INVENTORY: N_("Stock"),
    Account.SELLER_TAX: N_("Tax to pay"),
    Account.MARKETPLACE_TAX: N_("Tax that the marketplace pays"),
    Account.GIFT_CARDS: N_("Gift cards sold"),
    Account.STORE_CREDIT: N_("Store credit"),
    Account.POSTAGE_OWED: N_("Owed to carriers"),
    Account.LOAN: N_("Loan of the channel"),
    Account.SALES: N_("Sales"),
    Account.SHIPPING: N_("Shipping charged"),
    Account.TIPS: N_("Tips"),
    Account.DUTIES: N_("Duties charged"),
    Account.CHARGES: N_("Other charges to buyers"),
    Account.DISCOUNTS: N_("Discounts"),
    Account.RETURNS: N_("Returns and cancellations"),
    Account.REFUND_DIFFERENCE: N_("Refunds beside goods"),
    Account.REIMBURSEMENTS: N_("Reimbursements"),
    Account.ADJUSTMENTS: N_("Adjustments of the channel"),
    Account.SELLING_FEES: N_("Selling fees"),
    Account.PAYMENT_FEES: N_("Payment fees"),
    Account.FULFILLMENT_FEES: N_("Fulfillment fees"),
    Account.ADVERTISING: N_("Advertising"),
    Account.SUBSCRIPTIONS: N_("Subscriptions"),
    Account.STORAGE: N_("Storage"),
    Account.OTHER_FEES: N_("Other fees"),
    Account.FEE_TAX: N_("Tax on fees"),
    Account.CHARGEBACKS: N_("Chargebacks"),
    Account.POSTAGE: N_("Postage"),
    Account.GOODS_SOLD: N_("Cost of goods sold"),
    Account.ROUNDING: N_("Rounding"),
    Account.EXCHANGE: N_("Exchange differences"),
    Account.WRITTEN_OFF: N_("Written off"),
    Account.OPENING: N_("Opening balances"),
    Account.UNKNOWN: N_("Not named yet"),
}
KINDS = {
    EntryKind.SALE: N_("Sale"),
    EntryKind.REFUND: N_("Refund"),
    EntryKind.PAYMENT: N_("Payment"),
    EntryKind.REPAYMENT: N_("Money given back"),
    EntryKind.SETTLED: N_("Settled by a payout"),
    EntryKind.PAYOUT: N_("Payout"),
    EntryKind.POSTAGE: N_("Postage"),
    EntryKind.OPENING: N_("Opening balance"),
    EntryKind.WRITE_OFF: N_("Written off"),
    EntryKind.COST: N_("Cost of goods"),
}
CAUSES = {
    Cause.AWAITED: N_("Awaited: it is still to be paid out."),
    Cause.OVERDUE: N_("Overdue: nothing of it was paid out in the channel's time."),
    Cause.REFUND_OVERDUE: N_("A refund that no payout ever took."),
    Cause.TWICE: N_("This order's money came twice."),
    Cause.DIFFERS: N_("The channel settled another amount than the order's."),
    Cause.UNBOOKED: N_("Its order waits to be booked."),
    Cause.NOT_OURS: N_("Money of an order that is not here."),
    Cause.UNKNOWN_REFUND: N_("The channel gave money back for an order that is not here."),
    Cause.CURRENCY: N_("It came in another currency than the order's."),
    Cause.SUM: N_("The payout is not what its lines come to, or never reached the bank."),
    Cause.FEE: N_("A fee is another one than the channel said before."),
    Cause.BANK: N_("The bank shows another amount than was sent."),
}
STEPS = {
    Cause.OVERDUE: N_("Ask the channel for it with the order's number; write it off only when they say that it will not come."),
    Cause.REFUND_OVERDUE: N_("Look at the refund in the channel's admin: it may have failed there."),
    Cause.TWICE: N_("The channel will most likely take one back. Leave it until the next payout."),
    Cause.DIFFERS: N_(
        "Compare the order's story with the payout's line; a refund may be missing here. Read the order again, or write it off."
    ),
    Cause.UNBOOKED: N_("Its order is under Needs attention: once it adds up, this closes by itself."),
    Cause.NOT_OURS: N_("Backfill the channel's orders of that time. If it is older than your books, bring in an opening balance."),
    Cause.UNKNOWN_REFUND: N_("Backfill the channel's orders of that time."),
    Cause.CURRENCY: N_("Look whether the channel pays out in another currency than it did, and write off the exchange difference."),
    Cause.SUM: N_("Compare the payout with its statement at the channel, and with your bank."),
    Cause.FEE: N_("Ask the channel why, with the order's number."),
    Cause.BANK: N_("Look whether the bank kept a fee or changed the currency, and book the difference as such."),
}
OCCASIONS = {
    Occasion.SALE: N_("Sale"),
    Occasion.REFUND: N_("Refund"),
    Occasion.CHARGEBACK: N_("Chargeback"),
    Occasion.CHARGEBACK_WON: N_("Chargeback won"),
    Occasion.FEE: N_("Fee"),
    Occasion.POSTAGE: N_("Postage"),
    Occasion.REIMBURSEMENT: N_("Reimbursement"),
    Occasion.ADJUSTMENT: N_("Adjustment"),
    Occasion.RESERVE: N_("Kept back, or released"),
    Occasion.CARRIED: N_("Carried over"),
    Occasion.CHARGED: N_("Taken from your bank or card"),
    Occasion.TRANSFER: N_("Transfer"),
    Occasion.UNKNOWN: N_("Not named yet"),
}
GATEWAYS = {
    "amazon": "Amazon", "bank_transfer": N_("bank transfer"), "cash_on_delivery": N_("cash on delivery"), "ebay": "eBay",
    "gift_card": N_("gift card"), "manual": N_("by hand"), "paypal": "PayPal", "shopify_payments": "Shopify Payments",
    "shopify_store_credit": N_("store credit"),
}  # fmt: skip
STATES = {
    Paid.OPEN: N_("still open"),
    Paid.SCHEDULED: N_("scheduled"),
    Paid.ON_ITS_WAY: N_("on its way"),
    Paid.PAID: N_("paid"),
    Paid.FAILED: N_("sent back by the bank"),
    Paid.CANCELLED: N_("cancelled"),
    Paid.UNKNOWN: N_("not known"),
}
WAITS = {
    "problems": N_("They do not add up: they are under Needs attention."),
    "tax": N_("Nobody knows who owes their tax."),
    "payments": N_("What was paid was not read yet."),
}
IT_WAITS = {
    "problems": N_("Its parts do not come to its total: it is under Needs attention."),
    "tax": N_("Nobody knows who owes its tax."),
    "payments": N_("What was paid for it was not read yet."),
}
SIGHTS = {
    Sight.NEW: N_("new"),
    Sight.SAME: N_("here already"),
    Sight.OTHER: N_("here otherwise"),
    Sight.GONE: N_("was taken back before"),
}
WHYS = {"fee": N_("a fee was kept"), "short": N_("too little or too much was paid")}
INTO = {
    Account.PAYMENT_FEES: N_("Bank or payment fee"),
    Account.OTHER_FEES: N_("Other fee"),
    Account.EXCHANGE: N_("Currency difference"),
    Account.WRITTEN_OFF: N_("Written off"),
}
DISPUTES = {True: N_("money was given back to you"), False: N_("open, or lost")}
BALANCES = {
    What.CLEARING: N_("Money the channel or gateway still owes"),
    What.DEFERRED: N_("Of it, kept back until later (deferred)"),
    What.RESERVE: N_("Reserve kept by the channel"),
    What.GIFT_CARDS: N_("Gift cards sold and not spent"),
    What.STOCK: N_("Stock, at cost"),
}
BEHIND = {Paid.FAILED: "bad", Paid.PAID: "good", Paid.UNKNOWN: "warn"}

MODES = {
    "per_order": N_("Documents for each order"),
    "daily": N_("One journal a day"),
    "per_payout": N_("One journal for each payout, split at the month's end"),
    "none": N_("Not written there"),
}
TAXES = {
    "": N_("As is usual in your country"),
    "codes": N_("Each line says its tax code"),
    "account": N_("Tax is a line of its own, without codes"),
}
LIABLE = {
    "seller": N_("your tax"),
    "marketplace": N_("tax that the channel pays"),
    "none": N_("no tax"),
    "outside": N_("no sale: gift cards, tips, money"),
}
DOCUMENTS = {
    "wanted": N_("about to be written"),
    "asked": N_("being written"),
    "posted": N_("written"),
    "blocked": N_("blocked"),
}
# Why a ledger declined a document, and what to do next.
BLOCKS = {
    "closed": (N_("Its day lies in a period that is closed there."), N_("Open the period there, or write it on the first open day.")),
    "duplicate": (N_("Its number is taken there by another document."), N_("Look at that document there; rename it, then try again.")),
    "account": (N_("An account is not known there, or may not be used so."), N_("Choose another account below, then try again.")),
    "tax": (
        N_("Its tax is not what was charged, or a tax code is missing there."),
        N_("Choose the tax codes of this ledger, then try again."),
    ),
    "currency": (N_("The books there do not keep that currency."), N_("Switch the currency on there, then try again.")),
    "contact": (N_("The customer or supplier cannot be used there."), N_("Look at it there, then try again.")),
    "stale": (N_("Somebody changed it there in the meantime."), N_("See there what was changed, then try again.")),
    "unbalanced": (N_("It does not balance there."), N_("Tell whoever looks after this installation.")),
    "paid": (
        N_("What it pays, or sets off, has less open there."),
        N_("See there which payment or credit stands against it already; take one of the two away, then try again."),
    ),
    "plan": (N_("The plan there does not have it, or its quota is spent."), N_("Wait until tomorrow, or change the plan there.")),
    "unsupported": (N_("That system has no such document."), N_("Choose another way of writing for this channel.")),
    "other": (N_("It was declined there."), N_("Read the words below, mend the cause, then try again.")),
}
