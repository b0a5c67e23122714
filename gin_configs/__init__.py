"""Experiments as data: gin files, found by their bare name wherever the package is installed."""
