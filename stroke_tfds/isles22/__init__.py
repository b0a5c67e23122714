"""Scans and lesions of the ISLES'22 challenge."""
