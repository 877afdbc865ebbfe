"""What may go wrong, how often, and what becomes of it: the parts that both worlds share."""

import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from random import Random


@dataclass(frozen=True)
class Troubles:
    """How often what goes wrong; each seed has its own mix."""

    lost: float
    doubled: float
    late: float
    fails_before: float
    fails_after: float
    crash: float
    meanwhile: float
    freeze: float
    expires: float = 0.0

    @classmethod
    def drawn(cls, random: Random) -> "Troubles":
        def some(most: float) -> float:
            return random.choice([0.0, most * random.random()])

        return cls(
            lost=random.choice([0.0, 0.1, 0.5, 1.0]), doubled=some(0.5), late=some(0.5), fails_before=some(0.3), fails_after=some(0.3),
            crash=some(0.02), meanwhile=some(0.3), freeze=some(0.02),
        )  # fmt: skip

    def without(self, kinds: Collection[str]) -> "Troubles":
        """The same mix less some kinds: what was drawn for them is drawn still, so that the rest stays as it was."""
        return type(self)(**{one.name: 0.0 if one.name in kinds else getattr(self, one.name) for one in fields(self)})


NO_TROUBLES = Troubles(0, 0, 0, 0, 0, 0, 0, 0)
KINDS = tuple(one.name for one in fields(Troubles))


class Violation(AssertionError):
    """Something that must always hold does not: which rule, and how."""

    def __init__(self, rule: str, words: str = "") -> None:
        self.rule = rule
        super().__init__(f"{rule}: {words}" if words else rule)


def must(holds: object, rule: str, words: object = "") -> None:
    if not holds:
        raise Violation(rule, str(words))


def zipf(random: Random, count: int) -> list[float]:
    """Cumulative weights of so many things, of which few are wanted by most; how much so is drawn."""
    slope = random.choice([0.5, 1.0, 1.5])
    return list(accumulate(1 / n**slope for n in range(1, count + 1)))


def hash_of(endings: Sequence[str]) -> str:
    """One word for many runs."""
    return f"{zlib.crc32(' '.join(endings).encode()):08x}"


def added(counters: Sequence[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter[str]())
