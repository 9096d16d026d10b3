"""Responsible use, measured: what a trained model copies and leaks, and where it fails.

One concern per file: `copying` (pictures, vectors), `verbatim` (texts, music), `leakage`
(membership inference), `canaries` (planted secrets), `balance` (classes, groups), `data_checks`
(data before training), `privacy` (private training). `auditing` runs them all on a trained model:
`sample_checks` on its samples and `example_checks` on real examples.
"""

from .auditing import Audit, audit_run, exceeded
from .balance import compare_shares, worst_groups
from .canaries import exposure, plant, repeated_sentences
from .copying import find_copies, find_duplicates
from .data_checks import Checks, check_data, drop_suspects, personal_data
from .leakage import membership
from .privacy import PrivateTraining, epsilon_spent, usual_delta
from .verbatim import copied_text

__all__ = [
    "Audit",
    "Checks",
    "PrivateTraining",
    "audit_run",
    "check_data",
    "compare_shares",
    "copied_text",
    "drop_suspects",
    "epsilon_spent",
    "exceeded",
    "exposure",
    "find_copies",
    "find_duplicates",
    "membership",
    "personal_data",
    "plant",
    "repeated_sentences",
    "usual_delta",
    "worst_groups",
]
