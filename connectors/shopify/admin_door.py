"""The simulated shop's admin: the page that frames our app and hands out its ID tokens, as App Bridge does, and the page that asks the
merchant whether the app may have what it wants."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from jwt.types import Options
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

FOLDER = Path(__file__).parent / "simulated"
APP = "crossdock"
LIFE = timedelta(minutes=1)
CODE_LIFE = timedelta(minutes=1)
# Who works in the shop, by number: first name, last name, language; the first is the account's owner.
STAFF = {"801": ("Ada", "Keller", "en"), "802": ("Miro", "Sand", "en-GB"), "803": ("Лена", "Мороз", "ru")}
NOBODY = ("", "", "en")
Json = dict[str, Any]


class Admin:
    """One shop's. `state` is the simulator's, `app` are our credentials there, `hooks` tells where our webhooks go."""

    def __init__(
        self, clock: Callable[[], datetime], hooks: Callable[[], str | None], account: str, app: Mapping[str, str], state: Json
    ) -> None:  # fmt: skip
        self.clock, self.hooks, self.account, self.app, self.state = clock, hooks, account, app, state

    @property
    def home(self) -> str:
        """The address that the app's configuration names: where our webhooks go, less their path."""
        said = urlsplit(self.hooks() or "")
        return f"{said.scheme}://{said.netloc}" if said.netloc else ""

    def knows(self, steps: Sequence[str]) -> bool:
        """Whether these steps of a path lead here."""
        name = self.account.partition(".")[0]
        return (
            steps[:3] == ["admin", "store", name]
            or steps in (["app-bridge.js"], ["polaris.js"])
            or steps[:4] == [self.account, "admin", "oauth", "authorize"]
        )

    def answer(self, request: Request, steps: Sequence[str]) -> Response:
        """Pages, scripts and tokens by what follows in the path."""
        match request.method, [one for one in steps if one not in ("admin", "store", self.account.partition(".")[0])]:
            case "GET", ["app-bridge.js" | "polaris.js" | "admin.js" as name]:
                return _script(name)
            case method, [_, "oauth", "authorize"]:
                return self._authorize(request) if method == "GET" else self._agreed(request)
            case "GET", ["id-token"]:
                return Response(f'{{"token": "{self.id_token(_staff(request))}"}}', content_type="application/json")
            case "GET", ["apps", "crossdock", *rest]:
                return self._page(request, rest) if self.state["installed"] else self._ask(request)
            case "POST", ["apps", "crossdock", *_]:
                self.state["installed"] = True
                return redirect(request.path, 303)
            case "POST", ["uninstall"]:
                self.uninstall()
                return redirect(f"{self._here(request)}/apps/{APP}", 303)
        return Response("Not Found", 404)

    def uninstall(self) -> None:
        """All tokens end; the app is told by whoever holds the post."""
        self.state |= {"installed": False, "access": {}, "refresh": {}, "codes": {}}

    def id_token(self, staff: str = "801", **different: Any) -> str:
        """As Shopify writes them: for a minute, signed with the app's secret."""
        now = self.clock()
        claims = {
            "iss": f"https://{self.account}/admin",
            "dest": f"https://{self.account}",
            "aud": self.app["client_id"],
            "sub": staff,
            "exp": int((now + LIFE).timestamp()),
            "nbf": int(now.timestamp()),
            "iat": int(now.timestamp()),
            "jti": f"{self.state['seq']}-{now.timestamp()}",
            "sid": hashlib.sha256(staff.encode()).hexdigest(),
        }
        said = {name: value for name, value in {**claims, **different}.items() if value is not None}
        return jwt.encode(said, self.app["client_secret"], algorithm="HS256")

    def reads(self, token: object) -> str | None:
        """The person of an ID token that holds now."""
        own_clock: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            said = jwt.decode(str(token), self.app["client_secret"], ["HS256"], audience=self.app["client_id"], options=own_clock)
        except jwt.PyJWTError:
            return None
        begins, now, ends = said["nbf"] - 10, self.clock().timestamp(), said["exp"] + 10
        return str(said["sub"]) if said["dest"] == f"https://{self.account}" and begins <= now < ends else None

    # pages

    def _here(self, request: Request) -> str:
        return f"/{request.path.strip('/').split('/')[0]}/admin/store/{self.account.partition('.')[0]}"

    def _page(self, request: Request, rest: Sequence[str]) -> Response:
        staff, here = _staff(request), self._here(request)
        said = {
            "shop": self.account,
            "person": " ".join(STAFF[staff][:2]),
            "here": f"{here}/apps/{APP}",
            "tokens": f"{here}/id-token?staff={staff}",
            "uninstall": f"{here}/uninstall",
            "script": f"{here}/admin.js",
            "source": self.source(staff, "/" + "/".join(rest), request.args.to_dict()),
        }
        return _html("admin.html", said)

    def source(self, staff: str, path: str, args: Mapping[str, str]) -> str:
        """What the frame shows: our page, with what Shopify adds to its address."""
        host = base64.b64encode(f"{self.account}/admin".encode()).decode().rstrip("=")
        own = {
            "embedded": "1",
            "host": host,
            "locale": STAFF.get(staff, NOBODY)[2],
            "shop": self.account,
            "timestamp": str(int(self.clock().timestamp())),
        }
        signed = {**{name: value for name, value in args.items() if name != "staff"}, **own}
        return f"{self.home}{path}?{urlencode({**signed, 'hmac': self.hmac(signed), 'id_token': self.id_token(staff)})}"

    def hmac(self, query: Mapping[str, str]) -> str:
        text = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
        return hmac.new(self.app["client_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()

    def _ask(self, request: Request) -> Response:
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in self.state["scopes"])
        return _html("ask.html", {"shop": self.account, "action": request.full_path.rstrip("?")}, scopes=scopes)

    # the code grant

    def _authorize(self, request: Request) -> Response:
        args = request.args
        if args.get("client_id") != self.app["client_id"] or not (self.home and args.get("redirect_uri", "").startswith(f"{self.home}/")):
            return Response("Oauth error invalid_request: The redirect_uri is not whitelisted", 400)
        return self._ask(request)

    def _agreed(self, request: Request) -> Response:
        """The person comes back to us with a code for a minute."""
        self.state["installed"] = True
        code, now = f"simulated-code-{len(self.state['codes']) + 1}-{self.state['seq']}", self.clock()
        self.state["codes"][code] = (now + CODE_LIFE).isoformat()
        host = base64.b64encode(f"{self.account}/admin".encode()).decode().rstrip("=")
        said = {
            "code": code,
            "host": host,
            "shop": self.account,
            "state": request.args.get("state", ""),
            "timestamp": str(int(now.timestamp())),
        }
        return redirect(f"{request.args['redirect_uri']}?{urlencode({**said, 'hmac': self.hmac(said)})}", 303)

    def takes(self, code: object) -> bool:
        """Whether this code holds; it does so once."""
        until = self.state["codes"].pop(str(code), None)
        return until is not None and datetime.fromisoformat(until) > self.clock()


def _staff(request: Request) -> str:
    said = request.args.get("staff", "")
    return said if said in STAFF else next(iter(STAFF))


def _script(name: str) -> Response:
    return Response((FOLDER / name).read_text("utf-8"), content_type="text/javascript; charset=utf-8")


def _html(name: str, said: Mapping[str, str], **made: str) -> Response:
    """A page of ours; `made` is HTML already."""
    page = Template((FOLDER / name).read_text("utf-8"))
    return Response(page.substitute({key: escape(value) for key, value in said.items()}, **made), content_type="text/html; charset=utf-8")
