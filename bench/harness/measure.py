"""One measurement of wrk or pgbench, with the processor time of everything that took part."""

import json
import os
import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .server import Failed


@dataclass
class Result:
    rate: float
    p50: float
    p99: float
    count: int
    # microseconds of processor time per request: our process, PostgreSQL, and all that took part
    own: float
    database: float
    everything: float
    # share of the machine that other programs took
    foreign: float


class Meter:
    """Processor time between `begin` and `end`; `own` reads that of the server that is measured."""

    def __init__(self, own, postmaster):
        self.own = own
        self.postmaster = postmaster

    def read(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            self.own(),
            machine.cpu_of_family(self.postmaster),
            children.ru_utime + children.ru_stime,
            machine.cpu_of_machine(),
            time.monotonic(),
        )

    def begin(self):
        self.before = self.read()

    def end(self, count):
        own, database, generator, all_cores, seconds = (b - a for a, b in zip(self.before, self.read()))
        each = 1e6 / max(count, 1)
        everything = own + database + generator
        foreign = max(0.0, all_cores - everything) / (seconds * machine.cores())
        return own * each, database * each, everything * each, foreign


def wrk(server, script, connections, seconds, meter):
    """One run of wrk, one thread. A single answer other than 2xx fails the run."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        meter.begin()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", file.name, server.url],
            capture_output=True, text=True,
        )
    found = re.search(r"^RESULT (.*)$", done.stdout, re.M)
    if done.returncode or not found:
        raise Failed(f"wrk: {done.stdout}{done.stderr}")
    answer = json.loads(found[1])
    if answer["status"] or answer["broken"]:
        raise Failed(f"wrk saw {answer['status']} answers other than 2xx and {answer['broken']} broken connections")
    rate = answer["requests"] / (answer["micros"] / 1e6)
    return Result(rate, answer["p50"], answer["p99"], answer["requests"], *meter.end(answer["requests"]))


def pgbench(server, script, clients, seconds, meter, transport="socket"):
    """One run of pgbench, one thread, prepared and pipelined."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        meter.begin()
        done = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-j1", f"-c{clients}", f"-T{seconds}", "-f", str(file),
             "-l", "--log-prefix", str(Path(folder) / "log"), "--sampling-rate", "0.1"],
            env=server.database("authenticator", transport), capture_output=True, text=True, cwd=folder,
        )
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
        count = re.search(r"transactions actually processed: (\d+)", done.stdout)
        failed = re.search(r"failed transactions: ([1-9]\d*)", done.stdout)
        if done.returncode or not rate or failed:
            raise Failed(f"pgbench: {done.stdout}{done.stderr}")
        times = sorted(int(line.split()[2]) / 1000 for log in Path(folder).glob("log*") for line in open(log))
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] if times else float("nan")
    return Result(float(rate[1]), at(0.5), at(0.99), int(count[1]), *meter.end(int(count[1])))


def need(program, package):
    if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.environ["PATH"].split(os.pathsep)):
        raise Failed(f"{program} is missing; install it with `apt-get install {package}`, then try again")
