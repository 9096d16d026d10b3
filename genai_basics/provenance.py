"""Provenance: where a file comes from, written into every generated file, and read back.

Pictures contain IPTC's digital source type in XMP, for programs, and the same in readable text;
sounds, MIDI, GIF and `.npz` files contain the facts as their formats allow; a format without
metadata gets a small JSON file next to the file. The facts are inserted into the finished file, so
that writers do not need to know about them.

What survives re-saving: Pillow keeps the XMP and the comment of a JPEG, and the comment of a GIF.
From a PNG, it reads both into `image.info` and writes neither, unless they are passed to
`image.save(path, pnginfo=info)` with `info.add_text(key, value)`, or as `xmp=` for a JPEG. NumPy
drops the comment of an `.npz`; most editors of sound and MIDI keep the metadata.
"""

import hashlib
import json
import struct
import time
import zipfile
import zlib
from importlib import metadata
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

__all__ = [
    "COMPOSITE",
    "ENHANCED",
    "GENERATED",
    "describe",
    "embed",
    "read",
    "sign",
    "write_beside",
]

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = "trainedAlgorithmicMedia"  # made by a trained model
ENHANCED = "algorithmicallyEnhanced"  # made from the user's own files: denoised, decoded, filled in
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"  # real and generated examples together
MADE = {GENERATED: "Generated", ENHANCED: "Enhanced", COMPOSITE: "Generated in part"}
KEYWORD = "genai_basics"  # of text chunks that hold the facts as JSON
XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\x00"
XMP_OF_GIF = b"\x21\xff\x0bXMP DataXMP"
TRAILER_OF_GIF = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
FOLDER = "provenance.json"  # of a folder of files without metadata


def describe(run, source=GENERATED, **more):
    """Return the facts for files that are made by the model of a run.

    Args:
        run: A `Run`, or the name of a model that was trained only for this file.
        source: `GENERATED`; `ENHANCED` for files made from the user's own; `COMPOSITE` for a file
            that contains real and generated examples.
        **more: Further facts, such as `seed=1`; those that are `None` are omitted.
    """
    try:
        version = metadata.version("genai_basics")
    except metadata.PackageNotFoundError:
        version = "unknown"
    name = run if isinstance(run, str) else run.name
    facts = {
        "statement": f"{MADE[source]} by a machine: the trained model '{name}'.",
        "digital_source_type": VOCABULARY + source,
        "generator": f"genai_basics {version}",
        "model": name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        **more,
    }
    if not isinstance(run, str):
        facts["run"] = run.folder.resolve().name  # not the path, which may name a person
        path = run.folder / "model.keras"
        if run.config.get("status") != "running" and path.exists():
            facts["model_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return {name: value for name, value in facts.items() if value is not None}


def embed(path, facts):
    """Write facts into a finished file; return whether its format allows it.

    Args:
        path: `.png`, `.jpg`, `.gif`, `.wav`, `.mid` or `.npz`, recognized by its first bytes.
        facts: A dict that is valid in JSON, as `describe` returns it.
    """
    path = Path(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = json.dumps(facts).encode("ascii")
        return True
    content = path.read_bytes()
    form = _form(content)
    if form is None:
        return False
    path.write_bytes(EMBEDDERS[form](content, facts))
    return True


def write_beside(path, facts):
    """Write facts to `NAME.json` next to a file, or to `provenance.json` in a folder."""
    path = Path(path)
    beside = path / FOLDER if path.is_dir() else path.with_name(f"{path.name}.json")
    beside.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return beside


def read(path):
    """Return the facts in a file or in the JSON file next to it, or `None`.

    For a picture by another program, this is the digital source type in its XMP.

    Raises:
        ValueError: If the file does not exist.

    Example:

    >>> read("samples.png")["model"]  # doctest: +SKIP
    'vae'
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no file '{path}'.")
    facts = None
    if path.is_file():
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                facts = _parse(archive.comment)
        else:
            content = path.read_bytes()
            form = _form(content)
            try:
                facts = READERS[form](content) if form else None
            except (struct.error, IndexError, ValueError):  # truncated or damaged
                facts = None
    beside = [path.with_name(f"{path.name}.json"), path.parent / FOLDER, path / FOLDER]
    for place in beside:
        if facts is None and place.is_file():
            facts = _parse(place.read_bytes())
    return facts


def sign(path, certificate, key, facts):
    """Add a signed C2PA manifest to a picture or sound, in place.

    Args:
        path: `.png`, `.jpg`, `.gif` or `.wav`.
        certificate: PEM file of the certificate and those of its issuers, without the root.
        key: PEM file of the private key (ES256: P-256, PKCS #8).
        facts: As `describe` returns them.

    Raises:
        ImportError: Without c2pa-python: `pip install 'genai_basics[c2pa]'`.
        ValueError: If the certificate or the file is not suitable.
    """
    from .extras import require

    c2pa = require("c2pa", "c2pa")
    path = Path(path)
    action = "c2pa.created" if facts["digital_source_type"].endswith(GENERATED) else "c2pa.edited"
    act = {"action": action, "digitalSourceType": facts["digital_source_type"]}
    name, _, version = facts["generator"].partition(" ")
    manifest = {
        "claim_generator_info": [{"name": name, "version": version}],
        "title": path.name,
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [act]}},
            {"label": "org.genai-basics.facts", "data": facts},
        ],
    }
    signed = path.with_name(f".signed-{path.name}")
    try:
        info = c2pa.C2paSignerInfo(
            alg=b"es256",
            sign_cert=Path(certificate).read_bytes(),
            private_key=Path(key).read_bytes(),
            ta_url=None,  # no time stamp from a server
        )
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
            builder.sign_file(str(path), str(signed), signer)
        signed.replace(path)
    except (c2pa.C2paError, OSError) as error:
        raise ValueError(f"'{path}' cannot be signed with '{certificate}': {error}") from error
    finally:
        signed.unlink(missing_ok=True)


def read_manifest(path):
    """Return the C2PA manifest store of a file as a dict, `None` if there is none."""
    try:
        import c2pa

        with c2pa.Reader(str(path)) as reader:
            return json.loads(reader.json())
    except Exception:  # no manifest, another format, or the package is not installed
        return None


def _form(content):
    starts = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"MThd": "midi"}
    for start, form in starts.items():
        if content.startswith(start):
            return form
    return "wav" if content[:4] == b"RIFF" and content[8:12] == b"WAVE" else None


def _parse(text):
    try:
        facts = json.loads(text)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and "digital_source_type" in facts else None


def _packet(facts):
    """Return the XMP packet: IPTC's digital source type, the tool, the date, a description."""
    properties = {
        "Iptc4xmpExt:DigitalSourceType": facts["digital_source_type"],
        "xmp:CreatorTool": facts["generator"],
        "xmp:CreateDate": facts["created"],
    }
    attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in properties.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f"{attributes}><dc:description><rdf:Alt>"
        f'<rdf:li xml:lang="x-default">{escape(facts["statement"])}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def _foreign(packet):
    """Return the digital source type in an XMP packet of another program as facts, or `None`."""
    start = packet.find(VOCABULARY.encode())
    if start < 0:
        return None
    kind = packet[start + len(VOCABULARY) :].split(b'"')[0].split(b"<")[0].strip()
    return {"digital_source_type": VOCABULARY + kind.decode("ascii", "replace")}


def _embed_png(content, facts):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    end = 8 + 12 + struct.unpack(">I", content[8:12])[0]  # of the header chunk
    texts = {"Software": facts["generator"], "Description": facts["statement"]}
    texts[KEYWORD] = json.dumps(facts)
    chunks = [chunk(b"tEXt", f"{k}\0{v}".encode("latin-1", "replace")) for k, v in texts.items()]
    chunks.append(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _packet(facts)))
    return content[:end] + b"".join(chunks) + content[end:]


def _read_png(content):
    start, foreign = 8, None
    while start + 12 <= len(content):
        (length,) = struct.unpack(">I", content[start : start + 4])
        kind, data = content[start + 4 : start + 8], content[start + 8 : start + 8 + length]
        if kind == b"tEXt" and data.startswith(KEYWORD.encode() + b"\0"):
            return _parse(data[len(KEYWORD) + 1 :])
        if kind == b"iTXt" and data.startswith(b"XML:com.adobe.xmp"):
            foreign = _foreign(data)
        start += 12 + length
    return foreign


def _embed_jpeg(content, facts):
    def segment(marker, data):
        return b"\xff" + marker + struct.pack(">H", len(data) + 2) + data

    start = 2  # after the start and JFIF's own segment, if there is one
    if content[2:4] == b"\xff\xe0":
        start = 4 + struct.unpack(">H", content[4:6])[0]
    added = segment(b"\xe1", XMP_OF_JPEG + _packet(facts))
    return content[:start] + added + segment(b"\xfe", json.dumps(facts).encode()) + content[start:]


def _read_jpeg(content):
    start, foreign = 2, None
    while content[start : start + 1] == b"\xff" and content[start + 1] not in (0xDA, 0xD9):
        (length,) = struct.unpack(">H", content[start + 2 : start + 4])
        data = content[start + 4 : start + 2 + length]
        if content[start + 1] == 0xFE and (facts := _parse(data)):
            return facts
        if data.startswith(XMP_OF_JPEG):
            foreign = _foreign(data)
        start += 2 + length
    return foreign


def _gif_blocks(content):
    """Return where extension blocks begin: after the header, screen descriptor and colours."""
    return 13 + (3 * 2 ** ((content[10] & 7) + 1) if content[10] & 0x80 else 0)


def _embed_gif(content, facts):
    text, start = json.dumps(facts).encode(), _gif_blocks(content)
    parts = [text[i : i + 255] for i in range(0, len(text), 255)]
    comment = b"\x21\xfe" + b"".join(bytes([len(p)]) + p for p in parts) + b"\0"
    packet = XMP_OF_GIF + _packet(facts) + TRAILER_OF_GIF + b"\0"
    # the comment first: XMP in a GIF is not made of sub-blocks, so a plain reader stops there
    return b"GIF89a" + content[6:start] + comment + packet + content[start:]


def _read_gif(content):
    start, foreign = _gif_blocks(content), None
    while content[start : start + 1] == b"\x21":
        if content[start:].startswith(XMP_OF_GIF):
            end = content.index(TRAILER_OF_GIF, start)
            foreign = _foreign(content[start:end])
            start = end + len(TRAILER_OF_GIF) + 1
            continue
        kind, data, start = content[start + 1], b"", start + 2
        while content[start]:
            data += content[start + 1 : start + 1 + content[start]]
            start += 1 + content[start]
        start += 1
        if kind == 0xFE and (facts := _parse(data)):
            return facts
    return foreign


def _embed_wav(content, facts):
    def chunk(kind, data):
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    items = {
        b"ISFT": facts["generator"],
        b"ICRD": facts["created"][:10],
        b"ISBJ": facts["statement"],
        b"ICMT": json.dumps(facts),
    }
    listed = b"".join(chunk(k, v.encode("ascii", "replace") + b"\0") for k, v in items.items())
    body = content[8:] + b"\0" * (len(content) % 2) + chunk(b"LIST", b"INFO" + listed)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _read_wav(content):
    start = 12
    while start + 8 <= len(content):
        kind, length = content[start : start + 4], struct.unpack_from("<I", content, start + 4)[0]
        if kind == b"LIST" and content[start + 8 : start + 12] == b"INFO":
            start += 12  # into the list
            continue
        if kind == b"ICMT":
            return _parse(content[start + 8 : start + 8 + length].rstrip(b"\0"))
        start += 8 + length + length % 2
    return None


def _embed_midi(content, facts):
    start = content.index(b"MTrk")
    (length,) = struct.unpack(">I", content[start + 4 : start + 8])
    text = json.dumps(facts).encode("ascii")
    size, rest = bytes([len(text) & 0x7F]), len(text) >> 7
    while rest:  # a number of variable length, seven bits per byte
        size, rest = bytes([rest & 0x7F | 0x80]) + size, rest >> 7
    event = b"\x00\xff\x01" + size + text
    track = struct.pack(">I", length + len(event)) + event
    return content[: start + 4] + track + content[start + 8 :]


def _read_midi(content):
    start = content.index(b"MTrk") + 8
    while content[start : start + 3] == b"\x00\xff\x01":
        length, start = 0, start + 3
        while True:
            length, start = length << 7 | content[start] & 0x7F, start + 1
            if not content[start - 1] & 0x80:
                break
        if facts := _parse(content[start : start + length]):
            return facts
        start += length
    return None


EMBEDDERS = {
    "png": _embed_png,
    "jpeg": _embed_jpeg,
    "gif": _embed_gif,
    "wav": _embed_wav,
    "midi": _embed_midi,
}
READERS = {
    "png": _read_png,
    "jpeg": _read_jpeg,
    "gif": _read_gif,
    "wav": _read_wav,
    "midi": _read_midi,
}
