"""
Translation with attention
==========================

To translate is to read one sequence and write another of a different length. One network reads the
source in both directions; another writes the target, and at each step looks at those parts of the
source that matter at the moment. This is called attention, and it can be displayed.

Our language pair is small: dates in five languages, and the same dates in ISO 8601. The claim at
the end: most test dates are translated without an error. The table of attention shows that the
network looks at the month while it writes the month.
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
# The most frequent pair of neighbouring units becomes a new unit, again and again, until the
# vocabulary is full: the names of months become single units, digits stay separate.

model = gb.build_translator(vocab_size=500, units=128, embedding_dim=64, dropout=0.1, seed=0)
model.compile(learning_rate=4e-3)
model.fit(data.train.x, data.train.y, batch_size=64, epochs=max(1, round(6 * BUDGET)), verbose=0)
numbers = model.source_tokenizer.encode(" " + data.test.x[0])
print([model.source_tokenizer.unit_of(number) for number in numbers])

# %%
# Translating
# -----------
# Beam search keeps the four best partial translations at each step instead of only the best one.

for source, found, target in zip(data.test.x[:5], model.translate(data.test.x[:5]), data.test.y):
    print(f"{source:35} {found:12} {'right' if found == target else 'wrong: ' + target}")
metrics, _ = model.report(data.test.x[:400], data.test.y[:400])
print(f"{metrics['exact']:.1%} of the test dates without an error")

# %%
# Where it looks
# --------------
# Each row is a unit of the target, each column a unit of the source; the numbers are the weights of
# attention, which add up to 1 in each row.

weights, source, target = model.attention("15 août 1987")
print("      " + "".join(f"{unit:>8}" for unit in source))
for unit, row in zip(target, weights):
    print(f"{unit:6}" + "".join(f"{value:8.2f}" for value in row))

# %%
# Claim
# -----

if BUDGET >= 1:
    assert metrics["exact"] > 0.8
