"""QuickBooks Online as a WSGI simulator: OAuth with a rotating refresh token, queries, change data capture, documents, notices.

State is plain JSON. Five hundred calls a minute; ten a second are our own budget's business, since a call here takes no time.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors.http import read_json, write_json
from connectors.quickbooks import simulated_rules as rules
from connectors.quickbooks.simulated_books import COUNTRIES, FIELDS, LISTS, company
from connectors.quickbooks.simulated_rules import Fault
from connectors.quickbooks.tables import KINDS, NAMES, VOIDS
from connectors.simulation import World, ask_page, came_back, reply
from core.errors import BadPayload
from core.ports import Rate

REALM = "9341450000000017"
APP = {"client_id": "simulated-intuit-client-id", "client_secret": "simulated-intuit-client-secret", "verifier_token": "simulated-verifier"}
QUOTA = Rate(per_s=500 / 60, burst=500.0)
LIFE_S, REFRESH_S = 3600, 8_726_400
ROTATES, DAYS_BACK = timedelta(hours=24), timedelta(days=30)
WRITTEN = {name.lower(): name for name in (*KINDS, *NAMES)}
QUERY = re.compile(
    r"select \* from (\w+)(?: where (.+?))?(?: orderby ([\w.]+))?(?: startposition (\d+))?(?: maxresults (\d+))?\s*$", re.I | re.S
)
ONE = re.compile(r"\s*([\w.]+)\s*(>=|<=|=|in)\s*(\((?:[^()']|'(?:[^'\\]|\\.)*')*\)|'(?:[^'\\]|\\.)*'|true|false)\s*(?:and|$)", re.I | re.S)
VALUE = re.compile(r"'((?:[^'\\]|\\.)*)'|(true|false)", re.I)
Rows = dict[str, dict[str, Any]]


class Simulator:
    name = "quickbooks"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {
            "tokens": {}, "codes": {}, "refresh": {"simulated-refresh-0": None}, "number": 100, "requests": {}, "keys": {}, "deleted": [],
            "documents": {name: {} for name in KINDS}, "country": "US", "listed": company("US"), "closed": None, "plain": False,
        }  # fmt: skip

    # the protocol

    def credentials(self, base: str) -> dict[str, Any]:
        settings = {
            "api_url": base,
            "auth_url": f"{base}/connect/oauth2",
            "token_url": f"{base}/oauth2/v1/tokens/bearer",
            "app_url": f"{base}/app",
        }
        return {"account": REALM, "app": dict(APP), "login": {"refresh_token": next(iter(self.state["refresh"]))}, "settings": settings}

    def operation(self, request: Request) -> str | None:
        found = self._route(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request, operation: str | None) -> Response:
        found = self._route(request)
        if found is None:
            return _fault(Fault("4000", "Error processing request", "no such operation", status=404))
        name, serve = found
        try:
            if name not in (None, "token"):
                self._admit(request)
            return serve(request)
        except Fault as fault:
            return _fault(fault)
        except BadPayload:
            return _fault(Fault("2010", "Request has invalid or unsupported property", "not JSON"))

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "401":
            return _fault(Fault("3200", "message=AuthenticationFailed; errorCode=003200; statusCode=401", "Token expired", status=401))
        if kind == "429":
            return _throttled()
        return _fault(Fault("10000", "An application error has occurred while processing your request", status=500))

    def documents(self) -> list[dict[str, Any]]:
        every = [(entity, one) for entity, rows in self.state["documents"].items() for one in rows.values()]
        return [self._oracle(entity, one) for entity, one in sorted(every, key=lambda pair: int(pair[1]["Id"]))]

    def tamper(self, document: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        found = next(((entity, rows[document]) for entity, rows in self.state["documents"].items() if document in rows), None)
        if found is None:
            raise NotFound
        entity, one = found
        match what:
            case "edit":
                _edit(entity, one)
                self._touched(entity, one, "updated")
            case "void":
                self._void(entity, one)
            case "delete":
                self._delete(entity, one)
            case _:
                raise BadRequest("a document is edited, voided or deleted")
        return self._oracle(entity, one)

    def arrange(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Beside what every simulated ledger can: `country` {country} begins anew as a company of the US, GB or CA."""
        match what:
            case "close":
                self.state["closed"] = str(wish["until"])
            case "retire":
                self.state["listed"]["Account"][str(wish["account"])]["Active"] = False
            case "plain":
                self.state["plain"] = True
            case "country":
                self.state["listed"], self.state["country"] = company(str(wish["country"])), str(wish["country"])
            case _:
                raise BadRequest("books are closed, retired, plain, or another country's")
        return {"closed": self.state["closed"], "plain": self.state["plain"], "country": self.state["country"]}

    # routes and admission

    def _route(self, request: Request) -> tuple[str | None, Callable[[Request], Response]] | None:
        match request.method, request.path.removeprefix("/quickbooks").rstrip("/").split("/")[1:]:
            case "GET" | "POST", ["connect", "oauth2"]:
                return None, self._consent
            case "POST", ["oauth2", "v1", "tokens", "bearer"]:
                return "token", self._token
            case "GET", ["v3", "company", realm, *rest]:
                return self._reads(unquote(realm), rest)
            case "POST", ["v3", "company", _, entity] if entity in WRITTEN:
                name = WRITTEN[entity]
                how = "void" if "operation" in request.args else "create"
                return (f"{how}{name}", lambda request: self._write(request, name)) if how == "create" or name in KINDS else None
        return None

    def _reads(self, realm: str, rest: list[str]) -> tuple[str, Callable[[Request], Response]] | None:
        match rest:
            case ["companyinfo", _]:
                return "companyInfo", lambda request: self._said({"CompanyInfo": self._company()})
            case ["preferences"]:
                return "preferences", lambda request: self._said({"Preferences": self._preferences()})
            case ["query"]:
                return "query", self._query
            case ["cdc"]:
                return "changes", self._changes
            case [entity, ident] if entity in WRITTEN:
                return "read", lambda request: self._said({WRITTEN[entity]: self._row(WRITTEN[entity], unquote(ident))})
        return None

    def _admit(self, request: Request) -> None:
        until = self.state["tokens"].get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if until is None or datetime.fromisoformat(until) <= self.world.clock():
            raise Fault("3200", "message=AuthenticationFailed; errorCode=003200; statusCode=401", "Token expired", status=401)
        if request.path.removeprefix("/quickbooks").split("/")[3] != REALM:
            raise Fault("3100", "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", status=403)
        if self.world.take("minute", QUOTA):
            raise Fault("3001", "message=ThrottleExceeded; errorCode=003001; statusCode=429", "Too many requests", status=429)

    def _next(self) -> str:
        self.state["number"] += 1
        return str(self.state["number"])

    # consent and tokens

    def _consent(self, request: Request) -> Response:
        """Intuit's page on which somebody chooses a company and agrees."""
        if request.args.get("client_id") != APP["client_id"] or request.args.get("response_type") != "code":
            return reply({"error": "invalid_client"}, 400)
        back, state = request.args["redirect_uri"], request.args.get("state", "")
        if request.method == "GET":
            return ask_page("Intuit", "Connect your company to this app?", request.full_path, "Connect")
        if not request.form.get("agree"):
            return came_back(back, error="access_denied", state=state)
        code = f"simulated-code-{self._next()}"
        self.state["codes"][code] = back
        return came_back(back, code=code, state=state, realmId=REALM)

    def _token(self, request: Request) -> Response:
        given = request.authorization
        if given is None or (given.username, given.password) != (APP["client_id"], APP["client_secret"]):
            return reply({"error": "invalid_client"}, 401)
        match request.form.get("grant_type"):
            case "authorization_code" if self.state["codes"].pop(request.form.get("code"), None) == request.form.get("redirect_uri"):
                self.state["refresh"] = {f"simulated-refresh-{self._next()}": self.world.clock().isoformat()}
            case "refresh_token" if request.form.get("refresh_token") in self.state["refresh"]:
                self._rotate(request.form["refresh_token"])
            case _:
                return reply({"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}, 400)
        return self._tokens()

    def _rotate(self, used: str) -> None:
        """About daily another one comes, and the old one is taken until the new one is used."""
        known, now = self.state["refresh"], self.world.clock()
        newest = list(known)[-1]
        if used == newest:
            self.state["refresh"] = {newest: known[newest] or now.isoformat()}
            if now - datetime.fromisoformat(self.state["refresh"][newest]) >= ROTATES:
                self.state["refresh"][f"simulated-refresh-{self._next()}"] = now.isoformat()

    def _tokens(self) -> Response:
        token, now = f"simulated-access-{self._next()}", self.world.clock()
        self.state["tokens"] = {old: until for old, until in self.state["tokens"].items() if datetime.fromisoformat(until) > now}
        self.state["tokens"][token] = (now + timedelta(seconds=LIFE_S)).isoformat()
        said = {"token_type": "bearer", "access_token": token, "expires_in": LIFE_S, "x_refresh_token_expires_in": REFRESH_S}
        return reply({**said, "refresh_token": list(self.state["refresh"])[-1]})

    # reading

    def _said(self, body: dict[str, Any]) -> Response:
        said = write_json({**rules.told(body), "time": self.world.clock().isoformat(timespec="milliseconds")})
        return Response(said, 200, {"intuit_tid": f"1-sim-{self.state['number']}"}, content_type="application/json")

    @property
    def _home(self) -> str:
        return COUNTRIES[self.state["country"]][0]

    @property
    def _american(self) -> bool:
        return bool(self.state["country"] == "US")

    def _company(self) -> dict[str, Any]:
        zone = "America/New_York" if self._american else "Europe/London"
        return {"CompanyName": "Harbor Stoneware", "Country": self.state["country"], "Id": "1", "SyncToken": "4", "DefaultTimeZone": zone}

    def _preferences(self) -> dict[str, Any]:
        rich = not self.state["plain"]
        accounting: dict[str, Any] = {"UseAccountNumbers": True, "ClassTrackingPerTxnLine": rich, "TrackDepartments": rich}
        if self.state["closed"]:
            accounting["BookCloseDate"] = self.state["closed"]
        return {
            "AccountingInfoPrefs": accounting,
            "CurrencyPrefs": {"MultiCurrencyEnabled": rich, "HomeCurrency": {"value": self._home}},
            "TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": self._american},
            "Id": "1",
            "SyncToken": "5",
        }

    def _rows(self, entity: str) -> Rows:
        found: Rows | None = self.state["documents"].get(entity, self.state["listed"].get(entity))
        if found is None:
            raise Fault("4001", "Invalid query", f"QueryValidationError: unknown entity {entity}")
        return found

    def _row(self, entity: str, ident: str) -> dict[str, Any]:
        if ident not in (rows := self._rows(entity)):
            raise Fault("610", "Object Not Found", "Object Not Found : Something you're trying to use has been made inactive.")
        return rows[ident]

    def _query(self, request: Request) -> Response:
        found = QUERY.match(request.args.get("query", ""))
        if found is None:
            raise Fault("4000", "Error parsing query", "QueryParserError: Encountered an unreadable query")
        entity, where, order, start, most = found.groups()
        rows = [one for one in self._rows(entity).values() if self._matches(entity, one, list(_conditions(where or "")))]
        rows.sort(key=lambda one: str(_of(one, order or "Id")).rjust(12, "0"))
        first, size = int(start or 1), min(int(most or 100), self.world.page)
        cut = rows[first - 1 : first - 1 + size]
        return self._said({"QueryResponse": {entity: cut, "startPosition": first, "maxResults": len(cut)} if cut else {}})

    def _matches(self, entity: str, row: dict[str, Any], conditions: list[tuple[str, str, list[str]]]) -> bool:
        if entity in LISTS and not any(name == "Active" for name, _, _ in conditions) and not row.get("Active", True):
            return False
        return all(_holds(_of(row, name), how, values) for name, how, values in conditions)

    def _changes(self, request: Request) -> Response:
        since = datetime.fromisoformat(request.args["changedSince"])
        if self.world.clock() - since > DAYS_BACK:
            raise Fault("2030", "Invalid date", "changedSince may be at most 30 days ago")
        answers, left = [], 1000
        for entity in request.args["entities"].split(","):
            rows = [one for one in self._rows(entity).values() if datetime.fromisoformat(one["MetaData"]["LastUpdatedTime"]) >= since]
            gone = [one["body"] for one in self.state["deleted"] if one["entity"] == entity and datetime.fromisoformat(one["at"]) >= since]
            cut = [*rows, *gone][:left]
            left -= len(cut)
            answers.append({entity: cut, "startPosition": 1, "maxResults": len(cut)} if cut else {})
        return self._said({"CDCResponse": [{"QueryResponse": answers}]})

    # writing

    def _write(self, request: Request, entity: str) -> Response:
        """The same requestid brings the first answer again."""
        key = request.args.get("requestid", "")
        if len(key) > 50:
            raise Fault("2050", "String length is either shorter or longer than supported by specification", "requestid", "requestid")
        if key and key in self.state["requests"]:
            return self._said(self.state["requests"][key])
        body = read_json(request.get_data())
        rules._known(entity, body)
        said = self._take_back(request, entity, body) if "operation" in request.args else self._create(entity, body, key)
        if key:
            self.state["requests"][key] = json.loads(json.dumps({entity: said}))
        return self._said({entity: said})

    def _create(self, entity: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        rules.fits(entity, body)
        if "Id" in body:
            raise Fault("2010", "Request has invalid or unsupported property", "an update is not simulated", "Id")
        rules.refers(body, self.state["listed"])
        one = rules.stored(body)
        one = self._named(entity, one) if entity in NAMES else self._document(entity, one)
        one.update({"Id": self._next(), "domain": "QBO", "sparse": False})
        self._rows(entity)[one["Id"]] = one
        if entity in KINDS:
            self.state["keys"][one["Id"]] = key
        self._touched(entity, one, "created")
        return one

    def _named(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        """Items have names of their own, customers and vendors share theirs."""
        field, among = ("Name", ("Item",)) if entity == "Item" else ("DisplayName", ("Customer", "Vendor"))
        taken = {row[field].lower() for name in among for row in self._rows(name).values()}
        if one[field].lower() in taken:
            raise Fault("6240", "Duplicate Name Exists Error", "The name supplied already exists. : null")
        if ":" in one[field] or "\t" in one[field] or "\n" in one[field]:
            raise Fault("2040", "Invalid String", "names have no colon, tab or line end", field)
        if entity == "Item":
            return {**one, "Active": True}
        currency = one.get("CurrencyRef") or {"value": self._home}
        rules.currency({"CurrencyRef": currency}, self._home, self._keeps(), None)
        return {**one, "Active": True, "CurrencyRef": currency}

    def _keeps(self) -> frozenset[str]:
        return frozenset() if self.state["plain"] else frozenset(one["Code"] for one in self._rows("CompanyCurrency").values())

    def _document(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        one.setdefault("TxnDate", self.world.clock().date().isoformat())
        rules.dated(one, self.state["closed"])
        rules.adds_up(entity, one)
        rules.stands_there(entity, one, self.state["listed"]["Account"])
        rules.currency(one, self._home, self._keeps(), self._contact(one))
        self._plan(one)
        number = one.get("DocNumber")
        if number and any(row.get("DocNumber") == number for row in self._rows(entity).values()):
            words = f"Duplicate Document Number Error : You must specify a different number. DocNumber={number}"
            raise Fault("6140", "Duplicate Document Number Error", words)
        if entity == "Payment":
            self._pays(one)
        return self._summed(entity, one)

    def _contact(self, one: dict[str, Any]) -> dict[str, Any] | None:
        for field, entity in (("CustomerRef", "Customer"), ("VendorRef", "Vendor")):
            if field in one:
                return self._rows(entity)[one[field]["value"]]
        return None

    def _plan(self, one: dict[str, Any]) -> None:
        if self.state["plain"] and any(name in ("ClassRef", "DepartmentRef") for name, _ in rules.refs(one)):
            raise rules.business("Class and location tracking are not part of this company's subscription.")

    def _pays(self, one: dict[str, Any]) -> None:
        """No more than the invoice still owes or the credit memo still has, its own customer's, and no more than there is to pay with."""
        linked = [(self._linked(link), link["TxnType"], Decimal(line["Amount"])) for line, link in rules.links(one)]
        for row, entity, amount in linked:
            rules.pays(row, entity, amount, one["CustomerRef"])
        sums = {entity: sum((amount for _, of, amount in linked if of == entity), Decimal(0)) for entity in rules.PAYABLE}
        if sums["Invoice"] > Decimal(one["TotalAmt"]) + sums["CreditMemo"]:
            raise rules.business("The amount received is less than what is paid with it.")
        self._settled(one, -1)

    def _linked(self, link: dict[str, Any]) -> dict[str, Any]:
        entity, ident = str(link.get("TxnType")), str(link.get("TxnId"))
        if entity not in rules.PAYABLE or ident not in self._rows(entity):
            raise Fault("2500", "Invalid Reference Id", f"Invalid Reference Id : Transaction element id {ident} not found")
        return self._rows(entity)[ident]

    def _settled(self, one: dict[str, Any], sign: int) -> None:
        """What a payment leaves of the balances that it names."""
        for line, link in rules.links(one):
            if row := self._rows(link["TxnType"]).get(link["TxnId"]):
                row["Balance"] = str(Decimal(row["Balance"]) + sign * Decimal(line["Amount"]))

    def _summed(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        one.setdefault("CurrencyRef", {"value": self._home})
        if entity in ("Payment", "Transfer", "JournalEntry"):
            return one
        rates = {rate: Decimal(row["RateValue"]) for rate, row in self._rows("TaxRate").items()}
        tax = rules.taxed(entity, one, self._american, rates, self._rows("TaxCode"))
        whole = sum((Decimal(line["Amount"]) for line in one["Line"]), tax)
        if whole < 0:
            raise rules.business("Transaction amount must be 0 or greater.")
        lines = [{**line, "Id": str(n), "LineNum": n} for n, line in enumerate(one["Line"], 1)]
        below = sum((Decimal(line["Amount"]) for line in lines), Decimal(0))
        sub = [] if entity == "Bill" else [{"Amount": str(below), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}]
        detail = {**one.get("TxnTaxDetail", {}), "TotalTax": str(tax)}
        balance = {"Balance": str(whole)} if entity in ("Invoice", "Bill", "CreditMemo") else {}
        return {**one, "Line": [*lines, *sub], "TxnTaxDetail": detail, "TotalAmt": str(whole), **balance}

    def _take_back(self, request: Request, entity: str, body: dict[str, Any]) -> dict[str, Any]:
        one = self._row(entity, str(body.get("Id")))
        rules.dated(one, self.state["closed"])
        if body.get("SyncToken") != one["SyncToken"]:
            words = (
                "Stale Object Error : You and another user were working on this at the same time. The other user finished before you did."
            )
            raise Fault("5010", "Stale Object Error", words)
        how = "&".join(f"{name}={request.args[name]}" for name in ("operation", "include") if name in request.args)
        if how == "operation=delete":
            return self._delete(entity, one)
        if how != VOIDS.get(entity):
            raise Fault("2010", "Request has invalid or unsupported property", f"{entity} cannot be voided this way", "operation")
        return self._void(entity, one)

    def _void(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        if entity == "Payment":
            self._settled(one, 1)
        _emptied(one)
        one["PrivateNote"] = f"Voided - {one.get('PrivateNote', '')}"
        self._touched(entity, one, "voided")
        return one

    def _delete(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        at = self.world.clock().isoformat()
        body = {"Id": one["Id"], "domain": "QBO", "status": "Deleted", "MetaData": {"LastUpdatedTime": at}}
        self.state["deleted"].append({"entity": entity, "at": at, "body": body, "was": self._oracle(entity, one)})
        self._rows(entity).pop(one["Id"])
        self._tell(entity, one["Id"], "deleted")
        return body

    def _touched(self, entity: str, one: dict[str, Any], what: str) -> None:
        now = self.world.clock().isoformat()
        one["SyncToken"] = str(int(one.get("SyncToken", "-1")) + 1)
        one["MetaData"] = {"CreateTime": one.get("MetaData", {}).get("CreateTime", now), "LastUpdatedTime": now}
        self._tell(entity, one["Id"], what)

    def _tell(self, entity: str, ident: str, what: str) -> None:
        """A notice as CloudEvents tell it."""
        event = {
            "specversion": "1.0", "id": f"{self.world.random.getrandbits(128):032x}", "source": "intuit.simulated",
            "type": f"qbo.{entity.lower()}.{what}.v1", "datacontenttype": "application/json", "time": self.world.clock().isoformat(),
            "intuitentityid": ident, "intuitaccountid": REALM, "data": {},
        }  # fmt: skip
        body = json.dumps([event]).encode()
        self.world.send({"intuit-signature": signed(body), "Content-Type": "application/json"}, body)

    # the oracle

    def _oracle(self, entity: str, one: dict[str, Any]) -> dict[str, Any]:
        if was := next((gone["was"] for gone in self.state["deleted"] if gone["body"]["Id"] == one["Id"]), None):
            return {**was, "gone": True}
        return {
            "id": one["Id"],
            "kind": "applied" if rules.is_credit_applied(entity, one) else KINDS[entity].value,
            "number": one.get("DocNumber") or one.get("PaymentRefNum") or one.get("PrivateNote", "").partition(": ")[0],
            "key": self.state["keys"].get(one["Id"], ""),
            "on": one["TxnDate"],
            "total": _total(entity, one),
            "currency": one["CurrencyRef"]["value"],
            "gone": one.get("PrivateNote", "").startswith("Voided"),
            "lines": [self._line(line) for line in one.get("Line", ()) if line.get("DetailType") not in (None, "SubTotalLineDetail")],
        }

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        detail = line[line["DetailType"]]
        item = detail.get("ItemRef")
        account = self._rows("Item")[item["value"]]["IncomeAccountRef"] if item else detail["AccountRef"]
        amount = rules.side(line) if line["DetailType"] == "JournalEntryLineDetail" else Decimal(line["Amount"])
        code = (detail.get("TaxCodeRef") or {}).get("value", "")
        return {"account": account["value"], "amount": f"{amount:.2f}", "tax_code": code}


def signed(body: bytes) -> str:
    return base64.b64encode(hmac.new(APP["verifier_token"].encode(), body, sha256).digest()).decode()


def _fault(fault: Fault) -> Response:
    kinds = {401: "AUTHENTICATION", 403: "AUTHORIZATION", 429: "ThrottlingFault", 500: "SystemFault"}
    error = {"Message": fault.message, "Detail": fault.detail, "code": fault.code, **({"element": fault.element} if fault.element else {})}
    if fault.status in kinds and fault.status < 500:
        error = {"message": fault.message, "detail": fault.detail, "code": fault.code}
        return reply({"fault": {"error": [error], "type": kinds[fault.status]}}, fault.status, {"intuit_tid": "1-sim-fault"})
    return reply(
        {"Fault": {"Error": [error], "type": kinds.get(fault.status, "ValidationFault")}}, fault.status, {"intuit_tid": "1-sim-fault"}
    )


def _throttled() -> Response:
    return _fault(Fault("3001", "message=ThrottleExceeded; errorCode=003001; statusCode=429", "Too many requests", status=429))


def _conditions(where: str) -> Iterator[tuple[str, str, list[str]]]:
    """`Name = 'a' and Active in (true, false)`, as (field, how, values). Raises Fault for what is neither."""
    at = 0
    while at < len(where.rstrip()):
        found = ONE.match(where, at)
        if found is None:
            raise Fault("4000", "Error parsing query", f"QueryParserError: Encountered {where[at : at + 20]}")
        name, how, said = found.groups()
        values = [re.sub(r"\\(.)", r"\1", text) if not plain else plain.lower() for text, plain in VALUE.findall(said)]
        yield name, how.lower(), values
        at = found.end()


def _of(row: dict[str, Any], name: str) -> Any:
    found: Any = row
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(found).lower() if isinstance(found, bool) else found


def _holds(have: Any, how: str, values: list[str]) -> bool:
    match how:
        case "=" | "in":
            return str(have) in values
        case ">=":
            return bool(_moment(have) >= _moment(values[0]))
    return bool(_moment(have) <= _moment(values[0]))


def _moment(said: str) -> Any:
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        raise Fault("4000", "Error parsing query", "not a time") from None


def _total(entity: str, one: dict[str, Any]) -> str:
    if entity == "JournalEntry":
        return f"{sum((side for side in map(rules.side, one['Line']) if side > 0), Decimal(0)):.2f}"
    if rules.is_credit_applied(entity, one):
        return f"{sum((Decimal(line['Amount']) for line, link in rules.links(one) if link['TxnType'] == 'CreditMemo'), Decimal(0)):.2f}"
    return f"{Decimal(one['Amount' if entity == 'Transfer' else 'TotalAmt']):.2f}"


def _edit(entity: str, one: dict[str, Any]) -> None:
    """One amount is a unit more; of a journal its other side, too."""
    for line in [line for line in one.get("Line", ()) if line.get("DetailType") != "SubTotalLineDetail"][
        : 2 if entity == "JournalEntry" else 1
    ]:
        line["Amount"] = str(Decimal(line["Amount"]) + 1)
    for name in {"Amount", "TotalAmt"} & set(one):
        one[name] = str(Decimal(one[name]) + 1)


def _emptied(one: dict[str, Any]) -> None:
    """What was voided comes to nothing."""
    for name in one:
        if name in ("Amount", "TotalAmt", "TotalTax", "Balance", "UnitPrice", "NetAmountTaxable"):
            one[name] = "0"
    for value in one.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                _emptied(part)


assert set(KINDS) <= set(FIELDS)
