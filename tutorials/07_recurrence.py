"""
Recurrence: a network that remembers
====================================

The networks so far see all of an example at once. A recurrent network reads it step by step and
keeps a state, so its response to a step depends on the steps before. We give it a task that needs
only memory: the first value decides, and noise follows. We look at how long the network remembers,
and compare it with a feedforward network that sees only the last steps.

The claim at the end: the recurrent network knows the first value after twenty steps of noise,
and a network that sees the last five steps does not.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

# %%
# A memory task
# -------------
# Each series begins with +1 or -1 and continues with twenty steps of noise. The label is the sign
# of the first step.

rng = np.random.default_rng(0)


def remembered(n, steps=20):
    y = rng.integers(0, 2, n)
    noise = 0.5 * rng.normal(size=(n, steps))
    return np.concatenate([2.0 * y[:, None] - 1, noise], axis=1)[..., None].astype("float32"), y


x, y = remembered(2000)
x_test, y_test = remembered(500)

# %%
# A gated recurrent unit
# ----------------------
# Its new state is a mixture of the old state h and a candidate: h' = z h + (1 - z) candidate. Where
# the gate z is near 1, the state stays the same: this is how the unit remembers, and how gradients
# reach many steps back.

rnn = gb.build_rnn((21, 1), 2, units=16, bidirectional=False, dropout=0.0, seed=0)
rnn.compile(learning_rate=1e-2)
rnn.fit(x, y, epochs=max(1, round(12 * BUDGET)), verbose=0)

# %%
# A network without memory
# ------------------------
# This one sees the last five steps, all at once.

mlp = gb.build_mlp((5,), 2, hidden_units=(64,), seed=0)
mlp.compile()
mlp.fit(x[:, -5:, 0], y, epochs=max(1, round(12 * BUDGET)), verbose=0)

right = {
    "recurrent": rnn.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"],
    "last five steps": mlp.evaluate(x_test[:, -5:, 0], y_test, verbose=0, return_dict=True)[
        "accuracy"
    ],
}
print({name: round(value, 3) for name, value in right.items()})

# %%
# What it remembers, step by step
# -------------------------------
# The same network on ever longer prefixes of one series: its answer does not change after the
# first step.

for steps in (1, 2, 5, 10, 21):
    labels, probabilities = rnn.classify([x_test[0, :steps]])
    print(f"after {steps:2} steps: {labels[0]}, {probabilities[0].max():.2f}  (true: {y_test[0]})")

# %%
# Claim
# -----

if BUDGET >= 1:
    assert right["recurrent"] > 0.95
    assert right["last five steps"] < 0.65
