"""nanoGPT's CPU configuration, for `writing`: `python -m benchmarks._nano_gpt TEXT MINUTES`.

Prints the validation loss in nats per character and the characters per second in training.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def nano_gpt(text, cut, minutes, width=128, heads=4, depth=4, context=64, batch=12):
    """Train nanoGPT's architecture (Karpathy, 2022); return its loss and speed."""
    torch.manual_seed(0)
    numbers = {c: i for i, c in enumerate(sorted(set(text)))}
    data = torch.tensor([numbers[c] for c in text])
    train, validation = data[:cut], data[cut:]

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x):
            b, t, c = x.shape
            parts = self.qkv(self.first(x)).view(b, t, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(*parts, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(b, t, c))
            return x + self.mlp(self.second(x))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(len(numbers), width)
            self.place = nn.Embedding(context, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(depth)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, len(numbers), bias=False)
            self.head.weight = self.token.weight
            for parameter in self.parameters():
                if parameter.dim() > 1:
                    nn.init.normal_(parameter, std=0.02)

        def forward(self, x):
            x = self.token(x) + self.place(torch.arange(x.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    def loss_of(source, starts):
        x = torch.stack([source[i : i + context] for i in starts])
        y = torch.stack([source[i + 1 : i + context + 1] for i in starts])
        return functional.cross_entropy(network(x).flatten(0, 1), y.flatten())

    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    began, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < 60 * minutes:
        share = spent / (60 * minutes)
        rate = 1e-3 * min(1.0, (steps + 1) / 100) * (0.1 + 0.45 * (1 + np.cos(np.pi * share)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss_of(train, torch.randint(len(train) - context - 1, (batch,)).tolist()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
    seconds = time.perf_counter() - began
    with torch.no_grad():
        starts = torch.arange(0, len(validation) - context - 1, context).tolist()
        losses = [loss_of(validation, starts[i : i + 64]) for i in range(0, len(starts), 64)]
    return f"{float(torch.stack(losses).mean()):.3f}", f"{steps * batch * context / seconds:,.0f}"


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text()
    print(*nano_gpt(text, int(0.9 * len(text)), float(sys.argv[2])))
