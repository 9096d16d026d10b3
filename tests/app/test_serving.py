"""What the server refuses, and what it says."""

import asyncio
import base64
import socket

import pytest
from click.testing import CliRunner

from genai_basics.app.serving import Guard, free_port
from genai_basics.cli.main import cli


def ask(method="GET", most=100, auth=None, hosts=("127.0.0.1",), guard=None, **headers):
    """Return `(status, headers)` of a request through the guard."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    guard = guard or Guard(app, hosts, auth, most)
    headers = {"host": "127.0.0.1:7860", **headers}
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    asyncio.run(guard({"type": "http", "method": method, "headers": pairs}, None, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_a_page_of_another_site_is_refused():
    assert ask()[0] == 200
    assert ask(origin="http://127.0.0.1:7860")[0] == 200
    assert ask(host="evil.example")[0] == 403  # DNS rebinding
    assert ask(origin="https://evil.example")[0] == 403
    assert ask(origin="null")[0] == 403
    assert ask(host="evil.example", hosts=None)[0] == 200  # on a network, names are many


def test_large_and_endless_uploads_are_refused():
    assert ask("POST", content_length="100")[0] == 200
    assert ask("POST", content_length="101")[0] == 413
    assert ask("POST")[0] == 411
    assert ask("POST", content_length="-1")[0] == 411


def test_a_password_is_asked_for_and_remembered_for_web_sockets():
    status, headers = ask(auth=("ada", "lovelace"))
    assert (status, headers[b"www-authenticate"][:5]) == (401, b"Basic")
    given = base64.b64encode(b"ada:lovelace").decode()
    guard = Guard(None, ("127.0.0.1",), ("ada", "lovelace"), 100)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    guard.app = app
    status, headers = ask(guard=guard, authorization=f"Basic {given}")
    assert status == 200
    cookie = headers[b"set-cookie"].decode()
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ask(guard=guard, cookie=cookie.split(";")[0])[0] == 200
    assert ask(guard=guard, cookie="genai_basics_app=guessed")[0] == 401
    wrong = base64.b64encode(b"ada:guess").decode()
    assert ask(guard=guard, authorization=f"Basic {wrong}")[0] == 401


def test_nothing_is_loaded_from_other_hosts():
    policy = ask()[1][b"content-security-policy"].decode()
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_a_taken_port_gives_the_next_free_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port("127.0.0.1", port) <= port + 100


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        free_port("192.0.2.1", 7860)


def test_other_machines_need_a_password(tmp_path):
    run = CliRunner().invoke
    found = run(cli, ["app", "--host", "0.0.0.0", "--no-browser"])
    assert found.exit_code == 1
    assert "--auth USER:PASSWORD" in found.output
    assert run(cli, ["app", "--auth", "ada:short"]).exit_code == 2
    assert run(cli, ["app", "--auth", "lovelace"]).exit_code == 2


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    found = CliRunner().invoke(cli, ["app", str(tmp_path), "--no-browser"])
    assert found.exit_code == 1
    assert "is not a run folder" in found.output
    assert found.output.count("\n") == 1
