"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) for clients that are no page of ours. See docs/whip.md."""
