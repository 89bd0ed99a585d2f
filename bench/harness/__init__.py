"""The pieces of bench/run.py: server, workloads, measuring, report. Python's standard library only."""
