"""From a download of scans to a prepared folder that builders read."""
