"""
Translation with attention
==========================

To translate is to read a sequence and write another of a different length. One network reads the
source both ways; another writes the target, and at each step looks back at the source, at those
places that matter now. That looking is attention, and we can look at it ourselves.

Our language pair is small: dates as five languages write them, and as ISO 8601 does. The claim at
the end: most dates that were never seen are translated without an error, and while it writes the
month the network looks at the month.
"""

# %%
import os

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("dates")
for source, target in list(zip(data.train.x, data.train.y))[:5]:
    print(f"{source:35} {target}")

# %%
# Sub-words
# ---------
# Letters that often stand together become one unit, again and again, until the vocabulary is full:
# month names become units by themselves, digits stay single.

model = gb.build_translator(vocab_size=500, units=128, embedding_dim=64, dropout=0.1, seed=0)
model.compile(learning_rate=4e-3)
model.fit(data.train.x, data.train.y, batch_size=64, epochs=max(1, round(6 * BUDGET)), verbose=0)
numbers = model.source_tokenizer.encode(" " + data.test.x[0])
print([model.source_tokenizer.unit_of(number) for number in numbers])

# %%
# Translating
# -----------
# A beam search keeps the four best beginnings at each step, not only the best.

for source, found, target in zip(data.test.x[:5], model.translate(data.test.x[:5]), data.test.y):
    print(f"{source:35} {found:12} {'right' if found == target else 'wrong: ' + target}")
metrics, _ = model.report(data.test.x[:400], data.test.y[:400])
print(f"{metrics['exact']:.1%} of the test dates without an error")

# %%
# Where it looks
# --------------
# Each row is a unit of the target, each column one of the source: the darker, the more it looked.

weights, source, target = model.attention("15 août 1987")
print("      " + "".join(f"{unit:>8}" for unit in source))
for unit, row in zip(target, weights):
    print(f"{unit:6}" + "".join(f"{value:8.2f}" for value in row))

# %%
# Claim
# -----

if BUDGET >= 1:
    assert metrics["exact"] > 0.8
