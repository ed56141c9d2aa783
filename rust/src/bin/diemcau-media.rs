//! `diemcau-media`: the media node.
fn main() -> anyhow::Result<()> {
    diemcau_node::cli()
}
