"""Which signs a database can keep. Pure."""

import re

NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(raw: bytes) -> bytes:
    """JSON whose texts every database can keep: U+0000, which PostgreSQL refuses and SQLite ends a text at, is U+FFFD in them."""
    return NUL.sub(rb"\1\\ufffd", raw) if rb"\u0000" in raw else raw
