"""Simulated T1, T1CE, T2 and FLAIR images of healthy subjects and of glioma patients."""
