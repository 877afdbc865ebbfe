"""The simulators as one process on one loopback port."""

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import connectors
from config.catalogue import ORDERS, catalogue
from connectors.simulation import Post, Sells, Simulated, Stage, World, deliver_by_http
from core.hub import utc_now

SAVE_S = 2.0
AT_ONCE = 4  # webhooks that a channel has under way


def make_stage(names: Sequence[str] = (), roles: Collection[str] = ("channel",), **world: Any) -> Stage:
    """A stage with the simulators of all connectors in these roles, or the named ones; `world` is what `World` takes."""
    cast: dict[str, tuple[World, Simulated]] = {}
    for name, connector in connectors.load().items():
        if connector.simulator and connector.roles.intersection(roles) and (not names or name in names):
            own = World(**{"clock": utc_now, **world})
            cast[name] = (own, _load(connector.simulator)(own))
    return Stage(cast)


def _load(where: str) -> Callable[[World], Simulated]:
    module, _, name = where.partition(":")
    made: Callable[[World], Simulated] = getattr(import_module(module), name)
    return made


def furnish(stage: Stage, seed: int, hub: str) -> None:
    """What was never there before gets a catalogue that nobody has mapped, and has sold a few things. What happens from now on is posted
    to the hub at that address."""
    for name, (world, simulator) in stage.cast.items():
        if isinstance(simulator, Sells) and world.folder and not (world.folder / f"{name}.json").exists():
            simulator.catalogue(catalogue(name, seed))
            simulator.place({"count": ORDERS, "seed": seed})
        world.post = Post(url=f"{hub}/webhooks/{name}")


def leave_word(stage: Stage, base: str) -> None:
    """How a hub connects to these simulators, in their folder: its settings, and each channel's secrets as `crossdock connect` reads
    them. Secrets that a channel changes are those of now."""
    settings = []
    for name, (world, simulator) in stage.cast.items():
        said, known = simulator.credentials(f"{base}/{name}"), connectors.load()[name].settings
        own = {key: value for key, value in said["settings"].items() if key in known and key != "queue_url"}
        settings += [_table(f"apps.{name}", said["app"]), _table(f"channels.{name}", own)]
        _write(world.folder, f"{name}.login", "".join(f"{key}={value}\n" for key, value in said["login"].items()))
    _write(next(iter(stage.cast.values()))[0].folder, "crossdock.toml", "\n".join(settings))


def _table(name: str, values: Mapping[str, Any]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def _write(folder: Path | None, name: str, text: str) -> None:
    if folder and not ((path := folder / name).exists() and path.read_text("utf-8") == text):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def simulate(port: int, home: Path, *, limits: str, seed: int, hub: str, record: Path | None) -> None:
    """Serve the simulators until a signal ends this process. Their state lies in HOME/simulators and survives it. With the address of a
    hub they have something to sell, and post their webhooks to it; without, nothing until they are told what."""
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
        def load_config(self) -> None:
            options = {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "threads": 16, "timeout": 120, "loglevel": "error"}
            for name, value in {**options, "control_socket_disable": True, "worker_exit": lambda arbiter, worker: stage[0].save()}.items():
                self.cfg.set(name, value)

        def load(self) -> Stage:
            recorder = record.open("a", encoding="utf-8") if record else None
            made = make_stage(
                roles=("channel", "carrier", "ledger"),
                seed=seed,
                limits=limits,
                folder=home / "simulators",
                recorder=recorder,
                pause=time.sleep,
            )
            made.load()
            if hub:
                furnish(made, seed, hub)
            leave_word(made, base)
            stage.append(made)
            for name, (world, _) in made.cast.items():
                threading.Thread(target=_deliver, args=(world,), name=f"post of {name}", daemon=True).start()
            threading.Thread(target=_keep_saving, args=(made, base), name="keep", daemon=True).start()
            return made

    stage, base = list[Stage](), f"http://127.0.0.1:{port}"
    Server().run()


def _deliver(world: World) -> None:
    """One channel's webhooks go out, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as posts:
        while True:
            if not world.deliver(deliver_by_http, posts.map):
                time.sleep(0.02)


def _keep_saving(stage: Stage, base: str) -> None:
    while True:
        time.sleep(SAVE_S)
        stage.save()
        leave_word(stage, base)
