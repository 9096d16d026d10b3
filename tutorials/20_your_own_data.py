"""
Your own data
=============

How do I get from my files to a model? So far, the data came with the library. Your own data are in
files: a folder of pictures, a table. Here we write such files as a camera and a spreadsheet would,
with the usual faults, and go through all steps: look at what was read, train, evaluate on held-out
data, and predict for new files.

The claim at the end: a broken file is named and only that file is left out, the model reads new
pictures of another size and rows with another order of columns, and it is better than always
predicting the most frequent class.
"""

# %%
import csv
import os
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_wine

import genai_basics as gb
from genai_basics.data import read_inputs

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run
folder = Path("my_data")

# %%
# A folder of pictures
# --------------------
# One folder for each class is enough to label the pictures, which may differ in size and mode. One
# of ours is broken.

digits = load_digits()
for i, (picture, digit) in enumerate(zip(digits.images, digits.target)):
    path = folder / "pictures" / f"digit {digit}" / f"{i:04}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 16 if i % 2 else 24
    Image.fromarray((picture * 15.9).astype("uint8")).resize((size, size)).save(path)
(folder / "pictures" / "digit 3" / "broken.png").write_bytes(b"not a picture")

# %%
# One line reads them. What could not be read is named, and all sizes become one.

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    pictures = gb.load_data(folder / "pictures", image_size=16)
print(pictures)
print("skipped:", pictures.skipped)

figure, axes = plt.subplots(2, 8, figsize=(7.5, 2.5))
for axis, i in zip(axes.flat, np.linspace(0, len(pictures.train) - 1, 16).astype(int)):
    axis.imshow(pictures.train.x[i], cmap="gray")
    name = pictures.spec.class_names[pictures.train.y[i]]
    axis.set_title(name, loc="center", fontsize=8)
    axis.set_axis_off()
figure.suptitle("What was read: look at it before you train")
plt.show()

# %%
# Train and evaluate
# ------------------
# The training, validation and test parts were drawn once, by a seed. The test part is used only
# once, at the end: if it is used to choose something, it is no longer a fair test.
#
# `gb.train` is what the command `genai-basics train cnn --data my_data/pictures` does. It keeps a
# run folder with the model, how it was made, and how training went.

run = gb.train(
    "cnn",
    pictures,
    epochs=max(1, round(15 * BUDGET)),
    out=folder / "runs" / "pictures",
    force=True,
    audit=False,
    filters=(24, 48),
)
test = pictures.test
report, _ = run.model.report(test.x, test.y)
frequent = np.unique(test.y, return_counts=True)[1].max() / len(test.y)
print({name: round(value, 3) for name, value in report.items() if np.ndim(value) == 0})

truth = [pictures.spec.class_names[label] for label in test.y]
labels, probabilities = run.model.classify(test.x)
sure = np.max(probabilities, axis=1)
hardest = np.argsort(np.where(np.equal(labels, truth), sure, sure - 1))[:8]
figure, axes = plt.subplots(1, 8, figsize=(7.5, 1.7))
for axis, i in zip(axes, hardest):
    axis.imshow(test.x[i], cmap="gray")
    axis.set_title(f"{truth[i]}\nread as\n{labels[i]}", loc="center", fontsize=7)
    axis.set_axis_off()
figure.suptitle("The hardest test pictures")
plt.show()

# %%
# New files
# ---------
# The run folder is all that a later program needs. New files are read as the training data were, so
# a different size does not matter. `genai-basics predict` does the same.

run = gb.load_run(folder / "runs" / "pictures")
new = folder / "new.png"
Image.fromarray((digits.images[0] * 15.9).astype("uint8")).resize((200, 200)).save(new)
_, x = read_inputs([new], run.spec)
labels, probabilities = run.model.classify(x)
print("a picture of 200 x 200 pixels shows", labels[0], f"({np.max(probabilities[0]):.0%})")

figure, axes = plt.subplots(1, 2, figsize=(5, 2.4))
axes[0].imshow(Image.open(new), cmap="gray")
axes[0].set_title("the new file")
axes[0].set_axis_off()
axes[1].barh(run.spec.class_names, np.asarray(probabilities)[0])
axes[1].set_title("what it shows")
plt.show()

# %%
# A table
# -------
# A table has columns of numbers and of words, and a few empty cells. `target` is the column to
# predict. Columns are identified by their names, so their order may change later.

wine = load_wine()
names = [*wine.feature_names[:6], "region", "cultivar"]
rng = np.random.default_rng(0)
rows = []
for x, y in zip(wine.data, wine.target):
    region = rng.choice(["north", "south", "coast"])
    cells = [f"{value:.2f}" if rng.random() > 0.03 else "" for value in x[:6]]
    rows.append([*cells, region, "abc"[y]])
with open(folder / "wine.csv", "w", newline="") as file:
    csv.writer(file).writerows([names, *rows])

table = gb.load_data(folder / "wine.csv", target="cultivar", test=0.3)
print(table)
wines = gb.train(
    "mlp",
    table,
    epochs=max(1, round(60 * BUDGET)),
    out=folder / "runs" / "wine",
    force=True,
    audit=False,
)
wine_report, _ = wines.model.report(table.test.x, table.test.y)
print("accuracy on held-out rows:", round(wine_report["accuracy"], 3))

plt.figure(figsize=(5, 3))
for label, cultivar in enumerate("abc"):
    these = wine.target == label
    plt.plot(wine.data[these, 0], wine.data[these, 5], ".", markersize=6, label=cultivar)
plt.title("Two of the columns, by cultivar")
plt.xlabel(wine.feature_names[0])
plt.ylabel(wine.feature_names[5].replace("_", " "))
plt.legend()
plt.show()

# %%
# The same rows with their columns in reverse order:

with open(folder / "reversed.csv", "w", newline="") as file:
    csv.writer(file).writerows([row[::-1] for row in [names, *rows[:20]]])
_, straight = read_inputs([folder / "wine.csv"], wines.spec)
_, turned = read_inputs([folder / "reversed.csv"], wines.spec)
first = wines.model.predict(straight, verbose=0)[:20]
second = wines.model.predict(turned, verbose=0)

# %%
# Try it with your own folder or table::
#
#     genai-basics train cnn --data photos/ --image-size 64
#     genai-basics train mlp --data houses.csv --target price
#     genai-basics predict runs/mlp more_houses.csv
#
# The claim
# ---------

assert pictures.skipped == ("digit 3/broken.png: no picture",)
assert any("broken.png" in str(warning.message) for warning in said)
np.testing.assert_allclose(first, second, atol=1e-5)
if BUDGET >= 1:
    assert report["accuracy"] > 0.95 > frequent, "digits from files are read correctly"
    assert wine_report["accuracy"] > 0.8
    assert labels[0] == "digit 0"
