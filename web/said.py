"""What a page tells about the act that led to it. It is written with the answer and kept in no cookie: inside Shopify there is none."""

from typing import Any

from flask import g


def say(kind: str, words: str, **more: Any) -> None:
    """A banner over the page that is answered with: kind is good, warn, bad or info; `more` is for the template that shows it."""
    g.setdefault("said", []).append({"kind": kind, "words": words, **more})


def said() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = g.get("said", [])
    return found
