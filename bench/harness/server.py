"""A Mainstay of our own: a copy of bench/project in a temporary folder, with its own ports and data."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
SECRET = "bench-secret-bench-secret-bench-secret"


class Failed(Exception):
    """A sentence for the person who runs the benchmark."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`mainstay up` on a copy of the project."""

    def __init__(self, binary, home=None, extra=None):
        self.binary = str(binary)
        self.home = Path(home or tempfile.mkdtemp(prefix="mainstay-bench-"))
        # PostgreSQL runs as another user when we are root, and must reach its folder
        self.home.chmod(0o755)
        self.dir = self.home / "project"
        if not self.dir.exists():
            shutil.copytree(HERE / "project", self.dir, ignore=shutil.ignore_patterns(".mainstay"))
        self.port = free_port()
        self.process = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "MAINSTAY_DATABASE_PORT": str(free_port()),
            "MAINSTAY_ADMIN_PORT": str(free_port()),
            "MAINSTAY_IDENTITY_JWT_SECRET": SECRET,
            **(extra or {}),
        }
        (self.home / "cache").mkdir(exist_ok=True)

    def start(self):
        """Starts and waits until `/health` is fine. Seconds that took."""
        self.log = open(self.home / "log", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.binary, "up", str(self.dir), "--port", str(self.port)],
            env=self.environment, stdout=self.log, stderr=self.log,
        )
        while not self.healthy():
            if self.process.poll() is not None:
                raise Failed(f"mainstay ended ({self.process.returncode}):\n{(self.home / 'log').read_text()}")
            if time.monotonic() - began > 60:
                raise Failed(f"mainstay is not ready after a minute:\n{(self.home / 'log').read_text()}")
            time.sleep(0.005)
        return time.monotonic() - began

    def healthy(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def remove(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def keys(self):
        answer = subprocess.run(
            [self.binary, "keys", str(self.dir), "--json"], env=self.environment, check=True, capture_output=True,
        )
        return json.loads(answer.stdout)

    def secrets(self):
        return json.loads((self.dir / ".mainstay/secrets.json").read_text())

    def run_file(self):
        return json.loads((self.dir / ".mainstay/run.json").read_text())

    def postmaster(self):
        """Process id of our PostgreSQL."""
        return int((self.dir / ".mainstay/postgres/data/postmaster.pid").read_text().split("\n")[0])

    def server_log(self):
        return self.dir / ".mainstay/postgres/postgres.log"

    def database(self, user, transport="socket"):
        """Environment for psql and pgbench. `authenticator` is what the data role logs in as."""
        secrets = self.secrets()
        passwords = {
            "authenticator": secrets["database_authenticator_password"],
            "postgres": secrets["database_owner_password"],
            "supabase_admin": secrets["database_superuser_password"],
        }
        run = self.run_file()
        return {
            "PATH": os.environ["PATH"],
            "PGHOST": run["database_socket"] if transport == "socket" else "127.0.0.1",
            "PGPORT": str(run["database_port"]),
            "PGUSER": user,
            "PGPASSWORD": passwords[user],
            "PGDATABASE": "postgres",
            "PGSSLMODE": "disable",
        }

    def sql(self, text, user="supabase_admin"):
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"],
            input=text, env=self.database(user), capture_output=True, text=True,
        )
        if done.returncode:
            raise Failed(f"psql: {done.stderr}")
        return done.stdout.strip()
