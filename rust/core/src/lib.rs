//! What the media node decides: tracks, programs, lines. No sockets, time is an argument.
