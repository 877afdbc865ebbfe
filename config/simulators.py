"""The simulators as one process on one loopback port."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import connectors
from connectors.simulation import Simulated, Stage, World, deliver_by_http
from core.hub import utc_now

SAVE_S = 2.0
AT_ONCE = 4  # webhooks that a channel has under way


def make_stage(names: Sequence[str] = (), **world: Any) -> Stage:
    """A stage with every connector's simulator, or the named ones; `world` is what `World` takes."""
    cast: dict[str, tuple[World, Simulated]] = {}
    for name, connector in connectors.load().items():
        if connector.simulator and (not names or name in names):
            own = World(**{"clock": utc_now, **world})
            cast[name] = (own, _load(connector.simulator)(own))
    return Stage(cast)


def _load(where: str) -> Callable[[World], Simulated]:
    module, _, name = where.partition(":")
    made: Callable[[World], Simulated] = getattr(import_module(module), name)
    return made


def simulate(port: int, home: Path, *, limits: str, seed: int, record: Path | None) -> None:
    """Serve the simulators until a signal ends this process. Their state lies in HOME/simulators and survives it."""
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
        def load_config(self) -> None:
            options = {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "threads": 16, "timeout": 120, "loglevel": "error"}
            for name, value in {**options, "control_socket_disable": True, "worker_exit": lambda arbiter, worker: stage[0].save()}.items():
                self.cfg.set(name, value)

        def load(self) -> Stage:
            recorder = record.open("a", encoding="utf-8") if record else None
            made = make_stage(seed=seed, limits=limits, folder=home / "simulators", recorder=recorder, pause=time.sleep)
            made.load()
            stage.append(made)
            for name, (world, _) in made.cast.items():
                threading.Thread(target=_deliver, args=(world,), name=f"post of {name}", daemon=True).start()
            threading.Thread(target=_keep_saving, args=(made,), name="keep", daemon=True).start()
            return made

    stage: list[Stage] = []
    Server().run()


def _deliver(world: World) -> None:
    """One channel's webhooks go out, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as posts:
        while True:
            if not world.deliver(deliver_by_http, posts.map):
                time.sleep(0.02)


def _keep_saving(stage: Stage) -> None:
    while True:
        time.sleep(SAVE_S)
        stage.save()
