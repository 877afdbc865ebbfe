"""Every outside system, one folder each. Importing this reads nothing; `load` finds the folders that hold a MANIFEST."""

import pkgutil
from importlib import import_module
from importlib.metadata import entry_points

from core.ports import Connector


def load() -> dict[str, Connector]:
    """All connectors by name: the folders here, then installed packages that offer one under `crossdock.connectors`."""
    folders = (import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__) if item.ispkg)
    found = [folder.MANIFEST for folder in folders if hasattr(folder, "MANIFEST")]
    found += [entry.load() for entry in entry_points(group="crossdock.connectors")]
    return {connector.name: connector for connector in found}
