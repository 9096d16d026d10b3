"""Translations and transcriptions against references, by the packages that the field reports."""

from ..extras import require

__all__ = ["bleu", "character_error_rate", "chrf", "word_error_rate"]


def bleu(hypotheses, references):
    """Return corpus BLEU, from 0 to 100, as sacrebleu computes it with its defaults.

    The geometric mean of the precisions of 1- to 4-grams, times a penalty for brevity
    (Papineni et al., 2002; Post, 2018, https://arxiv.org/abs/1804.08771). Needs the extra
    `translate`.

    Args:
        hypotheses: Strings, one translation for each source.
        references: For each a string, or a list of strings that are all right.

    Example:

    >>> round(bleu(["the cat sat on the mat"], [["the cat sat on the mat", "a cat sat"]]), 1)
    100.0
    """
    sacrebleu = require("sacrebleu", "translate")
    return float(sacrebleu.corpus_bleu(list(hypotheses), _streams(hypotheses, references)).score)


def chrf(hypotheses, references):
    """Return corpus chrF, from 0 to 100: the F-score of character n-grams.

    By sacrebleu with its defaults (Popović, 2015, https://aclanthology.org/W15-3049). Needs
    the extra `translate`.

    Args:
        hypotheses: Strings, one translation for each source.
        references: For each a string, or a list of strings that are all right.

    Example:

    >>> round(chrf(["the cat sat"], ["the cat sat"]), 1)
    100.0
    """
    sacrebleu = require("sacrebleu", "translate")
    return float(sacrebleu.corpus_chrf(list(hypotheses), _streams(hypotheses, references)).score)


def word_error_rate(references, hypotheses):
    """Return the words to substitute, delete and insert, over the words of the references.

    0 is right; it may exceed 1. By jiwer, over all pairs together. Needs the extra `speech`.

    Args:
        references: Strings, what was said.
        hypotheses: Strings, what was recognized.

    Example:

    >>> word_error_rate(["one two three four"], ["one two tree"])
    0.5
    """
    _paired(references, hypotheses)
    return float(require("jiwer", "speech").wer(list(references), list(hypotheses)))


def character_error_rate(references, hypotheses):
    """Return the characters to substitute, delete and insert, over those of the references.

    0 is right; it may exceed 1. By jiwer, over all pairs together. Needs the extra `speech`.

    Args:
        references: Strings, what was said.
        hypotheses: Strings, what was recognized.

    Example:

    >>> character_error_rate(["abcd"], ["abc"])
    0.25
    """
    _paired(references, hypotheses)
    return float(require("jiwer", "speech").cer(list(references), list(hypotheses)))


def _streams(hypotheses, references):
    """Turn references for each sentence into sacrebleu's streams, filled up with None."""
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
