"""A learned codec beats WebP and JPEG at the same size.

The first 1,000 test pictures of MNIST and those of CIFAR-10. Ours is `build_autoencoder(rate=...)`
after five minutes on the training pictures; the size of the whole file counts. The peers, encoded
by Pillow, are measured in two ways: all pictures next to each other on one sheet of 25 by 40, with
everything counted; and each picture as its own file, minus the size of a black picture (the
container). Their quality setting is the lowest that needs at least as many bytes as ours, so the
comparison is in their favour. PSNR is the mean over pictures.
"""

import io

import numpy as np
from PIL import Image

import genai_basics as gb
from genai_basics import metrics

HEADERS = ("pictures", "codec", "bytes per picture", "PSNR", "gain of ours")
MINUTES = 5.0
SETS = {"mnist": ("mnist/mnist.npz", 0.01), "cifar10": ("cifar10/cifar10_mini_2k_1k.npz", 0.003)}
FORMATS = {"WebP": ("WEBP", {"method": 6}), "JPEG": ("JPEG", {"optimize": True})}


def written(image, name, quality):
    """Return a picture as an encoded file, in bytes."""
    format, options = FORMATS[name]
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, format, quality=quality, **options)
    return file.getvalue()


def read(data, like):
    """Return the pixels of an encoded file, in the shape of `like`."""
    mode = "RGB" if like.shape[-1] == 3 else "L"
    return np.array(Image.open(io.BytesIO(data)).convert(mode)).reshape(like.shape)


def as_sheet(x, name, quality):
    """Encode 25 x 40 pictures as one sheet; return bytes per picture and the decoded pictures."""
    _, height, width, channels = x.shape
    rows = x.reshape(25, 40, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = rows.reshape(25 * height, 40 * width, channels)
    data = written(sheet, name, quality)
    again = read(data, sheet).reshape(rows.shape).transpose(0, 2, 1, 3, 4)
    return len(data) / len(x), again.reshape(x.shape)


def as_files(x, name, quality):
    """Encode one file per picture; return bytes without the container and the decoded pictures."""
    empty = len(written(np.zeros_like(x[0]), name, quality))
    files = [written(image, name, quality) for image in x]
    again = np.stack([read(data, image) for data, image in zip(files, x, strict=True)])
    return np.mean([len(data) - empty for data in files]), again


def peer(x, how, name, size):
    """Return `(bytes, psnr)` at the lowest quality that needs at least `size` bytes per picture."""
    low, high = 0, 100
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if how(x, name, middle)[0] >= size else (middle + 1, high)
    found, again = how(x, name, low)
    return found, metrics.psnr(x, again)


def measure(folder):
    rows = []
    for label, (path, rate) in SETS.items():
        data = gb.load_data(folder / path)
        x = data.test.x[:1000]
        model = gb.build_autoencoder(x.shape[1:], rate=rate, seed=0)
        model.compile()
        progress = gb.model.Progress(seconds=60 * MINUTES)
        model.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
        file = model.compress(x)
        size, ours = len(file) / len(x), metrics.psnr(x, model.decompress(file)[0])
        rows.append((label, "ours", f"{size:.1f}", f"{ours:.1f}", ""))
        for name in FORMATS:
            for kind, how in (("one sheet", as_sheet), ("single files", as_files)):
                found, quality = peer(x, how, name, size)
                gain = f"{ours - quality:+.1f} dB"
                rows.append((label, f"{name}, {kind}", f"{found:.1f}", f"{quality:.1f}", gain))
    return rows
