"""Scans and lesions of any prepared folder."""
