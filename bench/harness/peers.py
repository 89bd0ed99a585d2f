"""A peer on the same database: what people write by hand instead (bench/peers/flask_app.py)."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from .server import SECRET, Failed, free_port
from .tokens import token

HERE = Path(__file__).resolve().parent.parent
FOLDER = HERE.parent / "target/bench-peers"
PACKAGES = ["flask", "gunicorn", "pyjwt", "psycopg[binary,pool]"]


class Peer:
    """A running service: where it answers, and which process to charge."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.pid = None


def environment():
    """A virtual environment with the peer's packages, made once."""
    python = FOLDER / "bin/python"
    if not (FOLDER / "bin/gunicorn").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        except subprocess.CalledProcessError as problem:
            raise Failed(f"the peer's packages could not be installed: {problem}") from problem
    return FOLDER / "bin"


@contextlib.contextmanager
def flask(server, wanted):
    """The Flask service while the block runs; None when it is not wanted."""
    if not wanted:
        yield None
        return
    peer = Peer(free_port())
    database = server.database("authenticator")
    process = subprocess.Popen(
        [str(environment() / "gunicorn"), "--workers", "2", "--worker-class", "gthread", "--threads", "8", "--log-level", "warning",
         "--bind", peer.url.removeprefix("http://"), "--chdir", str(HERE / "peers"), "flask_app:app"],
        env={**database, "PATH": os.environ["PATH"], "JWT_SECRET": SECRET, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    peer.pid = process.pid
    try:
        await_answer(peer)
        yield peer
    finally:
        process.terminate()
        process.wait(30)


def await_answer(peer):
    request = urllib.request.Request(
        f"{peer.url}/rest/v1/expenses?id=eq.1", headers={"Authorization": f"Bearer {token(1)}"},
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                answer.read()
            return
        except OSError as problem:
            if time.monotonic() > deadline:
                raise Failed(f"the Flask service does not answer: {problem}") from problem
            time.sleep(0.1)
