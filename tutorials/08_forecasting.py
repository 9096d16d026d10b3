"""
Forecasting with uncertainty
============================

How certain is a forecast? We forecast the sunspots of the next twelve months as quantiles: a
median, and a band that should contain the true value in eight of ten cases. Then we check both on
months that the network was not trained on: is the median better than the simple method that a
forecaster has to beat, and does the band contain as much as it should?

The claim at the end: the median has a smaller error than repeating the last value, and the 80%
band contains between 60% and 95% of the true values.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("sunspots")
series = np.ravel(data.train.x)
plt.figure(figsize=(7.5, 2))
plt.plot(series, linewidth=0.6)
plt.title("Sunspots of each month: a cycle of about eleven years")
plt.xlabel("months")
plt.show()

# %%
# The answer in ten lines
# -----------------------
# The network reads the last four years, scaled by their own mean and standard deviation, so that it
# works at every level, and predicts quantiles for each of twelve months ahead.

model = gb.build_forecaster(("sunspots",), horizon=12, window=48, season=1, units=32, seed=0)
model.compile()
model.fit(data.train.x, data.train.y, epochs=max(1, round(10 * BUDGET)), verbose=0)
quantiles = model.forecast(data.train.x)
median = quantiles[:, quantiles.shape[1] // 2]

# %%
# The median is one guess; the band says how far the truth may be from it.

past, ahead = series[-48:], np.arange(48, 60)
plt.figure(figsize=(7.5, 2.8))
plt.plot(past, color="#222222", label="past")
plt.fill_between(ahead, quantiles[:, 0], quantiles[:, -1], alpha=0.2, lw=0, label="80% band")
plt.plot(ahead, median, color="C0", label="median")
came = np.ravel(data.validation.x)[len(series) :][:12]  # the part goes on where training ended
plt.plot(ahead, came, color="C1", label="what came")
plt.title("The next twelve months")
plt.xlabel("months")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# How a quantile is learned
# -------------------------
# By the pinball loss, which is not symmetric. For the quantile q of 0.9, a value above it costs
# nine times as much as a value equally far below it::
#
#     loss = max(q * (y - prediction), (q - 1) * (y - prediction))


def pinball(y, prediction, q):
    return np.maximum(q * (y - prediction), (q - 1) * (y - prediction))


guesses = np.linspace(0, 250, 501)
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.5))
for q in (0.1, 0.5, 0.9):
    axes[0].plot(guesses - 100, pinball(100, guesses, q), label=f"q = {q}")
    mean = np.mean(pinball(series[:, None], guesses, q), axis=0)
    (line,) = axes[1].plot(guesses, mean)
    axes[1].axvline(np.quantile(series, q), color=line.get_color(), linestyle=":")
    assert abs(guesses[mean.argmin()] - np.quantile(series, q)) < 1
axes[0].set(title="loss of one value", xlabel="prediction minus value")
axes[1].set(title="mean over all months", xlabel="prediction")
axes[0].legend()
plt.show()

# %%
# On the right, one number predicts all months: the mean loss is least at the quantile of the data
# (dotted). The network learns the same, for the months that follow this past.
#
# Paths
# -----
# Quantiles describe each month separately. A path is one possible course of the whole year.

plt.figure(figsize=(7.5, 2.5))
plt.plot(past, color="#222222")
for path in model.sample(20, seed=0, history=data.train.x):
    plt.plot(ahead, np.ravel(path), color="C0", alpha=0.3, linewidth=1)
plt.title("Twenty possible years")
plt.xlabel("months")
plt.show()

# %%
# Backtesting
# -----------
# One year may be luck. From every month of the test years, we forecast the next twelve months and
# compare the forecasts with the true values.

targets, quantiles, last = model.backtest(data.test.x, data.test.y)
error = np.abs(targets - quantiles[..., 2]).mean()
naive = np.abs(targets - last).mean()
inside = ((targets >= quantiles[..., 0]) & (targets <= quantiles[..., -1])).mean()
print(f"mean error {error:.1f}; repeating the last value {naive:.1f}; in the band {inside:.0%}")

# %%
# Here are the forecasts that were made every two years, one year ahead, over what came:

plt.figure(figsize=(7.5, 2.8))
plt.plot(np.arange(len(targets)), targets.reshape(len(targets), -1)[:, 0], color="C1", lw=1)
for start in range(0, len(targets), 24):
    months = start + np.arange(12)
    band = quantiles[start].reshape(12, -1)
    plt.fill_between(months, band[:, 0], band[:, -1], color="C0", alpha=0.2, lw=0)
    plt.plot(months, band[:, band.shape[1] // 2], color="C0")
plt.title("Forecasts of the test years (blue) and what came (orange)")
plt.xlabel("months")
plt.show()

# %%
# Claim
# -----

if BUDGET >= 1:
    assert error < naive
    assert 0.6 <= inside <= 0.95
