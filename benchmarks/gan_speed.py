"""A GAN's training step is fast: pictures per second, compared with Keras' example and PyTorch.

MNIST, batches of 64, in turn. Ours is `fit` with its defaults, including the data pipeline and
metrics. Keras' is the conditional GAN of its examples. PyTorch's is our two networks and our step
in plain code: one forward pass of the generator serves both players, real pictures are also
scored under other labels, and the generator's weights are averaged; it is omitted if PyTorch is
not installed. Ratios are ours divided by theirs.
"""

import statistics
import time

import numpy as np

import genai_basics as gb

from .gan_pictures import Peer

HEADERS = ("who", "pictures per second, median", "ours divided by theirs, median [spread]")
STEPS, BATCH, TURNS = 150, 64, 5


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "mnist" / "mnist.npz")
    x, y = data.train.x[: STEPS * BATCH], data.train.y[: STEPS * BATCH]
    model = gb.build_gan((28, 28, 1), num_classes=10, seed=0)
    model.compile()
    peer = Peer()
    peer.compile()
    pixels = x.astype("float32") / 255
    runs = {
        "genai_basics": lambda: model.fit(x, y, batch_size=BATCH, verbose=0),
        "Keras' example": lambda: peer.fit(pixels, y, batch_size=BATCH, verbose=0),
    }
    try:
        runs["PyTorch, the same step"] = torch_epoch(pixels, y)
    except ImportError:
        print("PyTorch is not installed: its row is left out")
    speeds = {name: [] for name in runs}
    for turn in range(TURNS + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            if turn:  # the first turn compiles
                speeds[name].append(len(x) / (time.perf_counter() - began))
    ours = speeds["genai_basics"]
    rows = []
    for name, theirs in speeds.items():
        ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
        spread = f"{statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        rows.append((name, f"{statistics.median(theirs):,.0f}", spread if theirs != ours else 1))
    return rows


def torch_epoch(pixels, labels, latent_dim=64, filters=(48, 96, 192), ema=0.995):
    """Return a function that trains our default conditional GAN in PyTorch for one epoch."""
    import torch
    from torch import nn
    from torch.nn import functional

    first, second, third = filters

    class Normalized(nn.Module):
        """ReLU of batch normalization with a scale and a shift per class."""

        def __init__(self, channels):
            super().__init__()
            self.norm = nn.BatchNorm2d(channels, eps=1e-3, affine=False)
            self.scale, self.shift = nn.Embedding(10, channels), nn.Embedding(10, channels)
            nn.init.zeros_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)

        def forward(self, x, y):
            scale, shift = self.scale(y)[..., None, None], self.shift(y)[..., None, None]
            return functional.relu((1 + scale) * self.norm(x) + shift)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(latent_dim + 10, 49 * second, bias=False)
            self.convs = nn.ModuleList(
                [
                    nn.Conv2d(second, 4 * first, 3, padding=1, bias=False),
                    nn.Conv2d(first, first, 3, padding=1, bias=False),
                    nn.Conv2d(first, 4, 3, padding=1),
                ]
            )
            self.norms = nn.ModuleList([Normalized(c) for c in (second, first, first)])

        def forward(self, z, y):
            x = self.dense(torch.cat([z, functional.one_hot(y, 10).float()], 1))
            x = self.norms[0](x.reshape(-1, second, 7, 7), y)
            x = self.norms[1](functional.pixel_shuffle(self.convs[0](x), 2), y)
            x = self.norms[2](self.convs[1](x), y)
            return torch.tanh(functional.pixel_shuffle(self.convs[2](x), 2))

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            widths = ((1, first), (first, second), (second, third))
            self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, 2, padding=1) for a, b in widths])
            self.score = nn.Linear(16 * third, 1)
            self.projection = nn.Embedding(10, 16 * third)

        def forward(self, x, y):
            for conv in self.convs:
                x = functional.leaky_relu(conv(x), 0.2)
            x = x.flatten(1)
            return self.score(x)[:, 0] + (x * self.projection(y)).sum(1)

    torch.manual_seed(0)
    generator, discriminator, average = Generator(), Discriminator(), Generator()
    g_optimizer = torch.optim.Adam(generator.parameters(), 5e-4, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.5, 0.99))
    real_all = torch.from_numpy(np.moveaxis(2 * pixels - 1, -1, 1).copy())
    y_all = torch.from_numpy(np.asarray(labels, "int64").ravel())

    def epoch():
        for batch in torch.randperm(len(real_all)).split(BATCH):
            real, y = real_all[batch], y_all[batch]
            fake = generator(torch.randn(len(batch), latent_dim), y)
            discriminator.requires_grad_(False)
            g_optimizer.zero_grad()
            functional.softplus(-discriminator(fake, y)).mean().backward()
            g_optimizer.step()
            discriminator.requires_grad_(True)
            d_optimizer.zero_grad()
            wrong = (y[::4] + torch.randint(1, 10, y[::4].shape)) % 10
            examples = torch.cat([real, fake.detach(), real[::4]])
            scores = discriminator(examples, torch.cat([y, y, wrong]))
            real_score, fake_score = scores[: len(y)], scores[len(y) :]
            d_loss = (
                functional.softplus(-real_score).mean() + functional.softplus(fake_score).mean()
            )
            d_loss.backward()
            d_optimizer.step()
            with torch.no_grad():
                for a, b in zip(average.parameters(), generator.parameters(), strict=True):
                    a.lerp_(b, 1 - ema)

    return epoch
