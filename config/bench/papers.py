"""How long five hundred packing slips take as one PDF, and how much memory at most, in a process that has read the whole hub."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from config.bench.bodies import Body
from config.bench.measure import peak_mb, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from core.domain.order import Address
from core.domain.packing import Packed, Shop, Slip
from core.papers.slips import packing_slips

SHOP = Shop("Northern Mugs", contact="help@shop.example")
# A title and a town of each script that is drawn in a way of its own.
GOODS = (
    ("Blue mug, 350 ml", "Springfield"),
    ("Extra large stoneware mug with a lid, dishwasher safe, matt black", "Łódź"),
    ("Κούπα μπλε", "Αθήνα"),
    ("Кружка синяя", "Москва"),
    ("蓝色马克杯 三百五十毫升", "上海"),
    ("青いマグカップ", "東京"),
    ("파란색 머그컵", "서울"),
    ("كوب أزرق كبير 350 مل", "الرياض"),
    ("ספל כחול", "ירושלים"),
    ("แก้วมัคสีน้ำเงิน", "กรุงเทพ"),
)
LINES = 4


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    command = [sys.executable, "-m", __name__, str(pace.slips)]
    seen: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600).stdout)
    note = f"{pace.slips:,} packing slips of {LINES} lines in {len(GOODS)} scripts as one PDF of {seen['bytes'] / 1e6:.1f} MB"
    yield row("slips_s", "none", seen["seconds"], note=note)
    yield row("slips_mb", "none", seen["peak_mb"], note="of the process that makes them")


def _slip(number: int) -> Slip:
    title, town = GOODS[number % len(GOODS)]
    lines = [Packed(f"SKU-{number}-{line}", title, 1 + line, 1 + line, f"A-{line}") for line in range(LINES)]
    to = Address(name=f"Example {number}", street1="1 Sample Street", city=town, country="US")
    return Slip(SHOP, f"S-{number}-1", f"#{number}", to, tuple(lines), placed_on=date(2026, 5, 2), gift_message=title * 3)


def main(count: int) -> None:
    made: list[bytes] = []
    seconds = timed(lambda: made.append(packing_slips(map(_slip, range(count)))))
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "bytes": len(made[0])}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
