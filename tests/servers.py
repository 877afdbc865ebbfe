"""Real servers for tests. Where one is not on this machine its tests are skipped, and say how to get it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from config import servers
from config.servers import NotHere, free_port, postgres_programs

__all__ = ["free_port", "postgres", "postgres_programs", "redis_server"]


@contextmanager
def _or_skip(start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    try:
        server = start()
        address = server.__enter__()
    except NotHere as error:
        pytest.skip(str(error))
    try:
        yield address
    finally:
        server.__exit__(None, None, None)


def postgres() -> AbstractContextManager[str]:
    return _or_skip(servers.postgres)


def redis_server() -> AbstractContextManager[str]:
    return _or_skip(servers.redis_server)
