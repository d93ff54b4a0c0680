"""satlock locks Python projects with a SAT/SMT solver, and proves what it says."""

from __future__ import annotations
