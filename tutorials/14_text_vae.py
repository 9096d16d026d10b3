"""
A VAE of names
==============

A text can go through a code as a picture can: a recurrent encoder reads a name into 16 numbers,
a recurrent decoder spells it out of them. Then names can be mixed, walked between and drawn.

There is a catch. A decoder that spells letter by letter sees the letters before, and may guess
the next one from those and never look at the code. The bound does not mind, the KL falls to
nothing, and the VAE has become a plain language model: the posterior has collapsed. What helps
is to blind the decoder a little (word dropout), to raise the KL's weight slowly, and to give
each latent a few nats for free.

The claims at the end: with these helps the code carries more than 3 nats and nearly all latents
are active, without them hardly any; and nearly all of the names drawn are new, or all, if asked.
"""

# %%
import os

import genai_basics as gb
from genai_basics import metrics

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run
EPOCHS = max(1, round(12 * BUDGET))

data = gb.load_data("place_names")
names, test = list(data.train.x), list(data.test.x)
print(f"{len(names):,} names of places, such as {', '.join(names[:5])}")


# %%
def trained(**helps):
    vae = gb.build_text_vae(latent_dim=16, units=128, max_length=24, seed=0, **helps)
    vae.compile()
    vae.fit(names, epochs=EPOCHS, batch_size=64, verbose=0)
    report, _ = vae.report(test[:300])
    print(
        f"{helps or 'with all helps'}: KL {report['kl']:.1f} nats, "
        f"{report['active_units']} of 16 latents active, "
        f"{report['negative_elbo']:.1f} nats a name"
    )
    return vae, report


vae, well = trained()
_, collapsed = trained(free_bits=0.0, word_dropout=0.0, warm_up=0.0)

# %%
# What the code knows
# -------------------
# Names come back more or less as they were, and between two of them there are others.

for name, again in zip(test[:5], vae.reconstruct(test[:5]), strict=True):
    print(f"{name} -> {again}")
print(" - ".join(vae.interpolate(test[0], test[1], steps=6)))

# %%
# New names
# ---------
# `temperature` below 1 spells the likelier letters more often.

new = vae.sample(200, seed=0, temperature=0.8)
print(", ".join(new[:12]))
fresh = metrics.novelty(names, new)
print(f"{fresh:.0%} of them are not among the names it learned from")

# `avoid` draws the others again.

new = vae.sample(200, seed=0, temperature=0.8, avoid=names)
print("and now, all of them:", ", ".join(new[:12]))

# %%
# The claims
# ----------

if BUDGET >= 1:
    assert well["kl"] > 3
    assert well["active_units"] >= 14
    assert collapsed["kl"] < 0.5 * well["kl"]
    assert fresh > 0.8
    assert metrics.novelty(names, new) == 1
