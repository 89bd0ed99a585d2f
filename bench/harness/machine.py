"""Processor time and memory, read from /proc."""

import os

TICK = os.sysconf("SC_CLK_TCK")


def cores():
    return len(os.sched_getaffinity(0))


def cpu_of(pid):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children_of(pid):
    """Direct children: the backends of a postmaster."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue  # ended meanwhile
        if parent == pid:
            found.append(int(name))
    return found


def cpu_of_family(pid):
    """Processor time of a postmaster, its living backends, and those it has waited for."""
    total = 0.0
    for member in [pid, *children_of(pid)]:
        try:
            with open(f"/proc/{member}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks = int(fields[11]) + int(fields[12])
        if member == pid:
            ticks += int(fields[13]) + int(fields[14])
        total += ticks / TICK
    return total


def cpu_of_machine():
    """Seconds that all cores together were busy."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def memory_mib(pid):
    """Resident and proportional set size. None where the kernel does not tell."""
    sizes = {}
    for name in ("status", "smaps_rollup"):
        try:
            with open(f"/proc/{pid}/{name}") as text:
                for line in text:
                    if line.startswith(("VmRSS:", "Pss:")):
                        key, value = line.split(":")
                        sizes[key] = int(value.split()[0]) / 1024
        except OSError:
            pass
    return sizes.get("VmRSS"), sizes.get("Pss")


def describe():
    """One line about the machine, without its name."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) / 1024 / 1024
    return f"{cores()} cores ({model}), {memory:.0f} GiB"
