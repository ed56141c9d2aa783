"""Migrations of the whole schema, newest last; how to write one is in docs/state.md."""
