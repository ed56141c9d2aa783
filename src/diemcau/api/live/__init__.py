"""The WebSocket: one connection a client, one hub for all (docs/protocol.md)."""
