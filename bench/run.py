#!/usr/bin/env python3
"""The data workloads beside the physical limit, in one run: see bench/README.md.

Python's standard library, wrk and pgbench. Started by `cargo xtask bench`, which builds the release binary first.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import data, machine, peers, report, workloads  # noqa: E402
from harness.measure import Meter, need, pgbench, wrk  # noqa: E402
from harness.server import Failed, Server  # noqa: E402
from harness.tokens import token  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description="Mainstay beside pgbench on the same statements, as ratios.")
    parser.add_argument("--seconds", type=int, default=6, help="length of one measurement [6]")
    parser.add_argument("--runs", type=int, default=3, help="measurements of each; the median counts [3]")
    parser.add_argument("--quick", action="store_true", help="one run of 2 seconds: is everything in place?")
    parser.add_argument("--only", default="health,list,one,login,create,start", help="which parts, separated by commas")
    parser.add_argument("--peers", action="store_true", help="also a Flask service on the same database (fetches it from PyPI)")
    parser.add_argument("--markdown", action="store_true", help="print the tables of bench/README.md")
    parser.add_argument("--binary", default=str(ROOT / "target/release/mainstay"), help="binary to measure")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.runs = 2, 1
    return chosen


def say(text):
    print(text, file=sys.stderr, flush=True)



class Bench:
    def __init__(self, options):
        self.options = options
        self.parts = options.only.split(",")
        self.rows = []
        self.facts = []
        self.foreign = []

    # ------------------------------------------------------------ data and sign-in

    def prepare(self, server):
        say("filling the database: 1000 people, 12 categories, 100 000 expenses")
        data.load(server)
        self.key = server.keys()["publishable_key"]
        self.tokens = server.home / "tokens"
        self.tokens.write_text("".join(token(n) + "\n" for n in range(1, data.PEOPLE + 1)))
        if "login" in self.parts:
            data.sign_up(server, self.key)

    def meter(self, server):
        return Meter(lambda: machine.cpu_of(server.pid), server.postmaster())

    def contestants(self, server, workload, peer):
        """Who takes part in a workload: name → a function that measures once."""
        meter = self.meter(server)
        database = Meter(lambda: 0.0, server.postmaster())
        seconds = self.options.seconds
        seed = iter(range(1, 10_000))

        def ask(target, connections, on):
            return lambda: wrk(target, workloads.lua(workload, self.key, self.tokens, next(seed)), connections, seconds, on)

        found = {"mainstay": ask(server, workload.connections, meter)}
        if workload.values is not None:
            captured = workloads.capture(server, self.key, workload)
            limit = workloads.script(workload, captured, all_settings=False)
            verbatim = workloads.script(workload, captured, all_settings=True)
            found["pgbench pipe, 32 clients"] = lambda: pgbench(server, limit, 32, seconds, database)
            found["pgbench pipe, 32 clients, TCP"] = lambda: pgbench(server, limit, 32, seconds, database, "tcp")
            found["pgbench pipe, 8 clients"] = lambda: pgbench(server, limit, 8, seconds, database)
            found["pgbench pipe, 32 clients, all our settings"] = lambda: pgbench(server, verbatim, 32, seconds, database)
            if peer:
                family = Meter(lambda: machine.cpu_of_family(peer.pid), server.postmaster())
                found["Flask, gunicorn 2 workers"] = ask(peer, workload.connections, family)
        if workload.name == "login":
            found["mainstay, 1 connection"] = ask(server, 1, meter)
        return found

    def workload(self, server, workload, peer):
        found = self.contestants(server, workload, peer)
        # plans are prepared, caches filled, pools grown; pgbench needs none of it
        wrk(server, workloads.lua(workload, self.key, self.tokens, 0), workload.connections, 2, self.meter(server))
        measured = {who: [] for who in found}
        for run in range(self.options.runs):
            for who, once in found.items():
                if workload.name == "create":
                    data.tidy(server)
                result = once()
                measured[who].append(result)
                self.foreign.append(result.foreign)
                say(f"  {workload.name} {run + 1}/{self.options.runs}  {who:<44} {result.rate:>9.0f}/s")
        series = {who: report.Series(results) for who, results in measured.items()}
        self.rows += report.rows(workload.name, series, self.limit(workload, series))
        self.facts.append((f"resident after {workload.name}", "%.0f MiB (PSS %.0f)" % machine.memory_mib(server.pid)))

    def limit(self, workload, series):
        if workload.name == "login":
            # what the cores can hash, from the time of one sign-in alone
            alone = series["mainstay, 1 connection"]
            limit = machine.cores() / (alone.of("p50") / 1000)
            self.facts.append(("limit of login", f"{machine.cores()} cores / {alone.of('p50'):.1f} ms = {limit:.0f} per second"))
            return limit
        return series["pgbench pipe, 32 clients"].rate if workload.values is not None else None

    def measure(self):
        server = Server(self.options.binary)
        try:
            server.start()
            self.facts.append(("resident, idle, all roles, no request yet", "%.0f MiB (PSS %.0f)" % machine.memory_mib(server.pid)))
            self.prepare(server)
            with peers.flask(server, self.options.peers) as peer:
                for name in ("health", "list", "one", "login", "create"):
                    if name in self.parts:
                        self.workload(server, workloads.ALL[name], peer)
        finally:
            server.remove()

    # ------------------------------------------------------------ start-up

    def start_up(self):
        runs = 2 if self.options.quick else 5
        with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as home:
            server = Server(self.options.binary, home, {"MAINSTAY_DATABASE_TEMPLATE_CACHE": "false"})
            self.facts.append(("`up` on a new project, no template yet", f"{server.start():.2f} s"))
            server.stop()
            times = []
            for _ in range(runs):
                times.append(server.start())
                server.stop()
            self.facts.append((f"`up` on an existing project (median of {runs})", f"{median(times):.2f} s [{min(times):.2f}..{max(times):.2f}]"))
        self.with_template(runs)

    def with_template(self, runs):
        with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as cache:
            Path(cache).chmod(0o755)
            times = []
            for _ in range(runs + 1):
                server = Server(self.options.binary, extra={"XDG_CACHE_HOME": cache})
                try:
                    times.append(server.start())
                finally:
                    server.remove()
            # the first one makes the template
            self.facts.append((f"`up` on a new project, template at hand (median of {runs})", f"{median(times[1:]):.2f} s"))

    # ------------------------------------------------------------ report

    def print(self):
        options = self.options
        if self.foreign:
            self.facts.append(("share of the machine that other programs took", f"median {median(self.foreign):.0%}, at most {max(self.foreign):.0%}"))
        self.facts.append(("size of the binary", f"{Path(options.binary).stat().st_size / 2**20:.1f} MiB"))
        facts = [[name, value] for name, value in self.facts]
        if options.markdown:
            print(f"{machine.describe()}; medians of {options.runs} runs of {options.seconds} s.\n")
            if self.rows:
                print(report.table(report.HEAD, self.rows) + "\n")
            print(report.table(["what", "measured"], facts))
        else:
            print(f"\n{machine.describe()}; medians of {options.runs} runs of {options.seconds} s\n")
            if self.rows:
                print(report.plain(report.HEAD, self.rows) + "\n")
            print(report.plain(["what", "measured"], facts))


def main():
    options = arguments()
    try:
        if not Path(options.binary).exists():
            raise Failed(f"there is no {options.binary}; build it with `cargo build --release -p mainstay`")
        for program, package in (("wrk", "wrk"), ("pgbench", "postgresql-contrib"), ("psql", "postgresql-client")):
            need(program, package)
        bench = Bench(options)
        if set(bench.parts) - {"start"}:
            bench.measure()
        if "start" in bench.parts:
            bench.start_up()
        bench.print()
    except Failed as problem:
        sys.exit(f"bench: {problem}")


if __name__ == "__main__":
    main()
