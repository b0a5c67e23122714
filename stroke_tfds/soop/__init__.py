"""Scans and lesions of the Stroke Outcome Optimization Project."""
