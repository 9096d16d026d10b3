"""The text VAE also uses its code for whole sentences.

10,662 sentences of film reviews, a tenth of them held out; ten minutes, with the 5,000 most
frequent words as the vocabulary. The bound is the negative ELBO in nats per sentence; the bigram
model, with the same vocabulary, is smoothed with the strength that is best for the held-out
sentences.
"""

import genai_basics as gb
from genai_basics.metrics import novelty

from .names import bigram_nats

HEADERS = ("", "text VAE", "bigram model")
MINUTES = 10.0


def measure(folder):
    data = gb.load_data(folder / "rt_polarity")
    vae = gb.build_text_vae(unit="word", seed=0)
    vae.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    vae.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    report, _ = vae.report(data.test.x)
    train, test = ([vae.tokenizer.encode(text) for text in x] for x in (data.train.x, data.test.x))
    samples = vae.sample(1000, seed=0)
    return [
        ("nats per sentence", f"{report['negative_elbo']:.2f}", f"{bigram_nats(train, test):.2f}"),
        ("KL, nats", f"{report['kl']:.2f}", ""),
        ("active latents", f"{report['active_units']} of {vae.prior_dim()}", ""),
        ("BLEU of reconstructed sentences", f"{report['bleu']:.1f}", ""),
        ("unseen samples", f"{novelty(data.train.x, samples):.1%}", ""),
    ]
