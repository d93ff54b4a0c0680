"""satlock locks Python projects with a SAT/SMT solver, and proves what it says.

``__all__`` is the Python API: three functions that do what the commands of these names do, what they return, and what
they raise. Everything else in this package is private, and changes without notice. In a checkout:

>>> import satlock
>>> lock = satlock.lock("corpora/origin", corpus="corpora/origin/origin.snapshot")
>>> [str(package) for package in lock.packages if package.name == "torch"]
['torch 2.5.1', 'torch 2.5.1', 'torch 2.5.1', 'torch 2.5.1+cpu', 'torch 2.5.1+cu124']
>>> path = lock.write()
>>> path.name
'pylock.toml'
>>> proof = satlock.prove(path, certificate="proof")
>>> proof.proven, len(proof.answers)
(True, 27)
>>> [checked.property for checked in satlock.check("proof", path).properties]
['unique']
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes its time too
    from typing import Any

    from satlock.api import Answer, Lock, NoLock, Package, Proof, check, lock, prove
    from satlock.corpora.facts import CorpusError
    from satlock.encoder.project.project import ProjectError
    from satlock.solver.checking.claims import Checked, Verdict
    from satlock.solver.checking.markers import Bad as BadCertificate

__all__ = [
    "Answer",
    "BadCertificate",
    "Checked",
    "CorpusError",
    "Lock",
    "NoLock",
    "Package",
    "ProjectError",
    "Proof",
    "Verdict",
    "__version__",
    "check",
    "lock",
    "prove",
]

try:  # a build or an editable install writes it
    from satlock._version import __version__
except ImportError:
    __version__ = "0+unknown"

_ELSEWHERE = {
    "BadCertificate": ("satlock.solver.checking.markers", "Bad"),
    "Checked": ("satlock.solver.checking.claims", "Checked"),
    "CorpusError": ("satlock.corpora.facts", "CorpusError"),
    "ProjectError": ("satlock.encoder.project.project", "ProjectError"),
    "Verdict": ("satlock.solver.checking.claims", "Verdict"),
}
"""Where names of the API are that are not in :mod:`satlock.api`."""


def __getattr__(name: str) -> Any:
    """Imports what is asked for: the command starts through this package as well, and has to be quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, there = _ELSEWHERE.get(name, ("satlock.api", name))
    found = globals()[name] = getattr(import_module(module), there)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
