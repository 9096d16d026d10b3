"""`Stage`: a run on the page, loaded once for all browsers and used by one thread."""

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..recipes import get_recipe
from ..runs import load_run
from ..warning import one_line

__all__ = ["Latest", "Stage", "in_thread"]

STARTING = threading.Lock()  # TensorFlow is imported by one thread


async def in_thread(function, *args, **kwargs):
    """Return the result of a function that reads or writes files, without waiting for models."""
    return await asyncio.to_thread(function, *args, **kwargs)


class Stage:
    """A run whose model is loaded once and used by one thread, so a slow model delays only itself.

    Attributes:
        folder: The run folder.
        run: The `Run`.
        title: Its name on the page.
    """

    def __init__(self, folder, title=None):
        self.folder = Path(folder)
        self.title = title or self.folder.name
        self.run = load_run(folder)
        self.kept = {}
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=self.folder.name)

    @property
    def recipe(self):
        return get_recipe(self.run.name)

    @property
    def model(self):
        """The loaded model."""
        return self.run.model

    @property
    def spec(self):
        return self.run.spec

    def can(self, ability):
        return ability in self.recipe.can

    async def call(self, function, *args, **kwargs):
        """Return the result of a function, called in the run's thread."""
        loop = asyncio.get_running_loop()
        call = functools.partial(function, *args, **kwargs)
        return await loop.run_in_executor(self.thread, call)

    async def stream(self, iterator):
        """Yield what an iterator yields in the run's thread."""
        nothing = object()
        while (piece := await self.call(next, iterator, nothing)) is not nothing:
            yield piece

    async def load(self):
        """Load the model unless it is loaded."""
        await self.call(self._load)

    def _load(self):
        from ..startup import quiet_tensorflow

        with STARTING:
            quiet_tensorflow()
        return self.run.model

    def keep(self, name, make):
        """Return `make(self)`, made once; called in the run's thread."""
        if name not in self.kept:
            self.kept[name] = make(self)
        return self.kept[name]

    @functools.cached_property
    def examples(self):
        """`(x, y)`: held-out examples of the run's data, read on first use.

        Raises:
            ValueError: If the data do not exist any more.
        """
        from ..runs.run import inputs_of

        data = self.run.data()
        part = next(part for part in (data.test, data.validation, data.train) if len(part))
        x, y = inputs_of(data, part)
        if data.kind == "forecast" and not isinstance(x, list):
            x = [x]
        return x, y


class Latest:
    """Computes only the last of many requests; results of earlier ones are never shown after it.

    Args:
        compute: Coroutine function.
        show: Function that shows its result.
        fail: Function that shows the sentence of an error.
    """

    def __init__(self, compute, show, fail):
        self.compute, self.show, self.fail = compute, show, fail
        self.waiting, self.busy = None, False

    async def __call__(self, *args):
        self.waiting = args
        if self.busy:
            return
        self.busy = True
        try:
            while self.waiting is not None:
                args, self.waiting = self.waiting, None
                try:
                    self.show(await self.compute(*args))
                    self.fail("")
                except Exception as error:  # whatever the model raises is shown on the page
                    self.fail(one_line(error))
        finally:
            self.busy = False
