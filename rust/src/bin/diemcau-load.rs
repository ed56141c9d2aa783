//! `diemcau-load`: the load endpoints.
fn main() -> anyhow::Result<()> {
    diemcau_load::cli()
}
