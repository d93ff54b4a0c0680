"""Why there may be more ways out than were found, in words."""

from __future__ import annotations

from satlock.solver.explaining.correction_sets import Cut

__all__ = ["cut_short"]

_BY = {
    "enough": "no more were looked for",
    "ways": "only the first {} were looked for",
    "trials": "the search for more was cut off after {} trials",
    "steps": "those with more than {} changes were not looked for",
    "failure": "some changes could not be tried, since an index failed",
    "fault": "looking for them failed with {fault}",
}


def cut_short(cut: Cut) -> str:
    return _BY[cut.by].format(cut.most, fault=cut.fault)
