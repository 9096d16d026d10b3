"""
Forecasting with uncertainty
============================

A forecast should say how certain it is. We forecast the sunspots of the next twelve months as
quantiles: a median, and a band that should contain the true value in eight of ten cases. Then we
check both on months that the network was not trained on: is the median better than the simple
method that a forecaster has to beat, and does the band contain as much as it should?

The claim at the end: the median has a smaller error than repeating the last value, and the 80%
band contains between 60% and 95% of the true values.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("sunspots")
print(data.spec.columns, len(data.train), "months for training,", len(data.test), "for testing")

# %%
# One window in, twelve months out
# --------------------------------
# The network reads the last four years, scaled by their own mean and standard deviation, so that it
# works at every level. For each month ahead, it predicts quantiles. They are learned by the pinball
# loss: a value below the 0.9 quantile costs little, a value above it costs much.

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
# Quantiles describe each month separately. A path is one possible course of the whole year.

for path in model.sample(3, seed=0, history=data.train.x):
    print(" ".join(f"{value:4.0f}" for value in path))

# %%
# Backtesting
# -----------
# From every month of the test years, we forecast the next twelve months and compare the forecasts
# with the true values.

targets, quantiles, last = model.backtest(data.test.x, data.test.y)
error = np.abs(targets - quantiles[..., 2]).mean()
naive = np.abs(targets - last).mean()
inside = ((targets >= quantiles[..., 0]) & (targets <= quantiles[..., -1])).mean()
print(f"mean error {error:.1f}; repeating the last value {naive:.1f}; in the band {inside:.0%}")

# %%
# Claim
# -----

if BUDGET >= 1:
    assert error < naive
    assert 0.6 <= inside <= 0.95
