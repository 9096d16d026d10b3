"""Responsible use, measured: what a trained model copied, what it leaks, whom it leaves out.

One concern a file: `copying` (pictures, vectors), `verbatim` (texts, music), `leakage`
(membership inference), `secrets` (canaries), `balance` (classes, groups), `checks` (data before
training); `auditing` puts them together for a run.
"""

from .auditing import Audit, audit_run, exceeded
from .balance import compare_shares, worst_groups
from .copying import find_copies, find_duplicates
from .leakage import membership
from .verbatim import copied_text

__all__ = [
    "Audit",
    "audit_run",
    "compare_shares",
    "copied_text",
    "exceeded",
    "find_copies",
    "find_duplicates",
    "membership",
    "worst_groups",
]
