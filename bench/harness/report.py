"""Results as tables."""

from statistics import median


class Series:
    """Several runs of the same thing."""

    def __init__(self, runs):
        self.runs = runs

    def of(self, name):
        return median(getattr(run, name) for run in self.runs)

    @property
    def rate(self):
        return self.of("rate")

    def span(self):
        rates = [run.rate for run in self.runs]
        return f"{number(self.rate)} [{number(min(rates))}..{number(max(rates))}]"


def number(value):
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.1f}"


def milliseconds(value):
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def plain(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows])


HEAD = ["workload", "who", "per second [min..max]", "p50 ms", "p99 ms", "own µs", "PostgreSQL µs", "all µs", "ratio"]


def rows(workload, measured, limit):
    """Rows of one workload: each who → Series; ratios to `limit`."""
    out = []
    for who, series in measured.items():
        ours = who.startswith("mainstay")
        out.append([
            workload, f"**{who}**" if ours else who, series.span(), milliseconds(series.of("p50")), milliseconds(series.of("p99")),
            f"{series.of('own'):.0f}" if series.of("own") else "–", f"{series.of('database'):.0f}" if workload != "health" else "–",
            f"{series.of('everything'):.0f}",
            "1" if series.rate == limit else f"{series.rate / limit:.2f}" if limit else "–",
        ])
    return out
