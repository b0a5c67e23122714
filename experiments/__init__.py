"""One script for each group of numbers that the documentation quotes: `python -m experiments.NAME`."""
