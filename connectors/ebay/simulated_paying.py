"""The simulator's money: what orders paid and what eBay took of it, as its Finances API tells it; payouts, with differences where some are
wished for; and the check of signatures. Pure but for the dicts it is given.

A line costs 13.25 % of what its buyer paid (tax that eBay collects too), an order 40 cents more; where seller and buyer are in different
countries 1.65 %, on European sites 0.35 %. Every fourth order was advertised: 2 %, which is told as a charge of its own. A refund gives the
13.25 % back in proportion. These are rates of our own that look like eBay's.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request

from core.domain.money import Money, total

Json = dict[str, Any]
STATES = {  # as core.domain.payouts spells them
    "INITIATED": "on_its_way", "SUCCEEDED": "paid", "RETRYABLE_FAILED": "scheduled", "TERMINAL_FAILED": "failed", "REVERSED": "failed",
}  # fmt: skip
DESCRIBED = {
    "INITIATED": "Preparing to send", "SUCCEEDED": "Funds sent", "RETRYABLE_FAILED": "Waiting to retry",
    "TERMINAL_FAILED": "Payout failed", "REVERSED": "Waiting to retry : Money rejected by seller's bank",
}  # fmt: skip
FINAL, FIXED, ABROAD, RULES, ADS = 1325, 40, 165, 35, 200  # hundredths of a percent, and cents
EUROPE = frozenset(["EBAY_GB", "EBAY_DE"])
OTHER = {"USD": "EUR"}  # the currency in which an order's money comes that was not asked for
PLANTS = ("fee", "refund_missing", "twice", "currency", "cent", "sum")
KEY_LIFE = timedelta(days=3 * 365)
LATE = timedelta(minutes=5)  # how old a signature may be: our guess
SIGNED = ("x-ebay-signature-key", "@method", "@path", "@authority")


class Unsigned(Exception):
    """eBay's number of the error, and its sentence (as people were told, 2022 to 2024)."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message


def new() -> Json:
    """A seller of the United States to whom nothing was paid."""
    return {"signs": False, "keys": {}, "lines": [], "payouts": []}


def share(amount: Money, rate: int) -> Money:
    """`rate` in hundredths of a percent, to the nearest cent."""
    return Money((amount.minor * rate + 5000) // 10_000, amount.currency)


def read(held: Mapping[str, str]) -> Money:
    return Money.parse(held["value"], held["currency"])


class Till:
    """One seller's. `state` is the simulator's own, `next_id` gives numbers, `stamp` and `decimal` write as eBay does."""

    def __init__(
        self, state: Json, clock: Callable[[], datetime], next_id: Callable[[], int], stamp: Callable[[datetime], str],
        decimal: Callable[[Money], str],
    ) -> None:  # fmt: skip
        self._all, self._clock, self._next, self._stamp, self._decimal = state, clock, next_id, stamp, decimal

    @property
    def state(self) -> Json:
        found: Json = self._all.setdefault("money", new())
        return found

    def _cash(self, money: Money) -> Json:
        return {"value": self._decimal(money), "currency": money.currency}

    # what happens

    def sold(self, document: Mapping[str, Any]) -> None:
        """An order was paid; and what it was advertised for comes as a charge of its own."""
        gross = _earned(document)
        number, site = document["orderId"], document["lineItems"][0]["listingMarketplaceId"]
        rows = [self._line_fees(line, gross, place, site) for place, line in enumerate(document["lineItems"])]
        fees = total((read(fee["amount"]) for row in rows for fee in row["marketplaceFees"]), gross.currency)
        more = self._told_fees(gross, fees, rows) | {"ebayCollectedTaxAmount": self._cash(_collected(document))}
        line = self.add("SALE", "CREDIT", gross - fees, number=number, order=number, **more, **self._buyer(document))
        self._converted(line, document)
        if int(document["salesRecordReference"]) % 4 == 0:
            self.charge("AD_FEE", share(gross, ADS), order=number, item=document["lineItems"][0]["legacyItemId"])

    def _line_fees(self, line: Mapping[str, Any], gross: Money, place: int, site: str) -> Json:
        basis = read(line["total"])
        fees = {"FINAL_VALUE_FEE": share(basis, FINAL)}
        if place == 0 and gross.minor > 10 * FIXED:
            fees["FINAL_VALUE_FEE_FIXED_PER_ORDER"] = Money(FIXED, basis.currency)
        if "convertedFromValue" in line["total"]:
            fees["INTERNATIONAL_FEE"] = share(basis, ABROAD)
        if site in EUROPE:
            fees["REGULATORY_OPERATING_FEE"] = share(basis, RULES)
        told = [{"feeType": kind, "amount": self._cash(fee)} for kind, fee in fees.items()]
        return {"lineItemId": line.get("lineItemId", ""), "feeBasisAmount": self._cash(basis), "marketplaceFees": told}

    def _told_fees(self, gross: Money, fees: Money, rows: Sequence[Json]) -> Json:
        return {"totalFeeBasisAmount": self._cash(gross), "totalFeeAmount": self._cash(fees), "orderLineItems": list(rows)}

    def _buyer(self, document: Mapping[str, Any]) -> Json:
        return {"buyer": {"username": document["buyer"]["username"]}, "paymentsEntity": "eBay Commerce Inc."}

    def _converted(self, line: Json, document: Mapping[str, Any]) -> None:
        """The buyer paid in another currency: what is left of it in theirs."""
        whole = document["pricingSummary"]["total"]
        if "convertedFromValue" in whole:
            theirs, ours = Money.parse(whole["convertedFromValue"], whole["convertedFromCurrency"]), read(whole)
            told = Money(read(line["amount"]).minor * theirs.minor // max(1, ours.minor), theirs.currency)
            line["amount"] |= {"convertedFromValue": self._decimal(told), "convertedFromCurrency": told.currency}

    def ours(self, document: Mapping[str, Any]) -> Json:
        """The seller's part of an order: refunds are told without the tax that eBay collected (OrderRefund.amount, 2026-11)."""
        whole: Json = document["pricingSummary"]["total"]
        return self._cash(_earned(document)) if _collected(document) else whole

    def refunded(self, document: Mapping[str, Any], name: str, asked: Mapping[str, str]) -> None:
        """A buyer got money back: of ours at most what is left of the order's; tax that eBay collected is eBay's to give back."""
        sale = self._of("SALE", document["orderId"])
        left = sale and read(sale["totalFeeBasisAmount"]) + total(self._given_back(document["orderId"]), asked["currency"])
        if sale is None or not left:
            return
        gross = Money(min(read(asked).minor, left.minor), left.currency)
        fee = Money(self._final_fee(sale) * gross.minor // max(1, read(sale["totalFeeBasisAmount"]).minor), gross.currency)
        told = [{"feeType": "FINAL_VALUE_FEE", "amount": self._cash(fee)}]
        row = {"lineItemId": document["lineItems"][0].get("lineItemId", ""), "feeBasisAmount": self._cash(gross), "marketplaceFees": told}
        refers = [{"referenceId": name, "referenceType": "REFUND_ID"}]
        more = self._told_fees(gross, fee, [row]) | self._buyer(document)
        self.add("REFUND", "DEBIT", gross - fee, number=name, order=document["orderId"], references=refers, **more)

    def _given_back(self, order: str) -> list[Money]:
        return [
            -read(one["totalFeeBasisAmount"])
            for one in self.state["lines"]
            if (one["transactionType"], one.get("orderId")) == ("REFUND", order)
        ]

    def _final_fee(self, sale: Json) -> int:
        fees = [fee for row in sale["orderLineItems"] for fee in row["marketplaceFees"]]
        return sum(read(fee["amount"]).minor for fee in fees if fee["feeType"] == "FINAL_VALUE_FEE")

    def charge(self, kind: str, amount: Money, *, entry: str = "DEBIT", order: str = "", item: str = "") -> Json:
        """A fee that comes by itself; it names its order among its references."""
        refers = [{"referenceId": one, "referenceType": name} for one, name in ((order, "ORDER_ID"), (item, "ITEM_ID")) if one]
        return self.add(
            "NON_SALE_CHARGE", entry, amount, number=f"FEE-{7_560_000_000_000 + self._next()}_11", feeType=kind, references=refers
        )

    def add(self, kind: str, entry: str, amount: Money, *, number: str, order: str | None = None, **more: Any) -> Json:
        """One more transaction, in no payout yet."""
        line = {
            "transactionId": number,
            **({"orderId": order} if order else {}),
            "transactionType": kind,
            "bookingEntry": entry,
            "amount": self._cash(amount),
            "transactionDate": self._stamp(self._clock()),
            "transactionStatus": "FUNDS_AVAILABLE_FOR_PAYOUT",
            **more,
        }
        self.state["lines"].append(line)
        return line

    def forget(self, order: str) -> None:
        """It was never paid after all."""
        self.state["lines"] = [one for one in self.state["lines"] if order not in _orders(one)]

    def hold(self, document: Mapping[str, Any], *, held: bool) -> None:
        """eBay keeps an order's money back, or lets it go."""
        sale = self._open_sale(document["orderId"])
        sale["transactionStatus"] = "FUNDS_ON_HOLD" if held else "FUNDS_AVAILABLE_FOR_PAYOUT"
        sale["transactionMemo"] = "Funds on hold. Estimated release on Jun 1" if held else "Funds released"

    def dispute(self, document: Mapping[str, Any], *, won: bool) -> None:
        """The buyer's bank takes an order's money back; won: it comes again, and what that cost with it."""
        sale = self._of("SALE", document["orderId"])
        if sale is None:
            raise BadRequest("nothing of this order was paid")
        amount, entry = read(sale["totalFeeBasisAmount"]), "CREDIT" if won else "DEBIT"
        refers = [{"referenceId": f"51{document['salesRecordReference']}", "referenceType": "PAYMENTS_DISPUTE_ID"}]
        self.add(
            "DISPUTE", entry, amount, number=f"DSP-{self._next()}", order=document["orderId"], references=refers, **self._buyer(document)
        )
        self.charge("PAYMENT_DISPUTE_FEE", Money(2000, amount.currency), entry=entry, order=document["orderId"])

    def befall(self, wish: Json) -> Json:
        """{type, amount, entry?, currency?, fee?, order?, status?}: a transaction of any type, new ones too."""
        amount = Money.parse(str(wish["amount"]), str(wish.get("currency", "USD")))
        more = {name: wish[key] for key, name in (("fee", "feeType"), ("status", "transactionStatus")) if key in wish}
        number = str(wish.get("id") or f"T-{self._next()}")
        line = self.add(str(wish["type"]), str(wish.get("entry", "DEBIT")), amount, number=number, order=wish.get("order"), **more)
        return {"line": line["transactionId"]}

    def _of(self, kind: str, order: str) -> Json | None:
        found = (one for one in self.state["lines"] if one["transactionType"] == kind and one.get("orderId") == order)
        return next(found, None)

    def _open_sale(self, order: str) -> Json:
        sale = self._of("SALE", order)
        if sale is None or sale.get("payoutId"):
            raise BadRequest("nothing of this order's money is here")
        return sale

    # payouts

    def settle(self, wish: Json) -> list[Json]:
        """`state` is how they stand at first (SUCCEEDED); `into` a currency that the bank gets; `change` {payout: state} says how an older
        one stands now. A currency in which we owe is not paid out."""
        if "change" in wish:
            return [self._told(self._changed(number, state)) for number, state in wish["change"].items()]
        state, plant = str(wish.get("state", "SUCCEEDED")), wish.get("plant")
        if state not in STATES or plant not in (None, *PLANTS):
            raise BadRequest(f"state is one of {', '.join(STATES)}; plant one of {', '.join(PLANTS)}")
        planted, currency = self._planted(plant, wish.get("order"))
        made = [self._closed(group, state, wish.get("into")) for group in self._standing().values() if _sum(group).minor > 0]
        shown = next((one for one in made if planted and one["balance"]["currency"] == currency), None)
        if shown is not None:
            self._mark(shown, planted)
        return [self._told(one) for one in made]

    def _changed(self, number: str, state: str) -> Json:
        one: Json | None = next((one for one in self.state["payouts"] if one["payoutId"] == number), None)
        if one is None or state not in STATES:
            raise BadRequest(f"no payout {number}, or no state {state}")
        one |= {"payoutStatus": state, "payoutStatusDescription": DESCRIBED[state]}
        return one

    def _standing(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for line in self._open():
            found.setdefault(line["amount"]["currency"], []).append(line)
        return found

    def _open(self) -> list[Json]:
        return [one for one in self.state["lines"] if one["transactionStatus"] == "FUNDS_AVAILABLE_FOR_PAYOUT"]

    def _closed(self, lines: Sequence[Json], state: str, into: str | None) -> Json:
        number, now = str(5_910_000_000 + self._next()), self._stamp(self._clock())
        one: Json = {
            "payoutId": number,
            "payoutStatus": state,
            "payoutStatusDescription": DESCRIBED[state],
            "payoutDate": now,
            "transactionCount": len(lines),
            "payoutInstrument": {"instrumentType": "BANK", "nickname": "Example Bank", "accountLastFourDigits": "0001"},
            "bankReference": f"EBAYSIM{number}",
            "balance": self._cash(_sum(lines)),
            "into": into,
            "planted": None,
        }
        for line in lines:
            line |= {"payoutId": number, "transactionStatus": "PAYOUT"}
        self.state["payouts"].append(one)
        return one

    def _mark(self, one: Json, planted: Json | None) -> None:
        """The planted sum is a whole unit more than its lines."""
        one["planted"] = planted
        if planted and planted["what"] == "sum":
            balance = read(one["balance"])
            one["balance"] = self._cash(balance + Money(100, balance.currency))

    def payouts(self) -> list[Json]:
        return [self._told(one) for one in self.state["payouts"]]

    def _told(self, one: Json) -> Json:
        held = sum(1 for line in self.state["lines"] if line.get("payoutId") == one["payoutId"])
        about = {"id": one["payoutId"], "state": STATES[one["payoutStatus"]], "planted": one["planted"], "lines": held}
        return {**about, "amount": read(one["balance"]).text(), "currency": one["balance"]["currency"]}

    # differences that are put in

    def _planted(self, what: str | None, order: str | None) -> tuple[Json | None, str]:
        """What was planted, and the currency of the payout that shows it."""
        if what is None:
            return None, ""
        kind = "REFUND" if what == "refund_missing" else "SALE"
        line = next((one for one in self._open() if one["transactionType"] == kind and order in (None, one["orderId"])), None)
        if line is None:
            raise BadRequest(f"there is no {kind.lower()} to plant {what} in")
        self._spoil(what, line)
        return {"what": what, "order": None if what == "sum" else line["orderId"]}, line["amount"]["currency"]

    def _spoil(self, what: str, line: Json) -> None:
        match what:
            case "fee":
                fee = line["orderLineItems"][0]["marketplaceFees"][0]
                self._shift(fee, "amount", 1)
                self._shift(line, "totalFeeAmount", 1)
                self._shift(line, "amount", -1)
            case "cent":
                self._shift(line, "totalFeeBasisAmount", -1)
                self._shift(line, "amount", -1)
            case "currency":
                _recoin(line, OTHER.get(line["amount"]["currency"], "USD"))
            case "twice":
                self.state["lines"].append({**line, "transactionId": f"{line['transactionId']}-2"})
            case "refund_missing":
                self.state["lines"].remove(line)

    def _shift(self, holder: Json, key: str, cents: int) -> None:
        was = read(holder[key])
        holder[key] = {**holder[key], **self._cash(was + Money(cents, was.currency))}

    # what the API tells

    def payout_rows(self) -> list[Json]:
        """Oldest first."""
        return sorted((self._as_payout(one) for one in self.state["payouts"]), key=lambda one: (one["payoutDate"], one["payoutId"]))

    def _as_payout(self, one: Json) -> Json:
        told = {key: value for key, value in one.items() if key not in ("balance", "into", "planted")}
        return {**told, "amount": self._paid(one)}

    def _paid(self, one: Json) -> Json:
        """One that is changed for the bank tells what it was before: three units of ours are two of the bank's."""
        balance = read(one["balance"])
        if one["into"] in (None, balance.currency):
            return dict(one["balance"])
        before = {"convertedFromValue": self._decimal(balance), "convertedFromCurrency": balance.currency, "exchangeRate": "0.6667"}
        return {**self._cash(Money(balance.minor * 2 // 3, one["into"])), **before}

    def line_rows(self) -> list[Json]:
        """Newest first."""
        return sorted(self.state["lines"], key=lambda one: (one["transactionDate"], one["transactionId"]), reverse=True)

    # signatures

    def new_key(self, seed: int) -> Json:
        """As eBay gives a key: the private half this once."""
        number = self._next()
        private = Ed25519PrivateKey.from_private_bytes(sha256(f"ebay-sign:{seed}:{number}".encode()).digest())
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        secret, now = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), self._clock()
        jwe = f"eyJ6aXAiOiJERUYi.sim.{number:06d}"
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.state["keys"][jwe] = {"public": raw.hex(), "until": (now + KEY_LIFE).isoformat()}
        return {
            "signingKeyId": f"sim-{number}",
            "signingKeyCipher": "ED25519",
            "creationTime": int(now.timestamp()),
            "expirationTime": int((now + KEY_LIFE).timestamp()),
            "jwe": jwe,
            "privateKey": base64.b64encode(secret).decode(),
            "publicKey": base64.b64encode(public).decode(),
        }

    def check(self, request: Request) -> None:
        """What eBay wants of a signed call. Raises Unsigned."""
        held = self.state["keys"].get(_header(request, "x-ebay-signature-key", 215001))
        names, params, created = _input(_header(request, "Signature-Input", 215002))
        signed = _header(request, "Signature", 215003)
        body = request.get_data()
        if abs(self._clock().timestamp() - created) > LATE.total_seconds():
            raise Unsigned(215114, "The create time of signature parameters is not in right range")
        wanted = (*(["content-digest"] if body else []), *SIGNED)
        if held is None or names != wanted or datetime.fromisoformat(held["until"]) < self._clock() or not _digested(request, body):
            raise Unsigned(215122, "Signature validation failed")
        _verified(held["public"], signed, _signed_text(request, names, params))


def _earned(document: Mapping[str, Any]) -> Money:
    """What of an order is the seller's."""
    whole = read(document["pricingSummary"]["total"])
    return whole - _collected(document)


def _collected(document: Mapping[str, Any]) -> Money:
    taxes = [read(tax["amount"]) for line in document["lineItems"] for tax in line.get("ebayCollectAndRemitTaxes", ())]
    return total(taxes, document["pricingSummary"]["total"]["currency"])


def _orders(line: Mapping[str, Any]) -> set[str | None]:
    named = [one["referenceId"] for one in line.get("references", ()) if one["referenceType"] == "ORDER_ID"]
    return {line.get("orderId"), *named}


def _sum(lines: Sequence[Json]) -> Money:
    signed = [read(one["amount"]) * (1 if one["bookingEntry"] == "CREDIT" else -1) for one in lines]
    return total(signed, lines[0]["amount"]["currency"])


def _recoin(node: Any, currency: str) -> None:
    """The same figures in another currency."""
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _recoin(value, currency)
    if isinstance(node, dict) and "currency" in node:
        node["currency"] = currency


def _header(request: Request, name: str, number: int) -> str:
    found = request.headers.get(name)
    if not found:
        raise Unsigned(number, f"Missing {name} header")
    return found


def _input(text: str) -> tuple[tuple[str, ...], str, int]:
    """(the names of what is signed, all parameters as they stand, when)."""
    label, _, params = text.partition("=")
    inner, _, rest = params.partition(")")
    names = tuple(name.strip('"') for name in inner.removeprefix("(").split(" "))
    created = rest.removeprefix(";created=")
    if label != "sig1" or not inner.startswith("(") or not created.isdigit():
        raise Unsigned(215002, "Signature-Input cannot be read")
    return names, params, int(created)


def _digested(request: Request, body: bytes) -> bool:
    said = f"sha-256=:{base64.b64encode(sha256(body).digest()).decode()}:"
    return not body or request.headers.get("Content-Digest") == said


def _signed_text(request: Request, names: Sequence[str], params: str) -> bytes:
    path = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path).partition("?")[0]
    own = {"@method": request.method, "@path": path, "@authority": request.host}
    lines = [f'"{name}": {own.get(name) or request.headers.get(name, "")}' for name in names]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def _verified(public: str, signed: str, text: bytes) -> None:
    try:
        value = base64.b64decode(signed.removeprefix("sig1=:").removesuffix(":"), validate=True)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(value, text)
    except (InvalidSignature, ValueError):
        raise Unsigned(215122, "Signature validation failed") from None
