"""From a spreadsheet to sites that are ready: self-tests and readiness. See docs/selftest.md,
docs/readiness.md."""
