"""Totes: what their labels may say. Pure."""

import re

TOTE = re.compile(r"[A-Z0-9][A-Z0-9 ._-]{0,39}")
SLIP = re.compile(r"S[0-9]+")  # what papers of shipments say


def tote(said: str) -> str:
    """A tote's name as it is kept, in capitals, from what was scanned or typed; "" where no tote may be called so: slips are."""
    name = " ".join(said.split()).upper()
    return name if TOTE.fullmatch(name) and not SLIP.fullmatch(name) else ""
