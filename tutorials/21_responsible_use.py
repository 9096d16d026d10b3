"""
Responsible use: from detecting copies to a model card
======================================================

What does a loss curve not show? A model that generates pictures "like the data" may reproduce the
data. A model that is better on its training data reveals who is in the training set. A model with
an accuracy of 90% may be wrong about the same people every time. All of it can be measured in
seconds.

This tutorial checks data before training. It then trains one model on too little data, detects that
it copies, measures what it reveals about its training set, and compares it with a model that had
enough data. It also trains with a guarantee of privacy, traces a picture back to the model that
generated it, and ends with a model card that contains all the figures.

The claims at the end: the audit detects the copier and does not accuse the honest model; the copier
reveals its training examples and a private model does not; and a generated picture says where it
comes from.
"""

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics import provenance
from genai_basics.audit import audit_run, check_data, drop_suspects
from genai_basics.data.writers import write_samples

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run
folder = Path(tempfile.mkdtemp())
data = gb.load_data("digits")

# %%
# Look before you train
# ---------------------
# Here is a data set with common faults: a few pictures occur twice, some test pictures are also in
# the training part, and one label in fifty is wrong. Metrics on such data are too optimistic, and
# nothing would show it.

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
print(f"{len(messy.train)} training examples, {len(clean.train)} after cleaning")

figure, axes = plt.subplots(1, 8, figsize=(7.5, 1.4))
for axis, i in zip(axes, wrong):
    axis.imshow(x[i], cmap="gray")
    axis.set_title(f"labelled {y[i]}", loc="center", fontsize=8)
    axis.set_axis_off()
figure.suptitle("Wrong labels that we put among the training data")
plt.show()

# %%
# On the command line, `genai-basics train` runs these checks by default, and `--drop duplicates
# --drop leaks` removes what they find.
#
# A copier
# --------
# Fifty pictures are far too few to learn what digits look like, so a VAE that is trained on them
# memorizes the fifty pictures. Each sample is compared with the nearest training picture and with
# the nearest held-out picture. For a model that has learned *digits*, both distances are similar;
# for a model that has memorized *these* digits, the training picture is much closer.

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
honest = gb.train("vae", "digits", epochs=max(1, round(30 * BUDGET)), out=folder / "honest")

audits = {run.folder.name: audit_run(run) for run in (copier, honest)}
for name, audit in audits.items():
    share, (low, high) = audit.metrics["copied"], audit.intervals["copied"]
    print(f"{name}: {share:.1%} of the samples are copies ({low:.1%} to {high:.1%})")
    for sentence in audit.findings:
        print("  *", sentence)

# %%
# Copies can be seen. Each sample stands above the training picture that is nearest to it: those of
# the copier are the same picture, those of the honest model only resemble one. The run folder has
# such a picture, `copies.png`.

for run, known in ((copier, data.train.x[:50]), (honest, data.train.x)):
    samples = run.model.sample(12, seed=3)
    gaps = np.square(samples[:, None].astype("float32") - known[None]).sum(axis=(2, 3, 4))
    nearest = known[gaps.argmin(axis=1)]
    plt.figure(figsize=(7.5, 1.7))
    plt.imshow(np.vstack([np.hstack(part[..., 0]) for part in (samples, nearest)]), cmap="gray")
    plt.axis("off")
    plt.title(f"The {run.folder.name} model: samples, and the nearest training pictures")
    plt.show()

# %%
# Who was in the training set?
# ----------------------------
# The copier has a higher loss on new pictures than on its training pictures. An attacker who has
# the model and a picture can use this: a picture with a low loss is probably a training picture (a
# member). The share of pairs of a member and another picture for which this is correct is the area
# under the curve; 0.5 is chance.

for name, audit in audits.items():
    low, high = audit.intervals["membership_auc"]
    print(f"{name}: members are recognized in {low:.0%} to {high:.0%} of pairs")

figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.5))
for axis, run, members in ((axes[0], copier, 50), (axes[1], honest, len(data.train.x))):
    inside = run.model.losses_by_example(data.train.x[:members])
    outside = run.model.losses_by_example(data.test.x)
    edges = np.linspace(0, np.quantile(outside, 0.98), 30)
    axis.hist(inside, edges, alpha=0.6, density=True, label="training pictures")
    axis.hist(outside, edges, alpha=0.6, density=True, label="new pictures")
    axis.set(title=f"the {run.folder.name} model", xlabel="loss in nats", yticks=())
axes[0].legend()
plt.show()

# %%
# A guarantee
# -----------
# Differential privacy limits what a model can reveal, whatever the attack: the gradient of each
# example is clipped, so that no example has a large influence, and noise is added to their sum, so
# that one example more or less is not noticeable (Abadi et al., 2016). The cost is quality. Epsilon
# bounds what can be inferred: the odds of any guess about one example change by a factor of at most
# exp(epsilon).

runs = {}
for name, dp_noise in (("plain", None), ("private", 4.0)):
    runs[name] = gb.train(
        "mlp",
        str(folder / "few.npz"),
        data_options={"validation": 0},
        epochs=max(1, round(150 * BUDGET)),
        out=folder / name,
        hidden_units=(128,),
        normalize=False,
        dropout=0.0,
        batch_size=50,
        dp_noise=dp_noise,
    )
aucs = {name: run.config["audit"]["metrics"]["membership_auc"] for name, run in runs.items()}
for name, run in runs.items():
    accuracy = run.model.report(data.test.x, data.test.y)[0]["accuracy"]
    print(f"{name}: accuracy {accuracy:.2f}, area under the curve {aucs[name]:.2f}")
privacy = runs["private"].config["privacy"]
print(f"epsilon {privacy['epsilon']:.0f} at delta {privacy['delta']:.0e}: fifty examples are too")
print("few for a small epsilon; with more data, it is smaller.")

# %%
# Where does this picture come from?
# ----------------------------------
# Every generated file says that it was made by a model, as IPTC's digital source type, a standard
# of the press, and in plain words. `genai-basics inspect` reads this information.

facts = provenance.describe(honest, seed=1)
write_samples(honest.model.sample(16, seed=1), folder / "grid.png", honest.spec, provenance=facts)
for name, value in provenance.read(folder / "grid.png").items():
    print(f"{name:20} {value}")

plt.figure(figsize=(2.6, 2.8))
plt.imshow(plt.imread(folder / "grid.png"), cmap="gray")
plt.axis("off")
plt.title("The picture that says it")
plt.show()

# %%
# The card
# --------
# `MODEL_CARD.md` in each run folder contains the measured figures, what you stated, and what the
# model should not be used for. There is nothing to fill in.

print((copier.folder / "MODEL_CARD.md").read_text())

# %%
# The claims
# ----------

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
