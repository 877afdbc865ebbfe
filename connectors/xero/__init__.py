"""Xero: documents in a set of books by its Accounting API 2.0 (contract 16.1.0).

Nothing heavy is imported here; the client comes in when a ledger is made.
"""

from core.domain.coding import TaxWay
from core.domain.ledgers import DocKind
from core.ports import Connector, Consents, Field, Keeping, Kit, Ledger, Limits, Rate, Webhooks

API = "https://api.xero.com"
DAY_S, A_DAY = 86_400.0, 5000
# Apps made since 2 March 2026 must ask for these; accounting.transactions ends in September 2027 (developer.xero.com, read 2026-11).
SCOPES = (
    "offline_access",
    "accounting.invoices",  # and credit notes
    "accounting.payments",
    "accounting.banktransactions",  # and transfers
    "accounting.manualjournals",
    "accounting.contacts",
    "accounting.settings.read",
)


def ledger(kit: Kit) -> Ledger:
    from connectors.xero.client import Client
    from connectors.xero.ledger import XeroLedger

    return XeroLedger(kit, Client(kit))


def webhooks(kit: Kit) -> Webhooks:
    from connectors.xero.webhooks import XeroWebhooks

    return XeroWebhooks(kit)


def consents(kit: Kit) -> Consents:
    from connectors.xero.consents import XeroConsents

    return XeroConsents(kit)


MANIFEST = Connector(
    name="xero",
    label="Xero",
    roles=frozenset(["ledger"]),
    app=(
        Field("client_id", "Client ID", "developer.xero.com, My Apps: the app, Configuration", secret=False),
        Field("client_secret", "Client secret", "Beside the client ID; it is shown once, when it is made"),
        Field("webhook_key", "Webhooks key", "developer.xero.com, My Apps: the app, Webhooks", required=False),
    ),
    login=(Field("refresh_token", "Refresh token", "Given when somebody agrees; it ends 60 days after its last use"),),
    settings={
        "api_url": API,
        "identity_url": "https://identity.xero.com",
        "login_url": "https://login.xero.com",
        "page_url": "https://go.xero.com",  # where its own pages are
        "scopes": " ".join(SCOPES),
        "calls_a_day": A_DAY,  # for one organisation; 1000 where our app is on the Starter tier
        "refresh_days": 60,
        "page_size": 100,
        "throttled_wait_s": 30.0,  # after a 429 that names no time
    },
    # 60 in any minute, as half at once and half coming back; the day in the same way. Five at once: README.md, "Limits".
    rates={"minute": Rate(0.5, 30.0), "day": Rate(A_DAY / 2 / DAY_S, A_DAY / 2), "token": Rate(0.5, 10.0)},
    limits=Limits(),
    calls=(
        "token",
        "getConnections",
        "getOrganisations",
        "getCurrencies",
        "getAccounts",
        "getTaxRates",
        "getTrackingCategories",
        "getInvoices",
        "createInvoices",
        "updateInvoice",
        "getCreditNotes",
        "getCreditNote",
        "createCreditNotes",
        "updateCreditNote",
        "createCreditNoteAllocation",
        "deleteCreditNoteAllocations",
        "getPayments",
        "getPayment",
        "createPayments",
        "deletePayment",
        "getManualJournals",
        "getManualJournal",
        "createManualJournals",
        "updateManualJournal",
        "getBankTransfers",
        "getBankTransfer",
        "createBankTransfer",
        "deleteBankTransfer",
    ),
    ledger=ledger,
    keeps=Keeping(
        frozenset(DocKind) - {DocKind.RECEIPT, DocKind.REFUND}, foreign=False, banks=True, most_orders=1000, number=255, taxes=TaxWay.LINES
    ),
    webhooks=webhooks,
    consents=consents,
    asks=(Field("account", "Organisation", "Its name in Xero: only where you have more than one", secret=False, required=False),),
    scopes=SCOPES,
    simulator="connectors.xero.simulator:Simulator",
    refusal=401,
)
