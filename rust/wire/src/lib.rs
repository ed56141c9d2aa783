//! Protocol layers of RTP media, each a folderless file: bytes in, meaning out. No sockets, no clocks.
