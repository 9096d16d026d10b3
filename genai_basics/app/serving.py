"""The server of the page: on this machine only, unless a password is set.

The page is built with NiceGUI. Its files are served from this machine, so it needs no network.
"""

import base64
import hmac
import secrets
import socket
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from ..warning import warn

__all__ = ["LOOPBACK", "MOST_BYTES", "Guard", "free_port", "serve"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_BYTES = 64 * 2**20  # of an upload
PORTS = 100  # ports that are tried
COOKIE = "genai_basics_app"
POLICY = (  # nothing from other hosts, even if a run's texts contain addresses
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' ws: wss:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def free_port(host, port):
    """Return `port` if it is free, otherwise the next free one.

    Raises:
        OSError: If none of the next ones is free, or the host is not one of this machine.
    """
    error = None
    for candidate in range(port, min(port + PORTS, 2**16)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, candidate))
                return candidate
            except OSError as found:
                error = found
    raise OSError(f"no port from {port} on can be opened on {host}: {error.strerror}")


class Guard:
    """ASGI middleware that refuses what does not come from the page's own users.

    It checks the name that a browser asks for and the page that a request comes from, so that
    pages of other sites cannot use this one; the user's name and password, if there are any; and
    the size of uploads.

    Args:
        app: The ASGI application.
        hosts: Names by which the page is reached; `None` for any.
        auth: `(user, password)`, or `None`.
        most: Maximum number of bytes of a request.
    """

    def __init__(self, app, hosts=LOOPBACK, auth=None, most=MOST_BYTES):
        self.app, self.hosts, self.auth, self.most = app, hosts, auth, most
        self.token = secrets.token_urlsafe(32)  # for web sockets, which send no password

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {
            name.decode().lower(): value.decode("latin1") for name, value in scope["headers"]
        }
        status, more = self.refusal(scope, headers)
        if status:
            return await refuse(scope, receive, send, status, more)

        async def answer(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
                if self.auth and not self.knows(headers):
                    value = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                    message["headers"].append((b"set-cookie", value.encode()))
            await send(message)

        return await self.app(scope, receive, answer)

    def refusal(self, scope, headers):
        """Return the status code of a refused request and its further headers, or `(None, ())`."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts is not None and urlsplit(f"//{host}").hostname not in self.hosts:
            return 403, ()
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, ()
        if self.auth and not (self.knows(headers) or self.has_password(headers)):
            return 401, ((b"www-authenticate", b'Basic realm="genai-basics"'),)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            length = headers.get("content-length", "")
            if not length.isdecimal():
                return 411, ()
            if int(length) > self.most:
                return 413, ()
        return None, ()

    def knows(self, headers):
        """Return whether a request has the cookie of an earlier one with the password."""
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return cookie is not None and hmac.compare_digest(cookie.value, self.token)

    def has_password(self, headers):
        """Return whether a request has the user's name and password."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        expected = base64.b64encode(":".join(self.auth).encode()).decode()
        return hmac.compare_digest(given.strip(), expected)


async def refuse(scope, receive, send, status, headers=()):
    """Answer a request with an error."""
    if scope["type"] == "websocket":
        await receive()
        return await send({"type": "websocket.close", "code": 1008})
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [(b"content-type", b"text/plain"), *headers]})
    await send({"type": "http.response.body", "body": f"refused ({status})\n".encode()})


def serve(
    root, *, host="127.0.0.1", port=7860, auth=None, show=True, most=MOST_BYTES, started=None
):
    """Serve a page until the process is stopped.

    Args:
        root: Function without arguments that builds the page, called for each browser.
        host: Address to listen on. Others than this machine's own need `auth`.
        port: Port to listen on; if it is taken, the next free one.
        auth: `(user, password)`.
        show: Whether to open the page in the browser.
        most: Maximum number of bytes of an upload.
        started: Function that is called with the page's address once it can be reached.

    Raises:
        ValueError: If other machines could use the page without a password.
    """
    if host not in LOOPBACK and not auth:
        raise ValueError(
            f"other machines could use the page on {host}: set a name and a password by `auth` "
            "(--auth USER:PASSWORD)"
        )
    found = free_port(host, port)
    if found != port:
        warn(f"port {port} is taken; the page is on port {found}")
    if host not in LOOPBACK:
        warn(
            f"the page on {host} can be reached by other machines, and passwords travel without "
            "encryption: use it in networks that you trust"
        )

    from nicegui import app, ui

    app.config.quasar_config["loadingBar"]["skipHijack"] = True  # it has no name to be read aloud
    app.add_middleware(Guard, hosts=LOOPBACK if host in LOOPBACK else None, auth=auth, most=most)
    address = f"http://{f'[{host}]' if ':' in host else host}:{found}"
    if started is not None:
        app.on_startup(lambda: started(address))
    ui.run(
        root,
        host=host,
        port=found,
        title="genai-basics",
        favicon="🧪",
        dark=None,
        language="en-US",
        show=show,
        reload=False,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=30,
    )
