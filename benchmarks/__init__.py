"""Commands that measure: `python -m benchmarks.NAME` prints one line of JSON and keeps it in `results/`."""
