"""The simulator's Shopify Payments: what orders paid becomes lines of a balance, lines become payouts, with differences where some are
wished for. Pure but for the dicts it is given.

A card costs 2.9 % and 30 cents, and the tax of the shop's country on that (`tax`, in hundredths of a percent). Refunds give no fee back;
a dispute costs 15, until it is won.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from graphql import GraphQLEnumType, GraphQLError
from werkzeug.exceptions import BadRequest

from connectors.shopify import bookkeeping as books
from connectors.shopify import graphql_door as door
from core.domain.money import Money, places

Json = dict[str, Any]
GATEWAY, TEST_GATEWAY = "shopify_payments", "bogus"
KINDS = {"sale": "CHARGE", "capture": "CHARGE", "refund": "REFUND"}  # orders' transactions that become lines
SOURCES = {"CHARGE": "CHARGE", "REFUND": "REFUND", "DISPUTE_WITHDRAWAL": "DISPUTE", "DISPUTE_REVERSAL": "DISPUTE"}
STATES = {"SCHEDULED": "scheduled", "IN_TRANSIT": "on_its_way", "PAID": "paid", "FAILED": "failed"}  # as core.domain.payouts spells them
OTHER = {"USD": "EUR"}  # the currency in which an order's money comes that was not asked for
ON_ITS_WAY = timedelta(days=2)
DISPUTED = 15
PLANTS = ("fee", "refund_missing", "twice", "currency", "cent", "sum")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b, "": lambda a, b: a == b,
}  # fmt: skip


def new() -> Json:
    """A shop that has Shopify Payments, and nothing in it."""
    return {"on": True, "tax": 0, "lines": [], "payouts": []}


def fee_of(amount: Money) -> Money:
    """2.9 %, to the nearest cent, and 30 cents; of yen no cents."""
    return Money((abs(amount.minor) * 29 + 500) // 1000 + 3 * 10 ** places(amount.currency) // 10, amount.currency)


def tax_of(fee: Money, rate: int) -> Money:
    """`rate` in hundredths of a percent."""
    return Money((fee.minor * rate + 5000) // 10000, fee.currency)


class Balance:
    """One shop's. `state` is the simulator's own, `next_id` gives numbers."""

    def __init__(self, state: Json, clock: Callable[[], datetime], next_id: Callable[[], int]) -> None:
        self._all, self._clock, self._next = state, clock, next_id

    @property
    def _state(self) -> Json:
        found: Json = self._all["balance"]
        return found

    # lines

    def follow(self, order: Json, one: Json) -> None:
        """An order's transaction becomes a line, if it is one of ours; its fees are told with it."""
        if one["gateway"] != GATEWAY or one["kind"] not in KINDS or not self._state["on"]:
            return
        amount = _at_home(one)
        back = one["kind"] == "refund"
        fees = [] if back else [self._fee(amount)]
        one["fees"] = fees
        fee = sum((_read(each[name]) for each in fees for name in ("amount", "tax_amount")), Money.zero(amount.currency))
        self.add(KINDS[one["kind"]], -amount if back else amount, fee, order=order, transaction=one["id"])

    def _fee(self, amount: Money) -> Json:
        fee = fee_of(amount)
        return {"id": self._next(), "amount": _cash(fee), "tax_amount": _cash(tax_of(fee, self._state["tax"]))}

    def add(
        self, kind: str, amount: Money, fee: Money, *, order: Json | None = None, transaction: int | None = None, reason: str | None = None
    ) -> Json:  # fmt: skip
        """One more line, in no payout yet."""
        line = {
            "id": self._next(),
            "type": kind,
            "test": False,
            "transaction_date": self._clock().isoformat(),
            "source_type": SOURCES.get(kind, "ADJUSTMENT"),
            "source_order_transaction_id": None if transaction is None else str(transaction),
            "adjustment_reason": reason,
            "adjustments_orders": [],
            "order": None if order is None else {"id": order["id"], "name": order["name"]},
            "payout": None,
            **_sums(amount, fee),
        }
        self._state["lines"].append(line)
        return line

    def dispute(self, record: Json, *, won: bool) -> None:
        """The buyer's bank takes an order's money back; won: it comes again, and what that cost with it."""
        paid = next((one for one in record["transactions"] if one["gateway"] == GATEWAY and one["kind"] in ("sale", "capture")), None)
        if paid is None:
            raise BadRequest("nothing of this order was paid by Shopify Payments")
        amount = _at_home(paid)
        cost = Money(DISPUTED * 10 ** places(amount.currency), amount.currency)
        kind, sign = ("DISPUTE_REVERSAL", 1) if won else ("DISPUTE_WITHDRAWAL", -1)
        self.add(kind, amount * sign, cost * -sign, order=record["body"], transaction=paid["id"])

    def befall(self, wish: Json) -> Json:
        """{type, amount, fee, currency, reason}: a line of any type of Shopify's (RESERVED_FUNDS, SHIPPING_LABEL, ...), signed."""
        types = door.schema().type_map["ShopifyPaymentsTransactionType"]
        assert isinstance(types, GraphQLEnumType)
        if wish["type"] not in types.values:
            raise BadRequest("Shopify's balances know no such line")
        currency = str(wish.get("currency", self._all["currency"]))
        amount, fee = (Money.parse(str(wish.get(name, "0")), currency) for name in ("amount", "fee"))
        line = self.add(str(wish["type"]), amount, fee, reason=wish.get("reason"))
        return {"line": str(line["id"])}

    # payouts

    def settle(self, wish: Json) -> list[Json]:
        """`state` is how they stand at first (PAID; SCHEDULED and IN_TRANSIT are paid two days later). `fail` names a payout that the bank
        declines: its money is in the balance again, and the next payouts hold it. `among`: orders, in one of which it is planted
        where that can be."""
        if "fail" in wish:
            return [self._told(self._declined(str(wish["fail"])))]
        state = str(wish.get("state", "PAID"))
        if state not in STATES or wish.get("plant") not in (None, *PLANTS):
            raise BadRequest(f"state is one of {', '.join(STATES)}; plant one of {', '.join(PLANTS)}")
        planted, line = self._planted(wish.get("plant"), wish.get("among"))
        made = [self._closed(group, state) for group in self._standing().values()]
        if planted:
            self._mark(made, planted, line)
        return [self._told(one) for one in made]

    def _standing(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for line in self._open():
            found.setdefault(line["net"]["currency_code"], []).append(line)
        return found

    def _open(self) -> list[Json]:
        return [line for line in self._state["lines"] if line["payout"] is None]

    def _closed(self, lines: Sequence[Json], state: str) -> Json:
        net = sum((_read(line["net"]) for line in lines[1:]), _read(lines[0]["net"]))
        one = {"id": self._next(), "issued_at": self._clock().isoformat(), "status": state, "net": _cash(net), "planted": None}
        one["external_trace_id"] = f"SIMTRACE{one['id']:09d}"
        self._state["payouts"].append(one)
        own = self.add("TRANSFER", -net, Money.zero(net.currency))
        for line in [*lines, own]:
            line["payout"] = one["id"]
        return one

    def _declined(self, number: str) -> Json:
        known: list[Json] = [one for one in self._state["payouts"] if self._status(one) != "FAILED"]
        one = next((one for one in known if str(one["id"]) == number), None)
        if one is None:
            raise BadRequest(f"no payout {number} is there to fail")
        one["status"] = "FAILED"
        net = _read(one["net"])
        self.add("TRANSFER_FAILURE", net, Money.zero(net.currency))
        return one

    def _status(self, one: Json) -> str:
        late = self._clock() - datetime.fromisoformat(one["issued_at"]) >= ON_ITS_WAY
        return "PAID" if late and one["status"] in ("SCHEDULED", "IN_TRANSIT") else str(one["status"])

    def payouts(self) -> list[Json]:
        return [self._told(one) for one in self._state["payouts"]]

    def _told(self, one: Json) -> Json:
        held = [line for line in self._state["lines"] if line["payout"] == one["id"] and line["type"] != "TRANSFER"]
        amount = {"amount": one["net"]["amount"], "currency": one["net"]["currency_code"]}
        return {"id": str(one["id"]), "state": STATES[self._status(one)], **amount, "planted": one["planted"], "lines": len(held)}

    # differences that are put in

    def _planted(self, what: str | None, among: Sequence[str] | None) -> tuple[Json | None, Json | None]:
        """What was planted, and the line that shows it. Raises BadRequest where there is nothing to plant in, unless orders were named."""
        if what is None:
            return None, None
        kind = "REFUND" if what == "refund_missing" else "CHARGE"
        some = [one for one in self._open() if one["type"] == kind and one["order"]]
        line = next((one for one in some if among is None or str(one["order"]["id"]) in among), None)
        if line is None and among is not None:
            return None, None
        if line is None:
            raise BadRequest(f"there is no {kind.lower()} to plant {what} in")
        planted = {"what": what, "order": None if what == "sum" else str(line["order"]["id"])}
        return planted, self._spoil(what, line)

    def _spoil(self, what: str, line: Json) -> Json:
        amount, fee = _read(line["amount"]), _read(line["fee"])
        cent = Money(1, amount.currency)
        match what:
            case "fee":
                line |= _sums(amount, fee + cent)
            case "cent":
                line |= _sums(amount - cent, fee)
            case "currency":
                other = OTHER.get(amount.currency, "USD")
                line |= _sums(Money(amount.minor, other), Money(fee.minor, other))
            case "twice":
                self._state["lines"].append({**line, "id": self._next()})
            case "refund_missing":
                self._state["lines"].remove(line)
        return line

    def _mark(self, made: Sequence[Json], planted: Json, line: Json | None) -> None:
        """The payout that shows it, or whose it would have been. The planted sum is a whole unit more than its lines."""
        currency = line["net"]["currency_code"] if line else ""
        shown = next((one for one in made if one["net"]["currency_code"] == currency), None)
        if shown is None:
            return
        shown["planted"] = planted
        if planted["what"] == "sum":
            net = _read(shown["net"])
            shown["net"] = _cash(net + Money(10 ** places(net.currency), net.currency))

    # GraphQL

    def account(self) -> Json | None:
        return {"id": 1} if self._state["on"] else None

    def payout_page(self, args: Mapping[str, Any], most: int) -> Json:
        wanted = _search(args.get("query") or "", {"issued_at": lambda one: one["issued_at"]})
        rows = sorted((self._as_payout(one) for one in self._state["payouts"] if wanted(one)), key=_by_issue)
        return door.connection(rows, {**args, "first": min(args["first"], most)}, _by_issue)

    def _as_payout(self, one: Json) -> Json:
        """What is taken from the bank is told without a sign."""
        net = _read(one["net"])
        return {
            **one,
            "status": self._status(one),
            "net": _cash(abs(net)),
            "transaction_type": "DEPOSIT" if net.minor >= 0 else "WITHDRAWAL",
        }

    def line_page(self, args: Mapping[str, Any], most: int) -> Json:
        columns = {"processed_at": lambda one: one["transaction_date"], "payments_transfer_id": lambda one: str(one["payout"])}
        wanted = _search(args.get("query") or "", columns)
        status = {one["id"]: self._status(one) for one in self._state["payouts"]}
        rows = sorted((one for one in self._state["lines"] if wanted(one)), key=_by_time)
        shown = [_as_line(one, status) for one in rows]
        return door.connection(shown, {**args, "first": min(args["first"], most)}, _by_time)


def _by_issue(one: Mapping[str, Any]) -> list[Any]:
    return [one["issued_at"], one["id"]]


def _by_time(one: Mapping[str, Any]) -> list[Any]:
    return [one["transaction_date"], one["id"]]


def _as_line(one: Json, status: Mapping[int, str]) -> Json:
    order = one["order"] and {**one["order"], "admin_graphql_api_id": door.gid("Order", one["order"]["id"])}
    return {**one, "associated_order": order, "associated_payout": {"id": one["payout"], "status": status.get(one["payout"], "PENDING")}}


def payout_gid(held: Json, *_: Any) -> str | None:
    return None if held["id"] is None else door.gid("ShopifyPaymentsPayout", held["id"])


def _search(query: str, columns: Mapping[str, Callable[[Json], str]]) -> Callable[[Json], bool]:
    """Terms joined by AND; times are compared as times. Raises GraphQLError."""
    terms = [_term(text, columns) for text in query.split(" AND ") if text]
    return lambda one: all(term(one) for term in terms)


def _term(text: str, columns: Mapping[str, Callable[[Json], str]]) -> Callable[[Json], bool]:
    column, _, rest = text.partition(":")
    if column not in columns:
        raise GraphQLError(f"Invalid search field: {column}")
    read = columns[column]
    sign = next(one for one in COMPARE if rest.startswith(one))
    said = rest.removeprefix(sign).strip("'")
    if not column.endswith("_at"):
        return lambda one: COMPARE[sign](read(one), said)
    at = datetime.fromisoformat(said)
    return lambda one: COMPARE[sign](datetime.fromisoformat(read(one)), at)


def _cash(money: Money) -> Json:
    return {"amount": money.text(), "currency_code": money.currency}


def _read(held: Mapping[str, str]) -> Money:
    return Money.parse(held["amount"], held["currency_code"])


def _at_home(one: Json) -> Money:
    """What an order's transaction is in the shop's currency; what was planted unreadable counts as it was meant."""
    return Money(books.minor(one["amount_set"], "shop_money"), one["amount_set"]["shop_money"]["currency_code"])


def _sums(amount: Money, fee: Money) -> Json:
    return {"amount": _cash(amount), "fee": _cash(fee), "net": _cash(amount - fee)}
