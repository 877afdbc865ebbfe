"""What makes an application answer programs: the API's routes, its document, its failures."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Response, current_app, jsonify, render_template, request

from core.domain.roles import SCOPES
from web import keys
from web.api import books, connections, events, inbounds, listings, orders, problems, requests, route, skus, stock, tasks
from web.visitor import MACHINES, needs

BODY = 65_536
MOST_PER_S, MOST_AT_ONCE = 10, 120
document = APIBlueprint("api", __name__, enable_openapi=False)
ROUTES: tuple[APIBlueprint, ...] = (
    orders.api,
    stock.api,
    skus.api,
    inbounds.api,
    requests.api,
    listings.api,
    connections.api,
    tasks.api,
    events.api,
    books.api,
)
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": f"A key of your merchant's, made under Settings or by `crossdock key add`. Its scopes are some of: {', '.join(SCOPES)}.",
}
WORDS = """Everything that Crossdock knows of one merchant's orders, stock and books, for that merchant's own programs.

Lists come in pages of at most 250: ask for the next with `after`. To stay in step, follow `/api/v1/events` from the last id that you
have. Failures are problem+json."""


OWNED = re.compile(r'"#/components/schemas/\w+\.(\w+)"')  # each model is said once for each that holds it


def open_to_programs(app: APIFlask) -> None:
    """Give an application the API. Its document is made once, when first asked for."""
    app.config.setdefault(keys.PER_S, MOST_PER_S)
    app.config.setdefault(keys.BURST, MOST_AT_ONCE)
    app.config |= {"SECURITY_SCHEMES": {"key": KEY}, "AUTO_404_RESPONSE": False, "AUTO_AUTH_ERROR_RESPONSE": False, "AUTO_SERVERS": False}
    app.config |= {"VALIDATION_ERROR_SCHEMA": problems.Problem.model_json_schema(), "AUTO_VALIDATION_ERROR_RESPONSE": False}
    app.title, app.version, app.description = "Crossdock", "1", WORDS
    app.error_processor(problems.unfit)
    app.spec_processor(_finish)
    problems.set_up(app)
    for routes in (*ROUTES, document):
        app.register_blueprint(routes)
    app.before_request(_plain)
    app.before_request(_small)
    app.after_request(keys.say_rest)


def _finish(spec: Any) -> Any:
    """What APIFlask does not say: the shape of failures, the name of a write, and that an id is a whole number."""
    spec = json.loads(OWNED.sub(r'"#/components/schemas/\1"', json.dumps(spec)))
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    known = {name.rpartition(".")[2]: schema for name, schema in spec["components"]["schemas"].items()}
    spec["components"]["schemas"] = dict(sorted({**known, **problem.pop("$defs"), "Problem": problem}.items()))
    for operation in (one for path in spec["paths"].values() for one in path.values()):
        if operation.pop("x-named", False):
            operation["parameters"].append(route.NAMED)
            operation["requestBody"]["required"] = True
        for parameter in operation["parameters"]:
            parameter["schema"] = _shape(parameter)
    return spec


def _shape(parameter: dict[str, Any]) -> Any:
    """An id is a whole number; what is left out of a query is left out, and not null."""
    schema = parameter["schema"]
    if parameter["in"] == "path" and parameter["name"] == "id":
        return {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    if parameter["in"] == "query" and "anyOf" in schema:
        kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return {**next(one for one in schema["anyOf"] if one.get("type") != "null"), **kept}
    return schema


def _plain() -> None:
    """What stands in a path is a name that a database can look for."""
    if problems.is_for_programs() and not all(str(value).isprintable() for value in (request.view_args or {}).values()):
        raise problems.Refusal(404, *problems.WORDS[404])


def _small() -> None:
    """A body is refused by its size before it is read, and where it is not JSON."""
    if request.endpoint is None or not problems.is_for_programs() or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    request.max_content_length = BODY + 1
    if (len(request.get_data()) if request.content_length is None else request.content_length) > BODY:
        raise problems.Refusal(413, "too-large", f"A body is at most {BODY} bytes.")
    if request.mimetype != "application/json":
        raise problems.Refusal(415, "not-json", "Send JSON, and say so: Content-Type: application/json.")


@document.get("/api/v1/openapi.json")
@needs(MACHINES)
def openapi() -> Response:
    """The API's own description."""
    return jsonify(_spec())


@document.get("/api/docs")
@needs(MACHINES)
def docs() -> str:
    """The same for people."""
    return render_template("docs.html", spec=_spec(), scopes=SCOPES, fields=_fields, parameters=_parameters)


def _fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a shape's table."""
    needed = schema.get("required", ())
    return [
        {"name": name, "needed": name in needed, "schema": one, "words": one.get("description", "")}
        for name, one in schema.get("properties", {}).items()
    ]


def _parameters(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": one["name"], "needed": one.get("required", False), "schema": one["schema"], "words": one.get("description") or
         one["schema"].get("description", "")}
        for one in operation["parameters"]
    ]  # fmt: skip


def _spec() -> dict[str, Any]:
    if "openapi" not in current_app.extensions:
        current_app.extensions["openapi"] = current_app.spec  # type: ignore[attr-defined]
    found: dict[str, Any] = current_app.extensions["openapi"]
    return found
