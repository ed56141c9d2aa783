//! `schema.json` is what other languages' types are generated from: it is exactly what these types say.

#[test]
fn the_committed_schema_is_the_schema_of_the_types() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.json")).unwrap();
    let committed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        committed,
        diemcau_control::schema(),
        "run: cargo run -q -p diemcau-control --example schema > control/schema.json"
    );
}
