"""The house keeps its own rules: who may import whom, what importing does, what never stands in a file, which words we use.

Each rule is a function from a folder to its offenders; each is also shown to find a planted one.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = ("connectors", "core", "web", "config")
SKIPPED = {".git", ".venv", ".crossdock", ".hypothesis", "__pycache__", "build", "dist"}

# ---- who may import whom: docs of the house, "Who may import whom"; the first row that fits counts

DOMAIN = ("core.domain",)
OUTSIDE = (*DOMAIN, "core.ports", "core.errors", "connectors.http")
MAY: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"core\.domain(\.|$)", DOMAIN),
    (r"core\.errors$", DOMAIN),
    (r"core\.ports$", (*DOMAIN, "core.errors")),  # the port names the errors it may give back
    (r"core\.store(\.|$)", (*DOMAIN, "core.errors", "core.store")),
    (r"core\.papers(\.|$)", (*DOMAIN, "core.papers")),
    (r"core(\.|$)", ("core",)),
    (r"connectors$", ("core.ports",)),
    (r"connectors\.http$", (*DOMAIN, "core.errors")),
    (r"connectors\.simulation$", (*DOMAIN, "core.ports", "core.errors")),
    (r"connectors\.(\w+)\.simulator$", (*OUTSIDE, "connectors.simulation", "connectors.simulated_papers", "connectors.{0}")),
    (r"connectors\.(\w+)\.simulated_\w+$", (*OUTSIDE, "connectors.simulated_papers", "connectors.{0}")),
    (r"connectors\.(\w+)(\.|$)", (*OUTSIDE, "connectors.{0}")),
    (r"(web\.wsgi|worker)$", ("config", "core", "web")),
    (r"web(\.|$)", ("core", "web")),
    (r"config(\.|$)", ("config", "core", "connectors", "web", "worker")),
)
INPUT_OUTPUT = {"asyncio", "glob", "http", "io", "logging", "os", "pathlib", "random", "secrets", "select", "shutil", "signal", "socket"}
INPUT_OUTPUT |= {"sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid"}
SDKS = ("shopify", "sp_api", "ebaysdk", "pyactiveresource")
PRINTING = ("reportlab", "pypdf", "PIL", "bidi", "arabic_reshaper")  # what puts papers together lives in core/papers
PAPERS = ("core.papers",)
PAPERS_MAY = {"io", "pathlib", "threading"}  # bytes in memory, and the typefaces that lie beside it


def modules(root: Path) -> dict[str, Path]:
    """Every module of the house by its dotted name."""
    files = [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))] + sorted(root.glob("worker.py"))
    named = {_dotted(path.relative_to(root)): path for path in files if not SKIPPED & set(path.parts)}
    return {name: path for name, path in named.items() if not re.search(r"\.migrations\.env$|__main__$", name)}  # alembic runs its own


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def trees(root: Path, *rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for name, path in modules(root).items():
        if not rooms or name.startswith(rooms):
            yield name, parsed(path.read_text("utf-8"))


parsed = cache(ast.parse)


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All that stands in it, walked once for all rules."""
    return tuple(ast.walk(tree))


def imported(name: str, tree: ast.Module, package: bool) -> Iterator[str]:
    """What a module imports, anywhere in it, with the names taken from it: `from a import b` is a.b."""
    base = name.split(".") if package else name.split(".")[:-1]
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = base[: len(base) - node.level + 1] if node.level else []
            yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)


def under(name: str, parents: Iterable[str]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def wrong_imports(root: Path) -> list[str]:
    files = modules(root)
    found = []
    for name, tree in trees(root):
        for other in imported(name, tree, files[name].name == "__init__.py"):
            if (reason := _reason(name, other)) is not None:
                found.append(f"{name} imports {other}: {reason}")
    return found


def _reason(name: str, other: str) -> str | None:
    if under(other, (*ROOMS, "worker")):
        return None if under(other, _may(name)) else "it may not know that room"
    if under(name, DOMAIN) and (other.split(".")[0] in INPUT_OUTPUT or other.split(".")[0] not in sys.stdlib_module_names):
        return "the domain knows only the standard library, and nothing of it that reads or writes"
    if under(name, PAPERS) and other.split(".")[0] in INPUT_OUTPUT - PAPERS_MAY:
        return "papers are made of what they are given"
    if under(other, PRINTING) and not under(name, PAPERS):
        return "papers are made in core/papers"
    if under(other, SDKS) and not re.fullmatch(r"connectors\.\w+\.client", name):
        return "a vendor's SDK lives in client.py"
    return None


def _may(name: str) -> list[str]:
    for pattern, allowed in MAY:
        if fits := re.match(pattern, name):
            return [room.format(*fits.groups()) for room in allowed]
    return []


# ---- importing does nothing


def importing_acts(root: Path) -> list[str]:
    command = [sys.executable, str(Path(__file__).with_name("importing.py")), str(root), *modules(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=root, check=False)
    return sorted(set(done.stdout.splitlines())) + done.stderr.splitlines()[-1:] * (done.returncode != 0)


# ---- what never stands in a file

ADDRESSES = re.compile(
    r"(?:--|\b)(?:extra-)?index-ur[l]\b|https?://[^/\s\"']*(?:pypi|pythonhosted|npmjs|registry|artifactory|nexus|devpi)", re.I
)
PATHS = re.compile(r"(?<![\w.}~-])/(?:work|root|mnt|Users/\w+|home/\w+)/|\b[A-Z]:\\+Users\\", re.A)


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Every text file that belongs to the project."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        hidden = any(part in SKIPPED or part.endswith(("_cache", ".egg-info")) for part in inside.parts)
        if not hidden and path.is_file() and b"\0" not in (raw := path.read_bytes()):
            yield str(inside), raw.decode("utf-8", "replace")


def addresses_and_paths(root: Path) -> list[str]:
    found = []
    for name, text in texts(root):
        for kind, pattern in (("a registry's address", ADDRESSES), ("a path of one machine", PATHS)):
            found += [f"{name}:{text.count(chr(10), 0, hit.start()) + 1} holds {kind}: {hit[0]}" for hit in pattern.finditer(text)]
    return found


def unhashed(root: Path) -> list[str]:
    """Requirements that a lock file does not pin by version and hash, and lock files that are not there."""
    locks = [root / "requirements.txt", root / "requirements-dev.txt"]
    found = [f"{lock.name} is missing" for lock in locks if not lock.exists()]
    for lock in filter(Path.exists, locks):
        for line in lock.read_text("utf-8").replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#") and not re.match(r"[\w.\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line):
                found.append(f"{lock.name}: {line.split()[0]} is not pinned by a hash")
    return found


FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill"}
FORBIDDEN_CALLS = {"eval", "exec", "yaml.load", "os.system", "yaml.unsafe_load"}
LAST_WORDS = {call.rpartition(".")[2] for call in FORBIDDEN_CALLS}


def unsafe_calls(root: Path) -> list[str]:
    files = modules(root)
    found = []
    for name, tree in trees(root):
        found += [
            f"{name} imports {other}" for other in imported(name, tree, files[name].stem == "__init__") if under(other, FORBIDDEN_MODULES)
        ]
        found += [f"{name}:{node.lineno} calls {what}" for node in nodes(tree) if isinstance(node, ast.Call) and (what := _unsafe(node))]
    return found


def _unsafe(call: ast.Call) -> str:
    if any(word.arg == "shell" and getattr(word.value, "value", True) for word in call.keywords):
        return "a shell"
    if getattr(call.func, "attr", getattr(call.func, "id", "")) not in LAST_WORDS:
        return ""
    said = ast.unparse(call.func)
    return said if said in FORBIDDEN_CALLS else ""


def floats(root: Path) -> list[str]:
    """Floats where money goes. Other modules of the domain may count seconds in them, but make none from text."""
    found = []
    for name, tree in trees(root, "core.domain", "connectors."):
        if under(name, MONEY) or name.endswith(PURE):
            found += [f"{name}:{node.lineno} knows floats" for node in nodes(tree) if _float(node)]
        elif under(name, DOMAIN):
            calls = [node for node in nodes(tree) if isinstance(node, ast.Call) and _float(node.func)]
            found += [f"{name}:{call.lineno} makes a float" for call in calls]
    return found


MONEY = ("core.domain.money", "core.domain.order", "core.domain.summary", "core.domain.journal")
PURE = (".normalize", ".render")


def _float(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "float") or (isinstance(node, ast.Constant) and isinstance(node.value, float))


def clocks(root: Path) -> list[str]:
    """The domain and the pure parts of connectors ask nobody for the time; flows never sleep."""
    found = []
    for name, tree in trees(root, "core.domain", "core.flows", "core.papers", "connectors."):
        pure = under(name, (*DOMAIN, *PAPERS)) or name.endswith(PURE)
        calls = [node for node in nodes(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        words = {"sleep"} | ({"now", "utcnow", "today"} if pure else set())
        found += [f"{name}:{call.lineno} calls {call.func.attr}()" for call in calls if call.func.attr in words]  # type: ignore[attr-defined]
    return found


def loose_ends(root: Path) -> list[str]:
    found = []
    for name, path in modules(root).items():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if LOOSE.search(line):
                found.append(f"{name}:{number} {line.strip()[:60]}")
    return found


LOOSE = re.compile(r"#.*\b(?:TODO|FIXME)\b|^\s*except\s*:|#\s*noqa(?!: [A-Z]+\d+(?:, [A-Z]+\d+)* - \w)|#\s*type: ignore(?!\[)")


# ---- one word per thing

NOT_OUR_WORDS = {
    "tenant",
    "integration",
    "plugin",
    "provider",
    "adapter",
    "shipper",
    "erp",
    "warehouse",
    "outbox",
    "quarantine",
    "quarantined",
}
NOT_OUR_WORDS |= {"dead_letter", "inventory_item", "gave_up", "canceled", "normalise", "fulfilment", "authorised", "colour"}


KNOWN_AS = {("core.domain.roles", "warehouse")}  # the role of those who work in one


def other_words(root: Path) -> list[str]:
    """Names given in core and web that are not our words, and columns and kinds written as text in core."""
    found = []
    for name, tree in trees(root, "core", "web"):
        given = {word for node in nodes(tree) for word in _given(node, columns=name.startswith("core"))} | {name.rpartition(".")[2]}
        found += [f"{name} says {word}" for word in sorted(given) if _not_ours(word) and (name, word) not in KNOWN_AS]
    return found


def _given(node: ast.AST, *, columns: bool) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Attribute(attr=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
            return [name]
        case ast.Constant(value=str(text)) if columns and text.isidentifier():
            return [text]
    return []


def _not_ours(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    pairs = {f"{one}_{two}" for one, two in pairwise(words)}
    return bool(NOT_OUR_WORDS & (set(words) | {word.removesuffix("s") for word in words} | pairs))


# ---- the house, and a planted offender for each rule

RULES: tuple[Callable[[Path], list[str]], ...] = (
    wrong_imports,
    importing_acts,
    addresses_and_paths,
    unhashed,
    unsafe_calls,
    floats,
    clocks,
    loose_ends,
    other_words,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rule(rule):
    assert rule(HOUSE) == []


OFFENDERS = [
    (wrong_imports, "core/domain/a.py", "import core.errors"),
    (wrong_imports, "core/domain/a.py", "import time"),
    (wrong_imports, "core/domain/a.py", "from os import path"),
    (wrong_imports, "core/domain/a.py", "import requests"),
    (wrong_imports, "core/domain/a.py", "def f():\n    from connectors import http"),
    (wrong_imports, "core/errors.py", "from core import ports"),
    (wrong_imports, "core/store/a.py", "from core.flows import intake"),
    (wrong_imports, "core/store/a.py", "from ..flows import intake"),
    (wrong_imports, "core/flows/a.py", "from connectors import shopify"),
    (wrong_imports, "core/papers/a.py", "from core.store import orders"),
    (wrong_imports, "core/papers/a.py", "import time"),
    (wrong_imports, "core/flows/a.py", "from reportlab.pdfgen import canvas"),
    (clocks, "core/papers/a.py", "import datetime\nx = datetime.date.today()"),
    (wrong_imports, "core/jobs.py", "import config.settings"),
    (wrong_imports, "connectors/one/a.py", "from connectors.two import normalize"),
    (wrong_imports, "connectors/one/a.py", "from connectors import simulation"),
    (wrong_imports, "connectors/one/a.py", "from core.store import tasks"),
    (wrong_imports, "connectors/one/simulator.py", "from connectors.onetwo import client"),
    (wrong_imports, "connectors/one/channel.py", "import shopify"),
    (wrong_imports, "web/a.py", "from connectors import load"),
    (wrong_imports, "web/a.py", "from config import wiring"),
    (wrong_imports, "worker.py", "from connectors import http"),
    (importing_acts, "core/a.py", "import os\nHOME = os.environ.get('HOME')"),
    (importing_acts, "core/a.py", "import os\nHOME = os.getenv('HOME')"),
    (importing_acts, "core/a.py", "import os\nALL = dict(os.environ)"),
    (importing_acts, "core/a.py", "import socket\nsocket.socket().close()"),
    (importing_acts, "core/a.py", "from pathlib import Path\nPath(__file__).with_suffix('.txt').write_text('')"),
    (importing_acts, "core/a.py", "import pkgutil\nFOUND = list(pkgutil.iter_modules([__file__.rpartition('/')[0]]))"),
    (importing_acts, "core/a.py", "import sqlite3\nsqlite3.connect(':memory:').close()"),
    (importing_acts, "core/a.py", "import no_such_thing"),
    (addresses_and_paths, "a.toml", "url = 'https://" + "pypi.example/simple'"),
    (addresses_and_paths, "a.txt", "--index" + "-url https://somewhere.example"),
    (addresses_and_paths, "docs/a.md", "see https://files.python" + "hosted.org/x"),
    (addresses_and_paths, "docs/a.md", "cd /work" + "/main"),
    (addresses_and_paths, "a.py", "HOME = '/home" + "/ada/project'"),
    (unhashed, "requirements.txt", "flask==3.0"),
    (unhashed, "requirements-dev.txt", "flask>=3.0 \\\n    --hash=sha256:" + "0" * 64),
    (unhashed, "requirements.in", "flask"),
    (unsafe_calls, "core/a.py", "import pickle"),
    (unsafe_calls, "web/a.py", "from shelve import open"),
    (unsafe_calls, "config/a.py", "x = eval('1')"),
    (unsafe_calls, "config/a.py", "exec('1')"),
    (unsafe_calls, "connectors/a.py", "import yaml\nyaml.load('1')"),
    (unsafe_calls, "connectors/a.py", "import subprocess\nsubprocess.run('ls', shell=True)"),
    (floats, "core/domain/a.py", "x = float('1')"),
    (floats, "core/domain/money.py", "x = 0.19"),
    (floats, "connectors/one/render.py", "x = '%s' % 0.19"),
    (floats, "connectors/one/normalize.py", "def f(x: float): ..."),
    (clocks, "core/domain/a.py", "from datetime import datetime\nx = datetime.now()"),
    (clocks, "connectors/one/normalize.py", "import datetime\nx = datetime.date.today()"),
    (clocks, "core/flows/a.py", "import time\ntime.sleep(1)"),
    (loose_ends, "core/a.py", "# TO" + "DO: later"),
    (loose_ends, "core/a.py", "try:\n    pass\nexcept:\n    pass"),
    (loose_ends, "core/a.py", "x = 1  # no" + "qa: E501"),
    (loose_ends, "core/a.py", "x = 1  # type" + ": ignore"),
    (other_words, "core/a.py", "def all_tenants(): ..."),
    (other_words, "core/a.py", "class PluginThing: ..."),
    (other_words, "core/store/a.py", "COLUMNS = ['warehouse_id']"),
    (other_words, "core/a.py", "def f(dead_letter): ..."),
    (other_words, "web/a.py", "canceled = 1"),
    (other_words, "core/provider.py", "x = 1"),
]


@pytest.mark.parametrize(("rule", "path", "text"), OFFENDERS, ids=[f"{rule.__name__}-{n}" for n, (rule, *_) in enumerate(OFFENDERS)])
def test_each_rule_finds_a_planted_offender(tmp_path, rule, path, text):
    planted = tmp_path / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text, "utf-8")

    assert rule(tmp_path) != []


INNOCENT = {
    "core/papers/a.py": "from io import BytesIO\nfrom pypdf import PdfWriter\nfrom core.domain import money",
    "core/domain/a.py": "from dataclasses import dataclass\nfrom core.domain import money",
    "core/domain/money.py": "WORD = 'canonical'",
    "core/errors.py": "from core.domain import money",
    "connectors/one/__init__.py": "from connectors.one import client",
    "connectors/one/client.py": "import json\nfrom connectors.http import Http\nfrom . import render",
    "connectors/one/render.py": "def f(x):\n    import subprocess\n    return subprocess.run([x], shell=False)",
    "connectors/one/simulator.py": "from connectors import simulation",
    "connectors/simulation.py": "import os\n\n\ndef folder():\n    return os.environ['HOME']",
    "connectors/http.py": "Http = 1",
    "docs/a.md": "https://shopify.dev and ./work/ and web/root/x and /orders/{id}",
    "requirements.txt": "# locked\nflask==3.0 ; python_version > '3' \\\n    --hash=sha256:" + "0" * 64 + "\n    # via -r requirements.in",
    "requirements-dev.txt": "",
    "worker.py": "import config",
    "config/__init__.py": "",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_rule_finds_fault_with_the_innocent(tmp_path, rule):
    for path, text in INNOCENT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")

    assert rule(tmp_path) == []
