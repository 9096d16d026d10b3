"""A slider, a pad to draw on, and a recorder, for pointer, keyboard and screen readers."""

import inspect
import json
from pathlib import PurePath

__all__ = ["Map", "Pad", "Recorder", "Slider", "add_button", "add_heading", "add_upload"]

PAD = """
(() => {
  const pad = document.getElementById(ID), pen = pad.getContext('2d');
  let down = false, at = [140, 140], ink = false;
  const clear = () => {
    pen.fillStyle = pad.dataset.paper; pen.fillRect(0, 0, 280, 280); outline();
  };
  const line = (to) => {
    pen.strokeStyle = pad.dataset.pen; pen.lineWidth = 22;
    pen.lineCap = pen.lineJoin = 'round';
    pen.beginPath(); pen.moveTo(...at); pen.lineTo(...to); pen.stroke(); at = to;
  };
  const send = () => emitEvent(NAME, pad.toDataURL('image/png'));
  const outline = () => pad.setAttribute('aria-description',
    'pen at ' + at.map(Math.round).join(', ') + (ink ? ', down' : ', up'));
  const place = (e) => {
    const box = pad.getBoundingClientRect();
    return [(e.clientX - box.left) * 280 / box.width, (e.clientY - box.top) * 280 / box.height];
  };
  pad.addEventListener('pointerdown', (e) => {
    pad.setPointerCapture(e.pointerId); down = true; at = place(e); line(at); e.preventDefault();
  });
  pad.addEventListener('pointermove', (e) => { if (down) line(place(e)); });
  pad.addEventListener('pointerup', () => { if (down) { down = false; send(); } });
  pad.addEventListener('keydown', (e) => {
    const step = {ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10]};
    if (e.key === ' ') { ink = !ink; if (ink) line(at); else send(); }
    else if (step[e.key]) {
      const to = at.map((x, i) => Math.min(280, Math.max(0, x + step[e.key][i])));
      if (ink) line(to); else at = to;
    } else if (e.key === 'Delete' || e.key === 'Backspace') clear(); else return;
    outline(); e.preventDefault();
  });
  pad.clear = clear; clear();
})()
"""
RECORD = """
(async () => {
  const stop = (text) => emitEvent(NAME, {error: text});
  let stream;
  try { stream = await navigator.mediaDevices.getUserMedia({audio: true}); }
  catch (e) { return stop('the microphone cannot be used: ' + e.message); }
  const context = new AudioContext(), source = context.createMediaStreamSource(stream);
  const node = context.createScriptProcessor(4096, 1, 1), parts = [];
  node.onaudioprocess = (e) => parts.push(e.inputBuffer.getChannelData(0).slice());
  source.connect(node); node.connect(context.destination);
  // A message holds 1 MB at most: fewer samples per second are enough for speech.
  const factor = Math.max(1, Math.floor(context.sampleRate / 16000));
  const rate = Math.round(context.sampleRate / factor);
  const finish = () => {
    if (context.state === 'closed') return;
    stream.getTracks().forEach((track) => track.stop()); context.close();
    const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
    const n = Math.floor(all.length / factor);
    const view = new DataView(new ArrayBuffer(44 + 2 * n));
    const text = (at, s) => [...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    text(0, 'RIFF'); view.setUint32(4, 36 + 2 * n, true); text(8, 'WAVEfmt ');
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
    view.setUint16(32, 2, true); view.setUint16(34, 16, true);
    text(36, 'data'); view.setUint32(40, 2 * n, true);
    for (let i = 0; i < n; i++) {
      let mean = 0;
      for (let j = 0; j < factor; j++) mean += all[i * factor + j] / factor;
      view.setInt16(44 + 2 * i, 32767 * Math.max(-1, Math.min(1, mean)), true);
    }
    const reader = new FileReader();
    reader.onload = () => emitEvent(NAME, {sound: reader.result});
    reader.readAsDataURL(new Blob([view], {type: 'audio/wav'}));
  };
  window[NAME] = finish; setTimeout(finish, SECONDS * 1000);
})()
"""


def script(text, **values):
    """Return a script with its values in place of their names."""
    for name, value in values.items():
        text = text.replace(name, json.dumps(value))
    return text


class Slider:
    """The browser's own slider, with a number field beside it.

    Args:
        label: Name of the value.
        least, most, step: Range of the value.
        value: The value at first.
        change: Function or coroutine function without arguments, called after a user's move.
    """

    def __init__(self, label, least, most, step, value, change):
        from nicegui import ui

        self.number, self.ends, self.change = value, (least, most), change
        with ui.row().classes("full-width items-center no-wrap control"):
            ui.label(label).classes("control-name").props("aria-hidden=true")
            self.bar = ui.element("input").classes("col").props("type=range")
            limits = {"min": least, "max": most, "step": step, "value": value}
            for name, part in {**limits, "aria-label": label}.items():
                self.bar.props[name] = part
            self.field = ui.number(value=value, min=least, max=most, step=step)
            self.field.props["aria-label"] = label
            self.field.props("dense borderless hide-bottom-space").classes("control-number")
        self.bar.on("input", self.slid, js_handler="(e) => emit(e.target.valueAsNumber)")
        self.field.on_value_change(self.typed)

    @property
    def value(self):
        return self.number

    @value.setter
    def value(self, number):
        """Move the slider without calling `change`."""
        self.number = number
        self.bar.props["value"] = number
        self.bar.update()
        self.field.value = number

    async def slid(self, event):
        self.number = event.args
        self.field.value = event.args
        await self.moved()

    async def typed(self, event):
        if event.value is None or event.value == self.number:
            return
        self.number = min(max(event.value, self.ends[0]), self.ends[1])
        self.bar.props["value"] = self.number
        self.bar.update()
        await self.moved()

    async def moved(self):
        found = self.change()
        if inspect.isawaitable(found):
            await found


class Map:
    """A square picture with a mark that a click moves.

    Args:
        address: The picture.
        alt: What it shows.
        clicked: Coroutine function, called with the place, from 0 to 1 rightwards and downwards.
    """

    def __init__(self, address, alt, clicked):
        from nicegui import ui

        with ui.element("div").classes("map"):
            picture = ui.element("img").classes("full-width")
            picture.props["src"], picture.props["alt"] = address, alt
            self.ring = ui.element("div").classes("ring").props("aria-hidden=true")
        place = "[e.offsetX / e.target.clientWidth, e.offsetY / e.target.clientHeight]"
        picture.on("click", lambda event: clicked(event.args), js_handler=f"(e) => emit({place})")

    def mark(self, across, down):
        """Move the mark to a place, from 0 to 1 rightwards and downwards."""
        self.ring.style(f"left: {100 * across:.1f}%; top: {100 * down:.1f}%")


def add_button(text, action, *, main=False, icon=None):
    """Add a button; the `main` one of a panel is filled."""
    from nicegui import ui

    button = ui.button(text, on_click=action, icon=icon, color="primary" if main else None)
    return button if main else button.props("outline")


def add_heading(text, level):
    """Add a heading."""
    from nicegui import ui

    classes = {1: "text-h6", 2: "text-h6", 3: "panel-title"}[level]
    return ui.label(text).classes(classes).props(f"role=heading aria-level={level}")


def add_upload(label, suffixes, most, uploaded, fail):
    """Add a button that uploads one file.

    Args:
        label: Text of the button.
        suffixes: Endings that the browser offers.
        most: Maximum number of bytes.
        uploaded: Coroutine function, called with the file's name and content.
        fail: Function that shows a sentence.
    """
    from nicegui import ui

    async def received(event):
        event.sender.reset()
        await uploaded(PurePath(event.file.name).name, await event.file.read())

    def rejected():
        fail(f"not accepted: one file of at most {most >> 20} MiB, {', '.join(suffixes)}")

    options = {"max_file_size": most, "max_files": 1, "auto_upload": True}
    upload = ui.upload(on_upload=received, on_rejected=rejected, **options).classes("hidden")
    upload.props["accept"] = ",".join(suffixes)
    button = add_button(label, None, icon="upload")
    button.on("click", js_handler=f"() => getElement({upload.id}).pickFiles()")


class Pad:
    """A pad to draw on, by pointer or keyboard.

    Args:
        name: What is drawn.
        drawn: Coroutine function, called with the drawing as a data URL after each stroke.
    """

    def __init__(self, name, drawn):
        from nicegui import ui

        words = "arrow keys move the pen, the space bar lowers or raises it, Delete clears"
        self.canvas = ui.element("canvas").classes("pad")
        self.canvas.props["width"] = self.canvas.props["height"] = 280
        self.canvas.props["tabindex"], self.canvas.props["role"] = 0, "application"
        self.canvas.props["aria-label"] = f"{name}: draw here; {words}"
        self.canvas.props["data-paper"], self.canvas.props["data-pen"] = "#000", "#fff"
        identity = f"c{self.canvas.id}"
        with ui.row().classes("items-center"):
            add_button("Clear", lambda: self.run("pad.clear()"))
            ui.checkbox("Dark ink on white paper", on_change=self.swap)
        ui.label(f"Draw with the pointer, or by keyboard: {words}.").classes("words")
        event = f"drawn-{identity}"
        ui.on(event, lambda e: drawn(e.args))
        ui.run_javascript(script(PAD, ID=identity, NAME=event))

    def run(self, code):
        from nicegui import ui

        ui.run_javascript(f"const pad = document.getElementById('c{self.canvas.id}'); {code}")

    def swap(self, event):
        paper, pen = ("#fff", "#000") if event.value else ("#000", "#fff")
        self.run(f"pad.dataset.paper = '{paper}'; pad.dataset.pen = '{pen}'; pad.clear()")


class Recorder:
    """A button that records from the microphone.

    Args:
        name: Text of the button.
        recorded: Coroutine function, called with the recording, a WAV file as a data URL.
        seconds: Maximum length.
        fail: Function that shows a sentence.
    """

    def __init__(self, name, recorded, seconds, fail):
        from nicegui import ui

        self.name, self.recorded, self.seconds, self.fail = name, recorded, seconds, fail
        self.button = add_button(name, self.pressed, main=True, icon="mic")
        self.event, self.on = f"recorded_c{self.button.id}", False
        ui.on(self.event, self.received)

    def pressed(self):
        from nicegui import ui

        if self.on:
            return ui.run_javascript(f"window[{json.dumps(self.event)}]()")
        self.on = True
        self.button.set_text(f"Stop (at most {self.seconds} s)")
        ui.run_javascript(script(RECORD, NAME=self.event, SECONDS=self.seconds))

    async def received(self, event):
        self.on = False
        self.button.set_text(self.name)
        if "error" in event.args:
            return self.fail(event.args["error"])
        await self.recorded(event.args["sound"])
