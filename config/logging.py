"""One line per task, as JSON where a machine reads and coloured where a person does. Secrets and people's names never get here."""

import logging
import sys

import structlog

QUIET = ("httpx", "httpcore", "sp_api", "urllib3", "ebaysdk", "rq", "gunicorn.access")  # their lines name tokens and addresses


def set_up(level: str = "info") -> None:
    wanted = logging.getLevelName(level.upper())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(wanted if isinstance(wanted, int) else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
