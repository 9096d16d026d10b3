"""
Responsible use: from a copier caught to a model card
=====================================================

A model that draws pictures "like the data" may draw the data. A model that is better on what it
was trained on tells who was in the training set. A model that is right nine times in ten may be
wrong about the same people every time. None of this shows in a loss curve, and all of it can be
measured, in seconds.

This tutorial trains one model on too little data, catches it copying, finds out what it gives
away about its training set, and compares it with a model that had enough data. Then it looks at
data before training, trains with a guarantee of privacy, follows a picture back to the model
that drew it, and ends with a card on which all numbers stand.

The claims at the end: the audit catches the copier and not the honest model; the copier gives its
members away and a private model does not; and a drawn picture says where it comes from.
"""

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import genai_basics as gb
from genai_basics import provenance
from genai_basics.audit import audit_run, check_data, drop_suspects
from genai_basics.data.writers import write_samples

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run
folder = Path(tempfile.mkdtemp())
data = gb.load_data("digits")

# %%
# Look before you train
# ---------------------
# Here is a data set as they come: somebody has appended a few files twice, some of the test
# pictures have found their way into the training part, and one in fifty labels is wrong. Figures
# measured on such data are too good, and nobody would notice.

rng = np.random.default_rng(0)
x, y = data.train.x.copy(), data.train.y.copy()
x[10:20] = x[0:10]
x[20:30] = data.test.x[:10]
wrong = rng.permutation(len(y))[: len(y) // 50]
y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
np.savez(folder / "messy.npz", x_train=x, y_train=y, x_test=data.test.x, y_test=data.test.y)
messy = gb.load_data(folder / "messy.npz")

found = check_data(messy)
for sentence in found.findings:
    print("*", sentence)
clean = drop_suspects(messy, found, ["duplicates", "leaks", "labels"])
print(f"{len(messy.train)} training examples, {len(clean.train)} after cleaning\n")

# %%
# On the command line `genai-basics train` looks by itself, and `--drop duplicates --drop leaks`
# takes them out.
#
# A copier
# --------
# Fifty pictures are enough to train a VAE and far too few to learn what digits are. So it learns
# the fifty pictures. Each of its samples is compared with its nearest training picture, and with
# its nearest picture among those that the model never saw. Who has learned *digits* comes as near
# to the one as to the other. Who has learned *these* digits does not.

np.savez(
    folder / "few.npz",
    x_train=data.train.x[:50],
    y_train=data.train.y[:50],
    x_test=data.test.x,
    y_test=data.test.y,
)
copier = gb.train(
    "vae",
    str(folder / "few.npz"),
    data_options={"validation": 0},
    epochs=max(1, round(1000 * BUDGET)),
    batch_size=50,
    license="BSD-3-Clause",
    out=folder / "copier",
)
honest = gb.train("vae", epochs=max(1, round(30 * BUDGET)), out=folder / "honest")

audits = {run.folder.name: audit_run(run) for run in (copier, honest)}
for name, audit in audits.items():
    share, (low, high) = audit.metrics["copied"], audit.intervals["copied"]
    print(f"{name}: {share:.1%} of the samples are copies ({low:.1%} to {high:.1%})")
    for sentence in audit.findings:
        print("  *", sentence)

# %%
# The pictures that are nearest to copies stand in `copies.png` in the run's folder, each above
# the training picture that it is near.
#
# Who was in the training set?
# ----------------------------
# The copier is surprised by new pictures and not by those it knows. An attacker who has the model
# and a picture needs no more: take the pictures with a low loss for members. How often that is
# right for a pair of one member and one other is the area under the curve: 0.5 is guessing.

for name, audit in audits.items():
    low, high = audit.intervals["membership_auc"]
    print(f"{name}: members are told from others in {low:.0%} to {high:.0%} of pairs")

# %%
# A guarantee
# -----------
# Differential privacy limits what a model can give away, whoever attacks it with whatever: clip
# the gradient of each example, so that none can pull far, and add noise to their sum, so that one
# more or less does not show (Abadi et al., 2016). The price is paid in quality. Epsilon says how
# much could leak: at most a factor of exp(epsilon) in the odds of any guess about one example.

classifier = {"hidden_units": (128,), "normalize": False, "dropout": 0.0, "batch_size": 50}
runs = {}
for name, options in (("plain", {}), ("private", {"dp_noise": 4.0})):
    runs[name] = gb.train(
        "mlp",
        str(folder / "few.npz"),
        data_options={"validation": 0},
        epochs=max(1, round(150 * BUDGET)),
        out=folder / name,
        **classifier,
        **options,
    )
aucs = {name: run.config["audit"]["metrics"]["membership_auc"] for name, run in runs.items()}
for name, run in runs.items():
    accuracy = run.model.report(data.test.x, data.test.y)[0]["accuracy"]
    print(f"{name}: accuracy {accuracy:.2f}, area under the curve {aucs[name]:.2f}")
privacy = runs["private"].config["privacy"]
print(f"epsilon {privacy['epsilon']:.0f} at delta {privacy['delta']:.0e}: fifty examples are too")
print("few for a small epsilon; it shrinks as the data grow.\n")

# %%
# Where does this picture come from?
# ----------------------------------
# Every file that this library writes says that a machine made it, in the words of the press
# (IPTC's digital source type) and in plain ones. `genai-basics inspect` reads it back.

facts = provenance.describe(honest, seed=1)
write_samples(honest.model.sample(16, seed=1), folder / "grid.png", honest.spec, provenance=facts)
for name, value in provenance.read(folder / "grid.png").items():
    print(f"{name:20} {value}")

# %%
# The card
# --------
# `MODEL_CARD.md` in each run's folder collects what was measured, and says what the model should
# not be used for. It holds numbers and what you said; there is nothing to fill in.

print((copier.folder / "MODEL_CARD.md").read_text())

# %%
# The claims, checked.

if BUDGET >= 1:
    assert found.metrics["duplicates"] >= 5
    assert found.metrics["leaks"] >= 5
    assert len(clean.train) < len(messy.train) - 20
    assert audits["copier"].intervals["copied"][0] > 0.01
    assert audits["honest"].metrics["copied"] < 0.01
    assert audits["copier"].intervals["membership_auc"][0] > 0.75
    low, high = audits["honest"].intervals["membership_auc"]
    assert low < 0.5 < high
    assert aucs["plain"] > aucs["private"] + 0.1
    assert provenance.read(folder / "grid.png")["run"] == "honest"
    assert "Work that must be original" in (copier.folder / "MODEL_CARD.md").read_text()
