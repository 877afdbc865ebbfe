"""The boxes that a merchant packs in."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Carton:
    """A box by its name: outside millimetres, grams empty, and grams of goods that it may hold at most (None: as much as fits)."""

    name: str
    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    most_g: int | None = None

    @property
    def size(self) -> tuple[int, int, int]:
        return self.length_mm, self.width_mm, self.height_mm


ALL = """
select name, length_mm, width_mm, height_mm, weight_g, most_g from boxes where merchant = :merchant
order by length_mm * 1.0 * width_mm * height_mm, name
"""
ADD = """
insert into boxes (merchant, name, length_mm, width_mm, height_mm, weight_g, most_g)
values (:merchant, :name, :length_mm, :width_mm, :height_mm, :weight_g, :most_g)
on conflict (merchant, name) do update set length_mm = excluded.length_mm, width_mm = excluded.width_mm, height_mm = excluded.height_mm,
  weight_g = excluded.weight_g, most_g = excluded.most_g
"""


def all_of(db: Connection, merchant: str) -> list[Carton]:
    """The smallest first."""
    return [Carton(**row._mapping) for row in run(db, ALL, merchant=merchant)]


def put(db: Connection, merchant: str, one: Carton) -> None:
    """A new one, or one of that name with other sizes."""
    run(db, ADD, merchant=merchant, **asdict(one))


def remove(db: Connection, merchant: str, name: str) -> bool:
    """False where there is none of that name."""
    return bool(run(db, "delete from boxes where merchant = :merchant and name = :name", merchant=merchant, name=name).rowcount)
