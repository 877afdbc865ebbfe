"""The processes: `serve` (web, and in one-process installations the drains), `worker` children, the sweeper."""

import gc
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from requests.adapters import BaseAdapter

from config import schedule
from config.bells import RedisBell, ThreadBell
from config.settings import Settings
from config.wiring import door_kit, make_hub, missing_of
from core import jobs
from core.domain.tasks import LATER
from core.flows import people
from core.hub import Hub
from core.jobs import Keeper
from core.store.writer import GroupWriter
from web import alone, embedded, keys
from web.app import make_app
from web.doors import Doors
from web.metrics import Meter
from web.trace import Traced
from web.webhooks import Door

log = structlog.get_logger("process")
SWEEP_S = 5.0
BEHIND_S = 0.5  # how often a worker looks for old orders
SILENT_S = 3  # how long a caller may keep us waiting for the rest of its request
STOP_S = 8.0  # how long what is being done may take when the process is to end; leases give back the rest
TOGETHER = "PROMETHEUS_MULTIPROC_DIR"  # where several processes of one server count together; prometheus-client reads it
SWITCH_S = 0.001  # how long one thread keeps the interpreter while another waits: an order is not to wait for old ones to be counted


def make_wsgi(settings: Settings, hub: Hub, adapter: BaseAdapter | None = None) -> Callable[..., Any]:
    """The web application: webhooks before Flask, everything else through it. A system has its doors once its app is set up. `adapter`
    carries their outside calls where a test does."""
    ready = {name: one for name, one in hub.connectors.items() if not missing_of(settings, one)}
    made = {name: one.webhooks(door_kit(settings, hub, one, adapter)) for name, one in ready.items() if one.webhooks}
    writer = GroupWriter(hub.database, lambda: hub.now, hub.bell.ring)
    door, doors = Door(hub, made, writer, settings.body_limit, settings.public_url), make_doors(settings, hub, adapter)
    meter, ways = Meter(hub, together=TOGETHER in os.environ), (keys.visitor, embedded.way(doors.frames), alone.visitor)
    pages = make_app(hub, ways, settings.public_url, _told(settings), doors, meter).wsgi_app

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return (door if environ["PATH_INFO"].startswith("/webhooks/") else pages)(environ, start_response)

    return Traced(application, meter, hub.ids)


def _told(settings: Settings) -> dict[str, Any]:
    """What the operator set for the pages and the API, by the names under which they read it."""
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
    return {"API_PER_S": settings.api_per_s, "API_BURST": settings.api_burst, "METRICS_TOKEN": token}


def make_doors(settings: Settings, hub: Hub, adapter: BaseAdapter | None = None) -> Doors:
    """What connectors offer to the pages; the others' missing credentials are told to whoever looks."""
    lacks = {name: missing_of(settings, one) for name, one in hub.connectors.items()}
    kits = {name: door_kit(settings, hub, hub.connectors[name], adapter) for name, missing in lacks.items() if not missing}
    ready = {name: (hub.connectors[name], kit) for name, kit in kits.items()}
    return Doors(
        frames={name: one.frames(kit) for name, (one, kit) in ready.items() if one.frames},
        consents={name: one.consents(kit) for name, (one, kit) in ready.items() if one.consents},
        ready=frozenset(ready),
        lacks={name: missing for name, missing in lacks.items() if missing and hub.connectors[name].simulator},
        public_url=settings.public_url,
    )


class Drains:
    """Threads that do the tasks in this process: one inside, one for old orders, one for webhooks, some outside, a sweeper, the keeper of
    leases."""

    def __init__(self, hub: Hub, bell: ThreadBell, outside: int, keeper: Keeper | None = None) -> None:
        self._hub, self._bell = hub, bell
        self._stop = threading.Event()
        self._keeper = keeper or Keeper(hub)
        works = [("inside", jobs.drain_live), (LATER["inside"], jobs.drain_behind), ("hooks", jobs.drain_live)]
        works += [("outside", jobs.drain)] * outside
        self._threads = [threading.Thread(target=self._drain, args=one, name=f"drain-{one[0]}", daemon=True) for one in works]
        self._threads.append(threading.Thread(target=sweeper, args=(hub, self._stop), name="sweeper", daemon=True))

    def start(self) -> "Drains":
        sys.setswitchinterval(SWITCH_S)
        safely(lambda: schedule.tick(self._hub))  # before anything is written: it knows how long nobody was here
        self._keeper.start()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Finish what is being done, begin nothing more."""
        self._stop.set()
        end = time.monotonic() + STOP_S
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < end:
            for queue in ("inside", LATER["inside"], "hooks", "outside"):
                self._bell.ring(queue)  # one ring wakes one of them
            time.sleep(0.02)
        self._keeper.stop()

    def _drain(self, bell: str, drain: Callable[..., int]) -> None:
        queue = bell.partition(" ")[0]
        while not self._stop.is_set():
            self._bell.wait(bell, SWEEP_S)
            safely(lambda: drain(self._hub, queue, keeper=self._keeper, stop=self._stop.is_set))


def safely(work: Callable[[], object]) -> None:
    """A loop's step: what goes wrong is said, and the loop goes on."""
    try:
        work()
    except Exception as error:  # the loop outlives whatever the database or a bug does to one step
        log.error("step failed", error=type(error).__name__, where=jobs.where(error))
        time.sleep(0.5)


def sweeper(hub: Hub, stop: threading.Event) -> None:
    """Every five seconds: what the clock asks for, what silent workers held, what is due."""
    while not stop.is_set():
        safely(lambda: schedule.tick(hub))
        safely(lambda: jobs.sweep(hub))
        stop.wait(SWEEP_S)


def make_bell(settings: Settings) -> ThreadBell | RedisBell:
    return RedisBell(settings.redis_url) if settings.redis_url and not settings.is_sqlite else ThreadBell()


def serve(settings: Settings) -> None:
    """Run the web, and the drains too where nobody else does them, until a signal ends it."""
    from gunicorn.app.base import BaseApplication

    _tell_the_first(settings)

    alone = settings.is_sqlite or not settings.redis_url
    running: list[Drains] = []
    _count_together(settings, 1 if alone else settings.workers)

    def end() -> None:
        for drains in running:
            drains.stop()

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
        def load_config(self) -> None:
            for name, value in _gunicorn(settings, alone).items():
                self.cfg.set(name, value)
            self.cfg.set("post_fork", lambda arbiter, worker: _hurry(worker.sockets))
            self.cfg.set("worker_exit", lambda arbiter, worker: end())
            self.cfg.set("child_exit", lambda arbiter, worker: _uncount(worker.pid))

        def load(self) -> Callable[..., Any]:
            bell = make_bell(settings)
            hub = make_hub(settings, bell=bell)
            if isinstance(bell, ThreadBell):
                running.append(Drains(hub, bell, settings.outside_workers).start())
            application = make_wsgi(settings, hub)
            spare_the_loaded()
            return application

    Server().run()


def _tell_the_first(settings: Settings) -> None:
    """Nobody can sign in yet: whoever sees this becomes the owner by the address, which holds a secret, and nobody else does."""
    hub = make_hub(settings)
    token = people.setup_token(hub)
    if people.is_setup(hub, token):
        print(f"Nobody can sign in yet. Make the first owner: {settings.public_url}/setup/{token}", file=sys.stderr, flush=True)
    hub.database.close()


def _count_together(settings: Settings, processes: int) -> None:
    """Several processes answer: what each counts lies in a folder, emptied at the start."""
    if processes > 1:
        folder = settings.home / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ[TOGETHER] = str(folder)


def _uncount(pid: int) -> None:
    """A process ended: what it counted stays, what it measured of itself goes."""
    if TOGETHER in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _hurry(doors: Iterable[Any]) -> None:
    """Callers that say nothing for seconds are hung up on: each holds a thread, and there are few. Taken over by what is accepted."""
    for door in doors:
        door.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENT_S, 0))


def _gunicorn(settings: Settings, alone: bool) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": 1 if alone else settings.workers,
        "worker_class": "gthread",
        "threads": settings.threads,
        "keepalive": 15,
        "timeout": 60,
        "graceful_timeout": 10,
        "loglevel": "warning",
        "proc_name": "crossdock",
        "control_socket_disable": True,
    }


def spare_the_loaded() -> None:
    """What is loaded by now stays for good. The collector's full pass over it would hold every answer up for a tenth of a second."""
    gc.collect()
    gc.freeze()


def work(settings: Settings, queue: str) -> None:
    """One worker process of one queue: RQ wakes it, the database says what to do, and a sweep makes up for lost rings."""
    from redis import RedisError
    from rq.exceptions import StopRequested

    import worker

    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    hub = make_hub(settings, bell=RedisBell(settings.redis_url))
    spare_the_loaded()
    safely(lambda: schedule.tick(hub))
    keeper = Keeper(hub).start()
    worker.take_over(hub, keeper, over.is_set)
    sweeping = threading.Thread(target=_sweep_and_drain, args=(hub, queue, keeper, over), name="sweeper", daemon=True)
    sweeping.start()
    if queue == "inside":
        threading.Thread(target=_behind, args=(hub, keeper, over), name="drain-inside later", daemon=True).start()
    else:
        threading.Thread(target=_tell, args=(hub, keeper, over), name="drain-hooks", daemon=True).start()
    while not over.is_set():
        try:
            _listen(settings, queue, over)
        except RedisError as error:
            log.warning("Redis does not answer; the sweep does the work", error=type(error).__name__)
            over.wait(2)
        except StopRequested:
            break
    sweeping.join(STOP_S)
    keeper.stop()


def _listen(settings: Settings, queue: str, over: threading.Event) -> None:
    """Be an RQ worker until a signal ends it or Redis does not answer. Raises RedisError and StopRequested."""
    from redis import Redis
    from rq import SimpleWorker
    from rq.exceptions import StopRequested
    from rq.serializers import JSONSerializer
    from rq.worker import WorkerStatus

    class Listener(SimpleWorker):
        max_connection_wait_time = SWEEP_S

        def request_stop(self, signum: int, frame: object) -> None:
            """What is being done is finished and nothing more begun. RQ's own would write to Redis, in the middle of whatever runs."""
            over.set()
            self._stop_requested = True
            if self.get_state() != WorkerStatus.BUSY:
                raise StopRequested

    Listener(
        [queue],
        connection=Redis.from_url(settings.redis_url),
        serializer=JSONSerializer,
        worker_ttl=60,
        maintenance_interval=30,
        log_job_description=False,
    ).work(logging_level="CRITICAL")


def _sweep_and_drain(hub: Hub, queue: str, keeper: Keeper, over: threading.Event) -> None:
    """The worker's second leg: it stands while Redis is away."""
    import worker

    while not over.is_set():
        safely(lambda: schedule.tick(hub))
        safely(lambda: jobs.sweep(hub))
        safely(lambda: worker.drain_of(queue)(hub, queue, keeper=keeper, stop=over.is_set))
        over.wait(SWEEP_S)


def _behind(hub: Hub, keeper: Keeper, over: threading.Event) -> None:
    """A worker's third leg: old orders are taken beside the live ones. Nobody rings for them."""
    while not over.wait(BEHIND_S):
        safely(lambda: jobs.drain_behind(hub, "inside", keeper=keeper, stop=over.is_set))


def _tell(hub: Hub, keeper: Keeper, over: threading.Event) -> None:
    """The third leg of a worker outside: merchants' programs are told, and hold up nothing else when they are slow."""
    while not over.wait(BEHIND_S):
        safely(lambda: jobs.drain_live(hub, "hooks", keeper=keeper, stop=over.is_set))


def keep_workers(settings: Settings) -> int:
    """A child for each queue, begun anew when it dies; ended with us. Gives the exit code."""
    wanted = ["inside"] + ["outside"] * settings.outside_workers
    command = [sys.executable, "-m", "config.cli", "worker", "--queue"]
    environ = {**os.environ, **environment(settings)}
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    children = [subprocess.Popen([*command, queue], env=environ) for queue in wanted]
    while not over.wait(1.0):
        for place, child in enumerate(children):
            if child.poll() is not None:
                log.warning("a worker ended and is begun anew", queue=wanted[place], code=child.returncode)
                children[place] = subprocess.Popen([*command, wanted[place]], env=environ)
    for child in children:
        child.terminate()
    for child in children:
        _await(child)
    return 0


def _await(child: "subprocess.Popen[bytes]") -> None:
    """Its end, forced where it does not come by itself: leases give back what it held."""
    try:
        child.wait(timeout=STOP_S + 2)
    except subprocess.TimeoutExpired:
        log.warning("a worker did not end and was killed", pid=child.pid)
        child.kill()
        child.wait()


def environment(settings: Settings) -> dict[str, str]:
    """What a child must be told: where things are. The rest it reads as we did."""
    said = {"CROSSDOCK_HOME": str(settings.home), "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    said["CROSSDOCK_LOG_LEVEL"] = settings.log_level
    return {name: value for name, value in said.items() if value}
