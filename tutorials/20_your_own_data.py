"""
Your own data
=============

So far the data came with the library. Yours lie in files: a folder of pictures, a table. Here we
write such files as a camera and a spreadsheet would, faults included, and go the whole way: look
at what was read, train, judge on what was held out, predict for new files.

The claim at the end: a broken file is named and costs no more than itself, the model reads new
pictures and rows in another size and order than those it learned from, and it does better than
always saying what is most frequent.
"""

# %%
import csv
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_wine

import genai_basics as gb
from genai_basics.data import read_inputs

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))
folder = Path("my_data")

# %%
# A folder of pictures
# --------------------
# A folder for each class is all the labelling there need be. The pictures may differ in size and
# mode. One of ours is broken, as happens.

digits = load_digits()
for i, (picture, digit) in enumerate(zip(digits.images, digits.target)):
    path = folder / "pictures" / f"digit {digit}" / f"{i:04}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 16 if i % 2 else 24
    Image.fromarray((picture * 15.9).astype("uint8")).resize((size, size)).save(path)
(folder / "pictures" / "digit 3" / "broken.png").write_bytes(b"not a picture")

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    pictures = gb.load_data(folder / "pictures", image_size=16)
print(pictures)
print("skipped:", pictures.skipped)

# %%
# Training, validation and test parts were drawn once, by a seed. The test part is looked at once,
# at the end: whatever one chooses by it, it no longer tests.
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
print({name: round(value, 3) for name, value in report.items() if np.isscalar(value)})

# %%
# New files
# ---------
# A run folder is enough to go on, in another program and another month. What is to be predicted
# is read as the training data were, so another size does not matter. `genai-basics predict` does
# the same.

run = gb.load_run(folder / "runs" / "pictures")
new = folder / "new.png"
Image.fromarray((digits.images[0] * 15.9).astype("uint8")).resize((200, 200)).save(new)
_, x = read_inputs([new], run.spec)
labels, probabilities = run.model.classify(x)
print("a picture of 200 x 200 pixels shows", labels[0], f"({np.max(probabilities[0]):.0%})")

# %%
# A table
# -------
# Columns of numbers and of words, a few cells empty. `target` is the column to predict. Columns
# are known by their names, so their order does not matter later.

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
print("accuracy on rows held out:", round(wine_report["accuracy"], 3))

# %%
# The same rows with their columns turned round:

with open(folder / "turned.csv", "w", newline="") as file:
    csv.writer(file).writerows([row[::-1] for row in [names, *rows[:20]]])
_, straight = read_inputs([folder / "wine.csv"], wines.spec)
_, turned = read_inputs([folder / "turned.csv"], wines.spec)
first = wines.model.predict(straight, verbose=0)[:20]
second = wines.model.predict(turned, verbose=0)

# %%
# Try it with a folder and a table of yours:
#
# ```sh
# genai-basics train cnn --data photos/ --image-size 64
# genai-basics train mlp --data houses.csv --target price
# genai-basics predict runs/mlp more_houses.csv
# ```

assert pictures.skipped == ("digit 3/broken.png: no picture",)
assert any("broken.png" in str(warning.message) for warning in said)
np.testing.assert_allclose(first, second, atol=1e-5)
if BUDGET >= 1:
    assert report["accuracy"] > 0.95 > frequent, "digits from files are read like any others"
    assert wine_report["accuracy"] > 0.8
    assert labels[0] == "digit 0"
