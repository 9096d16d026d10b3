"""
Forecasting: not one number, but how sure
=========================================

A forecast without a measure of doubt is half a forecast. We forecast the sunspots of the next
twelve months as quantiles: a middle, and a band that should hold what comes in eight of ten cases.
Then we check both against months that the network never saw: is the middle better than the simple
guess that a forecaster has to beat, and does the band hold what it promises?

The claim at the end: the median errs less than repeating the last value, and the 80% band holds
between 60% and 95% of what came.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("sunspots")
print(data.spec.columns, len(data.train), "months to learn from,", len(data.test), "to test on")

# %%
# One window in, twelve months out
# --------------------------------
# The network reads the last four years, scaled by their own mean and spread, so that it can serve
# at every level. For each month ahead it names quantiles. The pinball loss makes them so: being
# under the 0.9 quantile costs little, being over it much.

model = gb.build_forecaster(("sunspots",), horizon=12, window=48, season=1, units=32, seed=0)
model.compile()
model.fit(data.train.x, data.train.y, epochs=max(1, round(10 * BUDGET)), verbose=0)

# %%
# A forecast
# ----------

quantiles = model.forecast(data.train.x)
for month in (0, 5, 11):
    low, median, high = quantiles[month, [0, 2, 4]]
    print(f"in {month + 1:2} months: {median:5.0f}, most likely between {low:.0f} and {high:.0f}")

# %%
# Paths
# -----
# Quantiles speak of each month alone. A path is one way in which the year may go.

for path in model.sample(3, seed=0, history=data.train.x):
    print(" ".join(f"{value:4.0f}" for value in path))

# %%
# Looking back
# ------------
# From every month of the test years we forecast the next twelve, and compare with what came.

targets, quantiles, last = model.backtest(data.test.x, data.test.y)
error = np.abs(targets - quantiles[..., 2]).mean()
naive = np.abs(targets - last).mean()
inside = ((targets >= quantiles[..., 0]) & (targets <= quantiles[..., -1])).mean()
print(f"mean error {error:.1f}; of the last value repeated {naive:.1f}; in the band {inside:.0%}")

# %%
# Claim
# -----

if BUDGET >= 1:
    assert error < naive
    assert 0.6 <= inside <= 0.95
