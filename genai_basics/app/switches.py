"""Things that can be broken in a model on purpose, for learners.

Run as a program, this module trains the model of a switch in a process of its own:
`python -m genai_basics.app.switches KEY whole|broken MINUTES FOLDER`.
"""

import sys
from dataclasses import dataclass, field

from ..recipes import get_recipe

__all__ = ["SWITCHES", "Switch", "train_switch"]


@dataclass(frozen=True)
class Switch:
    """One thing that can be broken.

    Attributes:
        model: The model that shows it.
        name: What is broken.
        sentence: What happens then, and why.
        tutorial: The script in `tutorials/` that explains it.
        options: Arguments of `train` that break it.
        change: Function that breaks the model before its first step.
    """

    model: str
    name: str
    sentence: str
    tutorial: str
    options: dict = field(default_factory=dict)
    change: object = None


def without_reparameterization(model):
    """Draw codes without a gradient to their mean and variance."""
    from keras import ops

    draw = model.sampling.call
    model.sampling.call = lambda inputs, noise=None: ops.stop_gradient(draw(inputs, noise=noise))


def without_attention(model):
    """Give each target unit the mean of all source units."""
    from keras import ops

    def call(inputs):
        queries, _, values, source = inputs
        there = ops.cast(ops.expand_dims(source, 1) != 0, values.dtype)
        weights = there / ops.sum(there, axis=-1, keepdims=True)
        weights = weights * ops.ones_like(queries[:, :, :1])
        return ops.matmul(weights, values), weights

    model.decoder.get_layer("attention").call = call


SWITCHES = {
    "feedforward-rate": Switch(
        "mlp",
        "Feedforward: a learning rate too high",
        "Each step overshoots the minimum, so the loss jumps about instead of falling.",
        "02_feedforward_images",
        {"learning_rate": 3.0},
    ),
    "feedforward-narrow": Switch(
        "mlp",
        "Feedforward: two hidden units",
        "All that is known of a letter has to pass through two numbers, which is too little to "
        "tell 26 letters apart.",
        "02_feedforward_images",
        {"hidden_units": (2,)},
    ),
    "convolution-rate": Switch(
        "cnn",
        "Convolution: a learning rate too high",
        "The weights are thrown so far that the network answers the same for every picture.",
        "04_convolution",
        {"learning_rate": 3.0},
    ),
    "convolution-pixel": Switch(
        "cnn",
        "Convolution: kernels of one pixel",
        "A kernel of one pixel sees no neighbours, so strokes and corners are invisible: only "
        "how much ink there is can be used.",
        "04_convolution",
        {"kernel_size": 1},
    ),
    "autoencoder-code": Switch(
        "autoencoder",
        "Autoencoder: a code of one number",
        "One number cannot say which letter it is and how it leans: all reconstructions lie on "
        "one curve through the data.",
        "12_autoencoder",
        {"latent_dim": 1},
    ),
    "autoencoder-noise": Switch(
        "autoencoder",
        "Autoencoder: more noise than signal",
        "Nothing of the letter is left in the input, so the best answer is the mean of all.",
        "12_autoencoder",
        {"noise": "gaussian", "noise_level": 5.0, "network": "dense"},
    ),
    "vae-beta": Switch(
        "vae",
        "VAE: beta too high",
        "The KL term costs more than the code is worth: the posterior collapses to the prior, and "
        "every code decodes to the mean picture.",
        "13_vae",
        {"beta": 50.0},
    ),
    "vae-gradient": Switch(
        "vae",
        "VAE: no reparameterization",
        "A plain draw passes no gradient from the decoder to the encoder: only the KL term trains "
        "the encoder, which then tells nothing of the input.",
        "13_vae",
        change=without_reparameterization,
    ),
    "gan-discriminator": Switch(
        "gan",
        "GAN: a discriminator too strong",
        "With twenty steps for each of the generator's, it is always sure, and the generator "
        "learns little from it.",
        "15_gan",
        {"discriminator_steps": 20},
    ),
    "gan-rate": Switch(
        "gan",
        "GAN: a learning rate too high",
        "The two players overshoot each other; samples collapse to a few shapes or to noise.",
        "15_gan",
        {"learning_rate": 0.1},
    ),
    "diffusion-steps": Switch(
        "diffusion",
        "Diffusion: one step from noise to picture",
        "The first step only knows the mean of all pictures that the noise may become: one large "
        "step ends there, in a blur.",
        "22_diffusion",
        {"steps": 1},
    ),
    "diffusion-rate": Switch(
        "diffusion",
        "Diffusion: a learning rate too high",
        "The velocity stays noise, and so do the samples.",
        "22_diffusion",
        {"learning_rate": 1.0},
    ),
    "recurrent-attention": Switch(
        "translator",
        "Recurrent: no attention",
        "The whole source has to fit into one state; names of months survive, digits are mixed up.",
        "10_translation",
        change=without_attention,
    ),
    "recurrent-window": Switch(
        "language-model",
        "Recurrent: gradients over two letters",
        "The network is never told what a letter is good for later than the next one, so it "
        "learns pairs of letters instead of words.",
        "09_writing_text",
        {"window": 2},
    ),
}


def train_switch(key, broken, minutes, folder):
    """Train the model of a switch, whole or broken; return the `Run`."""
    import keras

    from ..runs import train

    switch = SWITCHES[key]

    class Breaks(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            switch.change(self.model)

    options = switch.options if broken else {}
    run = train(
        switch.model,
        minutes=minutes,
        out=folder,
        audit=False,
        facts=get_recipe(switch.model).demo.get("facts", ()),
        callbacks=(Breaks(),) if broken and switch.change else (),
        **options,
    )
    run.examples()
    return run


if __name__ == "__main__":
    key, side, minutes, folder = sys.argv[1:]
    train_switch(key, side == "broken", float(minutes), folder)
