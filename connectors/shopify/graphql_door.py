"""The simulator's GraphQL: our SDL run by graphql-core over orders in the webhook's shape, with Shopify's cost rules. Keeps nothing."""

import base64
import gzip
import json
import os
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_client_schema,
    build_schema,
    execute_sync,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    parse,
    validate,
)

HERE = Path(__file__).parent
Info = GraphQLResolveInfo[Any]
Resolver = Callable[[Any, Info, Mapping[str, Any]], Any]


def contracts() -> Path:
    """Where the vendors' own schemas lie, where there are any."""
    told = os.environ.get("CROSSDOCK_CONTRACTS")
    return Path(told) if told else HERE.parents[2] / "shared" / "contracts"


def full_schema(version: str) -> GraphQLSchema | None:
    """Shopify's own schema of that version, or None where it is not present."""
    path = contracts() / "shopify" / "graphql" / f"admin_{version}.json.gz"
    return _built(path) if path.exists() else None


@lru_cache(4)
def _built(path: Path) -> GraphQLSchema:
    return build_client_schema(json.loads(gzip.decompress(path.read_bytes()))["data"], assume_valid=True)


def _decimal(value: Any) -> str:
    """GraphQL writes 10.00 as "10.0"."""
    text = format(Decimal(value).normalize(), "f")
    return text if "." in text else f"{text}.0"


def _moment(value: Any) -> str:
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _scalar(schema: GraphQLSchema, name: str, serialize: Callable[[Any], str]) -> None:
    scalar = schema.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)
    scalar.serialize = serialize  # type: ignore[assignment,method-assign]  # graphql-core takes it as an argument of the type, not of SDL


@lru_cache(1)
def schema() -> GraphQLSchema:
    built = build_schema((HERE / "schema.graphql").read_text("utf-8"))
    _scalar(built, "Decimal", _decimal)
    _scalar(built, "DateTime", _moment)
    return built


@lru_cache(256)
def read(version: str, query: str) -> tuple[DocumentNode | None, tuple[str, ...]]:
    """The document and what our SDL and, where present, the vendor's schema have against it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (error.message,)
    schemas = [schema(), *filter(None, [full_schema(version)])]
    return document, tuple(error.message for one in schemas for error in validate(one, document))


def operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in found if name is None or (one.name and one.name.value == name)]
    return named[0] if len(named) == 1 else None


# cost: an object is a point, a connection its node's points times `first`


def cost(document: DocumentNode, chosen: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    root = schema().query_type if chosen.operation.value == "query" else schema().mutation_type
    assert root is not None
    extra = 10 if chosen.operation.value == "mutation" else 0
    return extra + _cost(chosen.selection_set, root, fragments, variables)


def _cost(selections: SelectionSetNode, at: Any, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> int:
    points = 0
    for one in selections.selections:
        match one:
            case FragmentSpreadNode():
                fragment = fragments[one.name.value]
                points += _cost(fragment.selection_set, schema().type_map[fragment.type_condition.name.value], fragments, variables)
            case InlineFragmentNode():
                inner = schema().type_map[one.type_condition.name.value] if one.type_condition else at
                points += _cost(one.selection_set, inner, fragments, variables)
            case FieldNode():
                points += _field_cost(one, at, fragments, variables)
    return points


def _field_cost(field: FieldNode, at: Any, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> int:
    if field.selection_set is None or field.name.value == "pageInfo":
        return 0
    kind = get_named_type(at.fields[field.name.value].type)
    inside = _cost(field.selection_set, kind, fragments, variables)
    if kind.name.endswith("Connection"):
        return _first(field, variables) * inside
    if field.name.value == "nodes" and kind.name == "Node":
        return len(_said(field, "ids", variables) or ()) * inside
    return inside + (0 if is_abstract_type(kind) and kind.name == "Node" and field.name.value == "node" else 1)


def _first(field: FieldNode, variables: Mapping[str, Any]) -> int:
    said = _said(field, "first", variables)
    return 1 if said is None else int(said)


def _said(field: FieldNode, name: str, variables: Mapping[str, Any]) -> Any:
    """What is said for an argument, as a number or by a variable; None where nothing is."""
    for argument in field.arguments or ():
        if argument.name.value == name:
            value = argument.value
            if isinstance(value, IntValueNode):
                return int(value.value)
            if isinstance(value, VariableNode):
                return variables.get(value.name.value) or 0
    return None


def used(data: Any) -> int:
    """Points that the answer's objects really cost."""
    if isinstance(data, list):
        return sum(used(item) for item in data)
    return 1 + sum(used(item) for item in data.values()) if isinstance(data, dict) else 0


# reading: fields are the webhook's, spelled otherwise


@lru_cache(1024)
def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}"


def cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode()


def opened(text: str) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        raise GraphQLError("Invalid cursor for current pagination sort.") from None
    return list(key)


def connection(items: Sequence[Any], args: Mapping[str, Any], key: Callable[[Any], Sequence[Any]] | None = None) -> dict[str, Any]:
    """One page of `items`, which are in the order of `key` (their place in the list where there is none)."""
    if args.get("first") is None:
        raise GraphQLError("you must provide one of first or last")
    mark = (lambda item: list(key(item))) if key else None
    begin = _behind(items, opened(args["after"]), mark) if args.get("after") else 0
    page = items[begin : begin + args["first"]]
    end = begin + len(page)
    ends_at = cursor(mark(page[-1]) if mark else [end - 1]) if page else None
    info = {"has_next_page": end < len(items), "end_cursor": ends_at}
    return {"nodes": page, "edges": [{"node": item} for item in page], "page_info": info}


def _behind(items: Sequence[Any], after: list[Any], mark: Callable[[Any], list[Any]] | None) -> int:
    """Where the page behind a cursor begins."""
    return bisect_right(items, after, key=mark) if mark else int(after[0]) + 1


def _default(special: Mapping[tuple[str, str], Resolver]) -> Callable[..., Any]:
    def resolve(source: Any, info: Info, **args: Any) -> Any:
        resolver = special.get((info.parent_type.name, info.field_name))
        if resolver is not None:
            return resolver(source, info, args)
        if info.field_name == "id" and info.parent_type.name != "Shop":
            return source.get("admin_graphql_api_id") or gid(info.parent_type.name, source["id"])
        value = source.get(snake(info.field_name))
        if isinstance(value, list) and get_named_type(info.return_type).name.endswith("Connection"):
            return connection(value, args)
        return value[: args["first"]] if isinstance(value, list) and args.get("first") is not None else value

    return resolve


def idempotency(info: Info) -> str:
    """The @idempotent key of this field; required on stock writes since 2026-04."""
    directive = schema().get_directive("idempotent")
    assert directive is not None
    told = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if not told or not str(told["key"]).strip():
        text = "The @idempotent directive is required for this mutation but was not provided."
        raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
    return str(told["key"])


def _type(value: Any, _: Info, __: Any) -> str:
    return str(value["__typename"])


def run(
    document: DocumentNode, name: str | None, variables: Mapping[str, Any], root: Any, special: Mapping[tuple[str, str], Resolver]
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """Execute. `special` holds the fields that are not simply the webhook's."""
    result = execute_sync(
        schema(),
        document,
        root_value=root,
        variable_values=dict(variables),
        operation_name=name,
        field_resolver=_default(special),
        type_resolver=_type,
    )
    return result.data, result.errors or []
