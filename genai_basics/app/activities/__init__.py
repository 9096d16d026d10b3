"""What can be done with a run's model, one file per kind of activity.

Each module has `fits(stage)`, whether the model of a loaded `Stage` supports it, and `add(stage)`,
which adds its panel to the page. What a model supports follows from its row in `recipes.py` and
from its methods, so a new model needs no code here unless its kind is new.
"""

from . import (
    answering,
    between_inputs,
    from_noise,
    generating,
    latent_space,
    written_text,
)

__all__ = ["activities_of"]

ACTIVITIES = (written_text, latent_space, generating, from_noise, answering, between_inputs)


def activities_of(stage):
    """Return the activities for the model of a loaded stage; its main one comes first."""
    found = [activity for activity in ACTIVITIES if activity.fits(stage)]
    predicts = answering.verb_of(stage.model) in answering.PREDICT
    return sorted(found, key=lambda activity: not (predicts and activity is answering))
