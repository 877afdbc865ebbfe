"""Xero as a WSGI simulator: consent and rotating tokens, limits, the Accounting API as far as a ledger needs it, and webhooks.

State is plain JSON. Its books are in US dollars. What it keeps and declines stands in simulated_books.py.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors.http import read_json, write_json
from connectors.simulation import World, ask_page, came_back, reply
from connectors.xero import SCOPES, simulated_books
from connectors.xero.simulated_books import OUT, TENANT, Invalid, Unread
from core.errors import BadPayload
from core.ports import Rate

APP = {
    "client_id": "SIMULATEDXEROCLIENT0000000000001",
    "client_secret": "simulated-xero-client-secret-0001",
    "webhook_key": "simulated-xero-webhook-key-0001",
}
FIRST = "simulated-xero-refresh-000000"
LIFE_S, GRACE, UNUSED, CODE_S = 1800, timedelta(minutes=30), timedelta(days=60), 300
MINUTE, A_DAY, STARTER, AT_ONCE = Rate(1.0, 60.0), 5000, 1000, 5
SECOND = {"tenantId": "0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d", "tenantName": "Second Demo Company (US)"}
NEEDS = {
    "Invoices": "accounting.invoices",
    "CreditNotes": "accounting.invoices",
    "Payments": "accounting.payments",
    "ManualJournals": "accounting.manualjournals",
    "BankTransfers": "accounting.banktransactions",
}
SETTINGS = {
    "Organisation": "getOrganisations",
    "Currencies": "getCurrencies",
    "Accounts": "getAccounts",
    "TaxRates": "getTaxRates",
    "TrackingCategories": "getTrackingCategories",
}
ONE = {
    "Invoices": "Invoice",
    "CreditNotes": "CreditNote",
    "Payments": "Payment",
    "ManualJournals": "ManualJournal",
    "BankTransfers": "BankTransfer",
}
ENDINGS = {"Payments": "deletePayment", "BankTransfers": "deleteBankTransfer"}
CREATES = {**{shelf: f"create{shelf}" for shelf in ONE}, "BankTransfers": "createBankTransfer"}
TOLD = {"Invoices": "INVOICE", "CreditNotes": "CREDITNOTE"}
Serve = Callable[[Request], Response]


class Refusal(Exception):
    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return reply({"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": None, "Extensions": {}}, status, headers)


def unread(words: str) -> Response:
    return reply({"ErrorNumber": 17, "Type": "PostDataInvalidException", "Message": words}, 400)


def slow(which: str, wait_s: float) -> Response:
    return Response("", 429, {"Retry-After": str(max(1, int(wait_s))), "X-Rate-Limit-Problem": which})


class Simulator:
    name = "xero"
    unrecorded = frozenset(["token"])  # no contract of it is published

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {
            **simulated_books.opening(),
            "number": 0,
            "refresh": {FIRST: {"until": "", "used": "", "scope": " ".join(SCOPES)}},
            "tokens": {},
            "codes": {},
            "connections": {TENANT: simulated_books.ORGANISATION["Name"]},
            "keys": {},
            "busy": 0,
            "calls_a_day": A_DAY,
            "day": ["", 0],
        }

    # the protocol

    def credentials(self, base: str) -> dict[str, Any]:
        """The newest token that renews a login: each is good for one renewal."""
        settings = {"api_url": base, "identity_url": base, "login_url": base, "page_url": base}
        newest = next(reversed(self.state["refresh"]), FIRST)
        return {"account": TENANT, "app": dict(APP), "login": {"refresh_token": newest}, "settings": settings}

    def operation(self, request: Request) -> str | None:
        found = self._route(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request, operation: str | None) -> Response:
        found = self._route(request)
        if found is None:
            return problem(404, "NotFound", "The resource you're looking for cannot be found")
        try:
            if operation is not None and operation != "token":
                self._admit(request)
            return self._counted(found[1](request))
        except Refusal as refusal:
            return refusal.answer
        except Unread as error:
            return unread(str(error))

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "401":
            return problem(401, "Unauthorized", "TokenExpired: token expired")
        if kind == "429":
            return slow("minute", 30)
        return problem(500, "An error occurred in Xero. Check the API Status page", "")

    # the books as people see them

    def documents(self) -> list[dict[str, Any]]:
        return [simulated_books.oracle(one) for one in self.state["documents"].values()]

    def tamper(self, document: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        one = self.state["documents"].get(document)
        if one is None:
            raise NotFound
        match what:
            case "edit":
                _edit(one)
            case "void" | "delete":
                self._ended_by_hand(one, what)
            case _:
                raise BadRequest("it is edit, void or delete")
        self._changed(one)
        return simulated_books.oracle(one)

    def arrange(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Beside what every set of books can: starter (1000 calls a day), busy {times} (others use up what may run at once)."""
        match what:
            case "close":
                self.state["organisation"]["PeriodLockDate"] = date.fromisoformat(wish["until"]).isoformat()
            case "retire":
                simulated_books.account_of(self.state, {"AccountID": wish["account"]})  # raises where there is none
                _by(self.state["accounts"], "AccountID", wish["account"])["Status"] = "ARCHIVED"
            case "plain":
                self.state["tracking"], self.state["currencies"] = [], [self.state["organisation"]["BaseCurrency"]]
            case "starter":
                self.state["calls_a_day"] = STARTER
            case "busy":
                self.state["busy"] = int(wish.get("times", 1))
            case _:
                raise BadRequest("it is close, retire, plain, starter or busy")
        return {"done": what}

    def befall(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """disconnect (the organisation lets go of us), second (the person has another one, too), intent (Xero tries our door)."""
        match what:
            case "disconnect":
                self.state["connections"].pop(TENANT, None)
            case "second":
                self.state["connections"][SECOND["tenantId"]] = SECOND["tenantName"]
            case "intent":
                self._intend()
            case _:
                raise BadRequest("it is disconnect, second or intent")
        return {"told": self.world.post.url}

    def _ended_by_hand(self, one: dict[str, Any], what: str) -> None:
        status = "VOIDED" if what == "void" and one["shelf"] not in ENDINGS else "DELETED"
        try:
            simulated_books.end(self.state, one, status)
        except Invalid as error:
            raise BadRequest(str(error)) from None

    # admission and routes

    def _route(self, request: Request) -> tuple[str | None, Serve] | None:
        match request.method, request.path.removeprefix("/xero").rstrip("/").split("/")[1:]:
            case _, ["identity", "connect", "authorize"]:
                return None, self._agree
            case "POST", ["connect", "token"]:
                return "token", self._token
            case "GET", ["connections"]:
                return "getConnections", self._connections
            case "GET", ["api.xro", "2.0", name] if name in SETTINGS:
                return SETTINGS[name], lambda request: self._setting(name)
            case method, ["api.xro", "2.0", shelf, *rest] if shelf in ONE:
                return self._document_route(method, shelf, rest)
        return None

    def _document_route(self, method: str, shelf: str, rest: list[str]) -> tuple[str, Serve] | None:
        match method, rest:
            case "GET", []:
                return f"get{shelf}", lambda request: self._list(request, shelf)
            case "GET", [name]:
                return f"get{ONE[shelf]}", lambda request: self._say(shelf, [self._kept(shelf, name)])
            case "PUT", []:
                return CREATES[shelf], lambda request: self._once(request, lambda: self._create(request, shelf))
            case "PUT", [name, "Allocations"] if shelf == "CreditNotes":
                return "createCreditNoteAllocation", lambda request: self._once(request, lambda: self._allocate(request, name))
            case "DELETE", [name, "Allocations", allocation] if shelf == "CreditNotes":
                return "deleteCreditNoteAllocations", lambda request: self._let_go(name, allocation)
            case "POST", [name]:
                return ENDINGS.get(shelf, f"update{ONE[shelf]}"), lambda request: self._once(
                    request, lambda: self._end(request, shelf, name)
                )
        return None

    def _admit(self, request: Request) -> None:
        token = self.state["tokens"].get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if token is None or datetime.fromisoformat(token["until"]) <= self.world.clock():
            raise Refusal(problem(401, "Unauthorized", "TokenExpired: token expired"))
        shelf = request.path.removeprefix("/xero").split("/")[3:4]
        if not shelf:
            return
        if request.headers.get("Xero-Tenant-Id") not in self.state["connections"]:
            raise Refusal(problem(403, "Forbidden", "AuthenticationUnsuccessful"))
        if not {NEEDS.get(shelf[0], "accounting.settings.read")} & set(token["scope"].split()):
            raise Refusal(problem(401, "Unauthorized", "AuthorizationUnsuccessful"))
        self._spend()

    def _spend(self) -> None:
        """Five at once, sixty a minute, so many a day. A day ends at midnight in UTC here."""
        if self.state["busy"] > 0:
            self.state["busy"] -= 1
            raise Refusal(slow("concurrent", 1))
        if wait_s := self.world.take("minute", MINUTE):
            raise Refusal(slow("minute", wait_s + 1))
        now = self.world.clock()
        today, spent = self.state["day"]
        spent = spent + 1 if today == now.date().isoformat() else 1
        if spent > self.state["calls_a_day"] and not self.world.relaxed:
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            raise Refusal(slow("day", (midnight - now).total_seconds() + 1))
        self.state["day"] = [now.date().isoformat(), spent]

    def _counted(self, answer: Response) -> Response:
        left = {"X-MinLimit-Remaining": int(self.world.left("minute", MINUTE)), "X-AppMinLimit-Remaining": 9999}
        left["X-DayLimit-Remaining"] = max(0, self.state["calls_a_day"] - self.state["day"][1])
        answer.headers.update({name: str(value) for name, value in left.items()})
        return answer

    def _next(self) -> int:
        self.state["number"] += 1
        return int(self.state["number"])

    # consent and tokens

    def _agree(self, request: Request) -> Response:
        args = request.args
        if (args.get("client_id"), args.get("response_type")) != (APP["client_id"], "code") or not args.get("redirect_uri"):
            return Response("unauthorized_client", 400)
        if not set(args.get("scope", "").split()) <= set(SCOPES):
            return Response("invalid_scope", 400)
        if request.method != "POST":
            words = f"{', '.join(self.state['connections'].values())} would let Crossdock in: {args['scope']}"
            return ask_page("Simulated Xero: allow access", words, request.full_path)
        if not request.form.get("agree"):
            return came_back(args["redirect_uri"], error="access_denied", state=args.get("state", ""))
        code = f"simulated-xero-code-{self._next()}"
        until = self.world.clock() + timedelta(seconds=CODE_S)
        self.state["codes"][code] = {"until": until.isoformat(), "back": args["redirect_uri"], "scope": args["scope"]}
        return came_back(args["redirect_uri"], code=code, state=args.get("state", ""), scope=args["scope"])

    def _token(self, request: Request) -> Response:
        given = request.authorization
        if given is None or (given.username, given.password) != (APP["client_id"], APP["client_secret"]):
            return reply({"error": "invalid_client"}, 400)
        match request.form.get("grant_type"):
            case "refresh_token":
                scope = self._renews(request.form.get("refresh_token", ""))
            case "authorization_code":
                scope = self._redeems(request.form.get("code", ""), request.form.get("redirect_uri", ""))
            case _:
                return reply({"error": "unsupported_grant_type"}, 400)
        return self._grant(scope) if scope else reply({"error": "invalid_grant"}, 400)

    def _renews(self, token: str) -> str:
        """A token renews once, and again for half an hour in case the answer was lost."""
        one, now = self.state["refresh"].get(token), self.world.clock()
        if one is None or (one["until"] and datetime.fromisoformat(one["until"]) <= now):
            return ""
        if one["used"] and datetime.fromisoformat(one["used"]) + GRACE <= now:
            return ""
        one["used"] = one["used"] or now.isoformat()
        return str(one["scope"])

    def _redeems(self, code: str, back: str) -> str:
        one = self.state["codes"].pop(code, None)
        holds = one and one["back"] == back and datetime.fromisoformat(one["until"]) > self.world.clock()
        return str(one["scope"]) if holds else ""

    def _grant(self, scope: str) -> Response:
        now, number = self.world.clock(), self._next()
        event = {"authentication_event_id": simulated_books.named(number, 9), "scope": scope.split()}
        inside = base64.urlsafe_b64encode(json.dumps(event).encode()).decode().rstrip("=")
        access, renewal = f"eyJ0.{inside}.simulated{number:06d}", f"simulated-xero-refresh-{number:06d}"
        self.state["tokens"] = {name: one for name, one in self.state["tokens"].items() if datetime.fromisoformat(one["until"]) > now}
        self.state["tokens"][access] = {"until": (now + timedelta(seconds=LIFE_S)).isoformat(), "scope": scope}
        self.state["refresh"] = {name: one for name, one in self.state["refresh"].items() if _lives(one, now)}
        self.state["refresh"][renewal] = {"until": (now + UNUSED).isoformat(), "used": "", "scope": scope}
        said = {"access_token": access, "expires_in": LIFE_S, "token_type": "Bearer", "refresh_token": renewal}
        return reply({**said, "scope": scope})

    def _connections(self, request: Request) -> Response:
        at = self.world.clock().replace(tzinfo=None).isoformat()
        told = {"tenantType": "ORGANISATION", "createdDateUtc": at, "updatedDateUtc": at}
        known = self.state["connections"].items()
        return reply([{"id": tenant, "tenantId": tenant, "tenantName": name, **told} for tenant, name in known])

    # settings

    def _setting(self, name: str) -> Response:
        match name:
            case "Organisation":
                return self._wrapped("Organisations", [_organisation(self.state["organisation"])])
            case "Currencies":
                return self._wrapped(name, [{"Code": one, "Description": one} for one in self.state["currencies"]])
            case "Accounts":
                return self._wrapped(name, self.state["accounts"])
            case "TaxRates":
                return self._wrapped(name, [_tax(one) for one in self.state["taxes"]])
        return self._wrapped(name, self.state["tracking"])

    # documents

    def _list(self, request: Request, shelf: str) -> Response:
        args = request.args
        wanted, since = set(filter(None, args.get("IDs", "").split(","))), request.headers.get("If-Modified-Since")
        found = [one for one in self.state["documents"].values() if one["shelf"] == shelf and (not wanted or one["id"] in wanted)]
        if since:
            at = datetime.fromisoformat(since).replace(tzinfo=UTC)
            found = [one for one in found if datetime.fromisoformat(one["at"]) >= at]
        found = [one for one in found if simulated_books.fits(args.get("where", ""), simulated_books.view(self.state, one))]
        return self._page(args, shelf, sorted(found, key=lambda one: (one["at"], one["id"])))

    def _page(self, args: Mapping[str, str], shelf: str, found: list[dict[str, Any]]) -> Response:
        if shelf == "BankTransfers":
            return self._say(shelf, [one for one in found if one["Status"] not in OUT or args.get("includeDeleted") == "true"])
        if "page" not in args:  # in short: without lines
            return self._wrapped(shelf, [_short(simulated_books.view(self.state, one)) for one in found])
        page, size = int(args["page"]), min(int(args.get("pageSize", 100)), self.world.page)
        told = {"page": page, "pageSize": size, "pageCount": -(-len(found) // size), "itemCount": len(found)}
        return self._say(shelf, found[(page - 1) * size : page * size], {"pagination": told})

    def _kept(self, shelf: str, name: str) -> dict[str, Any]:
        one = self.state["documents"].get(name)
        if one is None or one["shelf"] != shelf:
            raise Refusal(problem(404, "NotFound", "The resource you're looking for cannot be found"))
        kept: dict[str, Any] = one
        return kept

    def _once(self, request: Request, work: Callable[[], Response]) -> Response:
        """What was answered under a key before is answered again; the same key for something else is refused."""
        key, said = request.headers.get("Idempotency-Key", ""), f"{request.method} {request.full_path} {request.get_data(as_text=True)}"
        if len(key) > 128:
            return unread("Idempotency-Key is longer than 128 characters")
        known, name = self.state["keys"].get(key), sha256(said.encode()).hexdigest()
        if known and known["said"] != name:
            return problem(400, "Bad Request", "The Idempotency-Key was used with another request")
        if known:
            return Response(known["answer"], 200, content_type="application/json")
        answer = work()
        if key and answer.status_code < 300:
            self.state["keys"][key] = {"said": name, "answer": answer.get_data(as_text=True)}
        return answer

    def _create(self, request: Request, shelf: str) -> Response:
        said, before = simulated_books.schema(shelf, _first(request, shelf)), deepcopy(self.state["contacts"])
        try:
            made = simulated_books.make(self.state, shelf, said, int(request.args.get("unitdp", 2)))
        except Invalid as error:
            self.state["contacts"] = before
            return _declined(said, str(error))
        paid = self.state["documents"].get(made.get("of"), made)
        currency = paid.get("CurrencyCode", self.state["organisation"]["BaseCurrency"])
        one = {**made, "id": simulated_books.named(self._next(), 7), "shelf": shelf, "key": request.headers.get("Idempotency-Key", "")}
        self.state["documents"][one["id"]] = one = {**one, "currency": currency, "at": ""}
        if shelf == "Payments":
            simulated_books.settle(self.state, one, 1)
            self._changed(paid)
        self._changed(one, "CREATE")
        return self._say(shelf, [one])

    def _allocate(self, request: Request, name: str) -> Response:
        credit, said = self._kept("CreditNotes", name), simulated_books.schema("Allocations", _first(request, "Allocations"))
        try:
            made = simulated_books.allocate(self.state, credit, said)
        except Invalid as error:
            return _declined(said, str(error))
        one = {**made, "id": simulated_books.named(self._next(), 7), "shelf": "Allocations", "key": request.headers["Idempotency-Key"]}
        self.state["documents"][one["id"]] = one
        self._moved(one, 1)
        return self._wrapped("Allocations", [simulated_books.allocation_view(self.state, one)])

    def _moved(self, one: dict[str, Any], sign: int) -> None:
        one["at"] = self.world.clock().isoformat()
        simulated_books.settle(self.state, one, sign)
        for side in ("of", "against"):
            self._changed(self.state["documents"][one[side]])

    def _let_go(self, name: str, allocation: str) -> Response:
        one = self._kept("Allocations", allocation)
        if one["of"] != name or one["Status"] in OUT:
            raise Refusal(problem(404, "NotFound", "The resource you're looking for cannot be found"))
        one["Status"] = "DELETED"
        self._moved(one, -1)
        return Response(
            write_json({**simulated_books.allocation_view(self.state, one), "IsDeleted": True}), content_type="application/json"
        )

    def _end(self, request: Request, shelf: str, name: str) -> Response:
        one, said = self._kept(shelf, name), _body(request) if shelf in ENDINGS else _first(request, shelf)
        status = simulated_books.schema(shelf, said).get("Status")
        if status not in OUT:
            return unread("this simulator only voids and deletes")
        if shelf == "ManualJournals" and not said.get("Narration"):
            return unread("Narration is needed")
        try:
            simulated_books.end(self.state, one, status)
        except Invalid as error:
            return _declined(said, str(error))
        self._changed(one)
        return self._say(shelf, [one])

    def _changed(self, one: dict[str, Any], what: str = "UPDATE") -> None:
        one["at"] = self.world.clock().isoformat()
        if one["shelf"] in TOLD:
            self._tell(one, what)

    def _say(self, shelf: str, found: list[dict[str, Any]], more: Mapping[str, Any] | None = None) -> Response:
        return self._wrapped(shelf, [simulated_books.view(self.state, one) for one in found], more)

    def _wrapped(self, name: str, found: list[Any], more: Mapping[str, Any] | None = None) -> Response:
        """Numbers are numbers, to the last place."""
        at = simulated_books.stamp(self.world.clock())
        said = {"Id": simulated_books.named(len(self.world.log), 8), "Status": "OK", "ProviderName": "Crossdock", "DateTimeUTC": at}
        return Response(write_json({**said, **(more or {}), name: found}), 200, content_type="application/json")

    # webhooks

    def _tell(self, one: Mapping[str, Any], what: str) -> None:
        shelf = one["shelf"]
        event = {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/{shelf}/{one['id']}",
            "resourceId": one["id"],
            "eventDateUtc": f"{self.world.clock():%Y-%m-%dT%H:%M:%S.%f}"[:-3],
            "eventType": what,
            "eventCategory": TOLD[shelf],
            "tenantId": TENANT,
            "tenantType": "ORGANISATION",
            "data": {"Type": one["Type"], "Status": one["Status"]},
        }
        self._post([event], APP["webhook_key"])

    def _intend(self) -> None:
        """Xero sends good and bad signatures and wants 200 and 401."""
        for key in (APP["webhook_key"], "another-key"):
            self._post([], key)

    def _post(self, events: list[dict[str, Any]], key: str) -> None:
        number = self._next()
        said = {"events": events, "firstEventSequence": number, "lastEventSequence": number, "entropy": f"SIMULATED{number:08d}"}
        body = json.dumps(said).encode()
        signature = base64.b64encode(hmac.new(key.encode(), body, sha256).digest()).decode()
        self.world.send({"Content-Type": "application/json", "x-xero-signature": signature}, body)


def _lives(one: Mapping[str, str], now: datetime) -> bool:
    """A token that renews is forgotten half an hour after it did."""
    return not one["used"] or datetime.fromisoformat(one["used"]) + GRACE > now


def _body(request: Request) -> dict[str, Any]:
    try:
        said = read_json(request.get_data())
    except BadPayload:
        raise Unread("the body is not JSON") from None
    if not isinstance(said, dict):
        raise Unread("the body is not an object")
    return said


def _first(request: Request, shelf: str) -> Any:
    found = _body(request).get(shelf)
    if not isinstance(found, list) or len(found) != 1:
        raise Unread(f"this simulator takes {shelf} one by one")
    return found[0]


def _declined(said: Mapping[str, Any], words: str) -> Response:
    element = {**said, "ValidationErrors": [{"Message": words}]}
    whole = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": [element]}
    return Response(write_json(whole), 400, content_type="application/json")


def _organisation(one: Mapping[str, Any]) -> dict[str, Any]:
    locks = {name: f"{one[name]}T00:00:00" for name in ("PeriodLockDate", "EndOfYearLockDate") if one.get(name)}
    stamped = {name: simulated_books.stamp(datetime.fromisoformat(text).replace(tzinfo=UTC)) for name, text in locks.items()}
    return {**one, **stamped}


def _tax(one: Mapping[str, Any]) -> dict[str, Any]:
    rate = Decimal(one["Rate"])
    said = {name: value for name, value in one.items() if name != "Rate"}
    return {**said, "DisplayTaxRate": rate, "EffectiveRate": rate}


def _short(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, **{name: [] for name in ("LineItems", "JournalLines") if name in said}}


def _by(found: list[dict[str, Any]], name: str, value: Any) -> dict[str, Any]:
    return next(one for one in found if one[name] == value)


def _edit(one: dict[str, Any]) -> None:
    """A unit of money more: on the first line, or on what is paid; a journal stays even."""
    if "Lines" not in one:
        one["Amount"] = str(Decimal(one["Amount"]) + 1)
        return
    _more(one["Lines"][0], 1)
    if one["shelf"] == "ManualJournals":
        _more(one["Lines"][1], -1)
        return
    for name in ("SubTotal", "Total"):
        one[name] = str(Decimal(one[name]) + 1)


def _more(line: dict[str, Any], by: int) -> None:
    line["LineAmount"] = str(Decimal(line["LineAmount"]) + by)
    if "UnitAmount" in line:
        line |= {"Quantity": "1", "UnitAmount": line["LineAmount"]}
