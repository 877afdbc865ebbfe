"""The simulator's bulk operations: a query over one connection, made into a plan once and then run over every row; the file of
lines that comes of it, kept pressed."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from graphql import FieldNode, GraphQLError, GraphQLInterfaceType, GraphQLObjectType, SelectionSetNode, get_named_type, is_leaf_type
from graphql.execution.values import get_argument_values

from connectors.shopify import graphql_door as door

ROOT = "productVariants"
BLOCK = 1 << 20  # bytes that are pressed together
Cell = Callable[[Any], Any]
Fielded = GraphQLObjectType | GraphQLInterfaceType
Special = Mapping[tuple[str, str], door.Resolver]


class File:
    """Lines, pressed: any part of them can be read at the cost of the blocks it lies in."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.size, self._blocks = 0, list[bytes]()
        waiting = bytearray()
        for line in lines:
            waiting += line
            if len(waiting) >= BLOCK:
                self._press(waiting[:BLOCK])
                del waiting[:BLOCK]
        self._press(waiting)

    def _press(self, raw: bytearray) -> None:
        self.size += len(raw)
        self._blocks.append(zlib.compress(raw, 1))

    def part(self, start: int, stop: int) -> bytes:
        first = start // BLOCK
        raw = b"".join(zlib.decompress(block) for block in self._blocks[first : -(-stop // BLOCK)])
        return raw[start - first * BLOCK : stop - first * BLOCK]


def connection(version: str, query: str) -> FieldNode:
    """The connection that the query walks. Raises GraphQLError with what Shopify, or this shop, has against the query."""
    document, errors = door.read(version, query)
    if document is None or errors:
        raise GraphQLError(errors[0])
    chosen = door.operation(document, None)
    if chosen is None or chosen.operation.value != "query" or chosen.variable_definitions:
        raise GraphQLError("A bulk query is one query without variables")
    fields = [_plain(one) for one in chosen.selection_set.selections]
    if [field.name.value for field in fields] != [ROOT]:
        raise GraphQLError(f"This shop exports {ROOT} and nothing else")
    return fields[0]


def _plain(selection: Any) -> FieldNode:
    if not isinstance(selection, FieldNode):
        raise GraphQLError("This shop exports plain fields, no fragments")
    return selection


def lines(field: FieldNode, rows: Iterable[Any], special: Special) -> Iterator[bytes]:
    """A line for each row, which is a node of the connection."""
    edge, inside = _only(field, "edges", door.schema().type_map["ProductVariantConnection"])
    node, kind = _only(edge, "node", inside)
    cells, encode = _cells(node.selection_set, kind, special), msgspec.json.Encoder().encode
    return (encode({name: cell(row) for name, cell in cells}) + b"\n" for row in rows)


def _only(field: FieldNode, name: str, kind: Any) -> tuple[FieldNode, Any]:
    """The field of that name, which a connection leads to its nodes by."""
    for one in map(_plain, field.selection_set.selections if field.selection_set else ()):
        if one.name.value == name:
            return one, get_named_type(kind.fields[name].type)
    raise GraphQLError(f"Bulk queries select nodes by edges and node; there is no {name}")


def _cells(selections: SelectionSetNode | None, kind: Any, special: Special) -> list[tuple[str, Cell]]:
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    fields = map(_plain, selections.selections if selections else ())
    return [((one.alias or one.name).value, _cell(one, kind, special)) for one in fields]


def _cell(field: FieldNode, at: Fielded, special: Special) -> Cell:
    if field.name.value not in at.fields:
        raise GraphQLError(f"This shop does not export {field.name.value}")
    definition = at.fields[field.name.value]
    kind, value = get_named_type(definition.type), _value(field, at, special)
    if is_leaf_type(kind):
        return value
    if kind.name.endswith("Connection"):
        raise GraphQLError("This shop exports one connection at a time")
    return _nested(value, _cells(field.selection_set, kind, special))


def _value(field: FieldNode, at: Fielded, special: Special) -> Cell:
    """How the field is read of a row, its arguments being the same for all of them."""
    name = field.name.value
    resolver, arguments = special.get((at.name, name)), get_argument_values(at.fields[name], field)
    if resolver is not None:
        return lambda source: resolver(source, None, arguments)  # type: ignore[arg-type]  # these look at the arguments alone
    if name == "id":
        return lambda source: door.gid(at.name, source["id"])
    key = door.snake(name)
    return lambda source: source.get(key)


def _nested(value: Cell, cells: list[tuple[str, Cell]]) -> Cell:
    def one(source: Any) -> Any:
        return {name: cell(source) for name, cell in cells}

    def read(source: Any) -> Any:
        held = value(source)
        if isinstance(held, list):
            return [one(item) for item in held]
        return None if held is None else one(held)

    return read
