"""The same fan-out through our media node and through other servers, side by side (see README.md)."""
