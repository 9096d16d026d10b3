"""Metrics of translations and transcriptions, computed by the usual packages."""

from ..extras import require

__all__ = ["bleu", "character_error_rate", "chrf", "word_error_rate"]


def bleu(hypotheses, references):
    """Return corpus BLEU, from 0 to 100, computed by sacrebleu with its defaults.

    It is the geometric mean of the precisions of 1- to 4-grams, times a brevity penalty
    (Papineni et al., 2002; Post, 2018, https://arxiv.org/abs/1804.08771). Needs the extra
    `translate`.

    Args:
        hypotheses: Strings, one translation per source.
        references: For each, a string or a list of acceptable strings.

    Example:

    >>> round(bleu(["the cat sat on the mat"], [["the cat sat on the mat", "a cat sat"]]), 1)
    100.0
    """
    sacrebleu = require("sacrebleu", "translate")
    return float(sacrebleu.corpus_bleu(list(hypotheses), _streams(hypotheses, references)).score)


def chrf(hypotheses, references):
    """Return corpus chrF, from 0 to 100: the F-score of character n-grams.

    Computed by sacrebleu with its defaults (Popović, 2015, https://aclanthology.org/W15-3049).
    Needs the extra `translate`.

    Args:
        hypotheses: Strings, one translation per source.
        references: For each, a string or a list of acceptable strings.

    Example:

    >>> round(chrf(["the cat sat"], ["the cat sat"]), 1)
    100.0
    """
    sacrebleu = require("sacrebleu", "translate")
    return float(sacrebleu.corpus_chrf(list(hypotheses), _streams(hypotheses, references)).score)


def word_error_rate(references, hypotheses):
    """Return the number of word substitutions, deletions and insertions per reference word.

    0 is best; it may exceed 1. Computed by jiwer over all pairs. Needs the extra `speech`.

    Args:
        references: True transcriptions.
        hypotheses: Recognized texts.

    Example:

    >>> word_error_rate(["one two three four"], ["one two tree"])
    0.5
    """
    _paired(references, hypotheses)
    return float(require("jiwer", "speech").wer(list(references), list(hypotheses)))


def character_error_rate(references, hypotheses):
    """Return the number of character substitutions, deletions and insertions per character.

    0 is best; it may exceed 1. Computed by jiwer over all pairs. Needs the extra `speech`.

    Args:
        references: True transcriptions.
        hypotheses: Recognized texts.

    Example:

    >>> character_error_rate(["abcd"], ["abc"])
    0.25
    """
    _paired(references, hypotheses)
    return float(require("jiwer", "speech").cer(list(references), list(hypotheses)))


def _streams(hypotheses, references):
    """Convert references per sentence to sacrebleu's streams, padded with None."""
    _paired(references, hypotheses)
    lists = [[r] if isinstance(r, str) else list(r) for r in references]
    if not all(lists):
        raise ValueError("`references` must hold at least one for each hypothesis. Received: none")
    longest = max(map(len, lists))
    return [[r[i] if i < len(r) else None for r in lists] for i in range(longest)]


def _paired(references, hypotheses):
    if len(references) != len(hypotheses) or not len(references):
        raise ValueError(
            "there must be one hypothesis for each reference, and one at least. "
            f"Received: {len(hypotheses)} for {len(references)}"
        )
