"""Event files, which TensorBoard shows."""

import numpy as np
import tensorflow as tf

__all__ = ["EventFile"]


class EventFile:
    """Writes numbers, pictures, sounds and texts of training steps into a folder.

    Args:
        folder: The folder, to which a new file is added.
    """

    def __init__(self, folder):
        self.writer = tf.summary.create_file_writer(str(folder))

    def write(self, kind, name, value, step, **kwargs):
        """Write a value of a kind: "scalar", "image", "audio", "text" or "histogram".

        Args:
            kind: A function of `tf.summary`.
            name: Name of the value.
            value: As for this function: pictures are uint8 (n, height, width, channels), sounds
                float32 (n, samples, 1) in [-1, 1].
            step: The training step.
            **kwargs: As for this function.
        """
        value = value if isinstance(value, str) else np.asarray(value)
        with self.writer.as_default(step=step):
            getattr(tf.summary, kind)(name, value, **kwargs)

    def flush(self):
        """Write everything to disk."""
        self.writer.flush()
