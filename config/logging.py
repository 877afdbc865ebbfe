"""One line per task, as JSON where a machine reads and coloured where a person does. Secrets and people's names never get here: nobody logs
them, and what looks like one is blotted out all the same."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

QUIET = ("httpx", "httpcore", "sp_api", "urllib3", "ebaysdk", "rq", "gunicorn.access")  # their lines name tokens and addresses
SILENT = ("pypdf",)  # it quotes what it cannot read of a label; whoever asked hears it as an error
BLOT = "[blotted]"
# Names under which nothing may be said, and texts that are keys, tokens or mail addresses whatever they are called.
NAMES = re.compile(r"authorization|cookie|password|secret|token|api_?key|e_?mail|phone|address\d?$|street|buyer|person", re.I)
TEXTS = re.compile(
    r"cdk_[\w-]{8,}|whsec_[\w+/=-]{8,}|shp(?:at|ca|pa|ss|ua|rt)_\w{8,}|At[zc]a\|[\w-]+|v\^1\.1#\S+|eyJ[\w-]{8,}\.[\w.-]+"
    r"|\bBearer\s+\S+|[\w.+-]+@[\w-]+\.[\w.-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.I,
)


def blotted(value: Any) -> Any:
    """The same without anything that looks like a secret or a mail address, however deep."""
    if isinstance(value, str):
        return TEXTS.sub(BLOT, value)
    if isinstance(value, Mapping):
        return {key: BLOT if isinstance(key, str) and NAMES.search(key) and inner else blotted(inner) for key, inner in value.items()}
    return [blotted(one) for one in value] if isinstance(value, list | tuple | set | frozenset) else value


def _blot(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = blotted(event)
    return found


class Blotter(logging.Filter):
    """The same for what other people's packages log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = blotted(record.getMessage()), None
        return True


def set_up(level: str = "info") -> None:
    wanted = logging.getLevelName(level.upper())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(Blotter())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _blot,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(wanted if isinstance(wanted, int) else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
