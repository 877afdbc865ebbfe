"""What a visitor asks with, as values that a database takes: no signs that cannot be printed, no numbers beyond its own."""

from flask import request

BIG = 2**62
LONG = 400


def text(name: str, most: int = LONG) -> str:
    """A field of the form or the address; "" where it is not there."""
    said = request.form.get(name, request.args.get(name, ""))
    return printable(said)[:most]


def texts(name: str, most: int = LONG) -> list[str]:
    """Every value of a field of the form."""
    return [printable(said)[:most] for said in request.form.getlist(name)]


def printable(said: str) -> str:
    """Blanks for what cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in said)


def number(said: str, otherwise: int = 0) -> int:
    """A whole number that a database can hold; `otherwise` for everything else."""
    plain = said.isascii() and said.removeprefix("-").isdecimal() and len(said) < 20
    return int(said) if plain and -BIG <= int(said) <= BIG else otherwise


def numbers(name: str) -> list[int]:
    """Those values of a field of the form that are ids."""
    return [found for said in request.form.getlist(name) if (found := number(said, -1)) >= 0]
