"""Timings against plain PyTorch and the machine's matrix products; `make bench` runs them."""
