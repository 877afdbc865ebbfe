"""The vendors' own contracts as a judge of what went over the wire, where they are present: `python -m tests.contract.oracle FILE...`.

The judge is a program that lies beside the contracts. Where a contract contradicts itself it is read here as it is meant.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
# Of several JSON answers the judge knows the last one, which comes in parts; ours is application/vnd.usps.labels+json.
ANSWERS = {"post-label": {"200": {"$ref": "#/components/schemas/LabelVendorResponse"}}}


def load() -> ModuleType | None:
    """The judge; None where it is not here."""
    path = CONTRACTS.parent / "tools/contract_oracle.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("contract_oracle", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for _, operation in module.operations("usps"):
        operation.answers |= ANSWERS.get(operation.name, {}) if "200" in operation.answers else {}
        for document in (operation.doc, operation.registry[f"{operation.uri}:answers"].contents):
            _mend(module, document, document)
    return module


def _mend(module: ModuleType, document: Any, node: Any) -> None:
    """USPS closes schemas that are put together of parts part by part, so that nothing fits them (international-labels 2026-06: a customs
    form must have the contents that it may not have). They are closed as a whole here."""
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _mend(module, document, one)
    if isinstance(node, dict) and isinstance(node.get("allOf"), list):
        if node.pop("additionalProperties", None) is False:
            node["unevaluatedProperties"] = False
        for part in (module.deref(document, part) for part in node["allOf"]):
            if part.get("additionalProperties") is False:
                del part["additionalProperties"]


if __name__ == "__main__":
    judge = load()
    if judge is None:
        sys.exit("the vendors' contracts are not here (set CROSSDOCK_CONTRACTS)")
    sys.exit(judge.main())
