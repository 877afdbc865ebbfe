"""QuickBooks Online: a set of books by the Accounting API v3, minor version 75.

Nothing heavy is imported here; the client comes in when a ledger is made.
"""

from core.domain.coding import TaxWay
from core.ports import Connector, Consents, Field, Keeping, Kit, Ledger, Limits, Rate, Webhooks


def ledger(kit: Kit) -> Ledger:
    from connectors.quickbooks.client import Client
    from connectors.quickbooks.ledger import QuickBooksLedger

    return QuickBooksLedger(kit, Client(kit))


def consents(kit: Kit) -> Consents:
    from connectors.quickbooks.consents import QuickBooksConsents

    return QuickBooksConsents(kit)


def webhooks(kit: Kit) -> Webhooks:
    from connectors.quickbooks.webhooks import QuickBooksWebhooks

    return QuickBooksWebhooks(kit)


def _manifest() -> Connector:
    from connectors.quickbooks.tables import CALLS, ENTITIES

    return Connector(
        name="quickbooks",
        label="QuickBooks Online",
        roles=frozenset(["ledger"]),
        app=(
            Field("client_id", "Client ID", "developer.intuit.com, your app, Keys & credentials, Production", secret=False),
            Field("client_secret", "Client secret", "Beside the client ID"),
            Field(
                "verifier_token", "Webhook verifier token", "developer.intuit.com, your app, Webhooks: shown beside the URL", required=False
            ),
        ),
        login=(Field("refresh_token", "Refresh token", "Comes by itself when you connect; or from Intuit's OAuth playground"),),
        settings={
            "api_url": "https://quickbooks.api.intuit.com",  # sandbox companies: https://sandbox-quickbooks.api.intuit.com
            "auth_url": "https://appcenter.intuit.com/connect/oauth2",
            "token_url": "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
            "app_url": "https://app.qbo.intuit.com/app",
            "throttled_wait_s": 60.0,  # after a 429, or fault 3001
            "changes_days": 29,  # so far back change data capture is asked; Intuit keeps 30
        },
        rates={"second": Rate(10.0, 10.0), "minute": Rate(500 / 60, 500.0), "token": Rate(1.0, 10.0)},
        limits=Limits(),
        calls=CALLS,
        webhooks=webhooks,
        consents=consents,
        ledger=ledger,
        keeps=Keeping(frozenset(ENTITIES), taxes=TaxWay.MARKS),
        simulator="connectors.quickbooks.simulator:Simulator",
    )


MANIFEST = _manifest()
