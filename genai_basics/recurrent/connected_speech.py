"""Makes connected speech for training from clips of words: varied, joined, with noise."""

import numpy as np

from .ctc import least_frames

__all__ = ["ConnectedSpeech"]


class ConnectedSpeech:
    """Makes training batches from recorded clips.

    Args:
        model: A `SpeechRecognizer`; its `concatenate`, `speed` and `noise_level` apply.
        clips: List of arrays of samples.
        numbers: The symbol numbers of each clip.
        weights: Weights of the clips (n,), if there are any.
    """

    def __init__(self, model, clips, numbers, *weights):
        self.model, self.clips, self.numbers, self.weights = model, clips, numbers, weights
        self.rate = model.log_mel.sample_rate
        room = model.max_seconds * self.rate / np.mean([len(clip) for clip in clips])
        self.most = max(1, int(room))  # number of clips of typical length that fit without cutting

    def make(self, rows, rng):
        """Return a batch that starts with the clips `rows`, each joined with random others."""
        found = []
        for row in rows:
            n = min(rng.integers(1, self.model.concatenate + 1), self.most)
            others = rng.integers(len(self.clips), size=n - 1)
            found.append(self.joined([row, *others], rng))
        batch = self.model.batch_of(*map(list, zip(*found, strict=True)))
        return *batch, *(part[rows] for part in self.weights)

    def joined(self, rows, rng, vary=True):
        """Join several clips, with gaps between them; return the clip and its symbol numbers.

        With `vary`, the speed and loudness of each clip are changed, silence may be added before
        and after, and noise is added. Clips are first scaled to full scale, since noise would
        drown out quiet recordings.
        """
        model, pieces, symbols = self.model, [], []
        edges = vary and model.concatenate > 1
        for k, row in enumerate(rows):
            if k or edges:
                pieces.append(self._silence(rng, 0.02 if k else -0.25))
            pieces.append(self._varied(row, rng) if vary else self.clips[row])
            if k and not model.whole_words:
                symbols.append(model.number_of[" "])
            symbols += self.numbers[row]
        if edges:
            pieces.append(self._silence(rng, -0.25))
        clip = np.concatenate(pieces)[: round(model.max_seconds * self.rate)]
        if vary and model.noise_level:
            clip = clip + rng.normal(size=len(clip)) * rng.uniform(0, model.noise_level)
        return clip.astype("float32"), symbols

    def _varied(self, row, rng):
        """Change the loudness of a clip and, unless it is too short, its speed."""
        clip = self.clips[row]
        if self.model.speed:
            factor = 1 + rng.uniform(-self.model.speed, self.model.speed)
            places = np.arange(0, len(clip) - 1, factor)
            if least_frames(self.numbers[row]) <= self.model.frames_of(len(places)):
                clip = np.interp(places, np.arange(len(clip)), clip)
        return clip * (np.exp(rng.uniform(-2.5, 0.0)) / max(np.abs(clip).max(), 1e-9))

    def _silence(self, rng, least):
        """Return silence of `least` to 0.25 seconds; if `least` is negative, there may be none."""
        return np.zeros(int(max(0.0, rng.uniform(least, 0.25)) * self.rate))
