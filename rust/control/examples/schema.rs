//! Prints the JSON Schema of the control protocol; `scripts/generate_wire.py` makes the Python types from it.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(&diemcau_control::schema())?;
    writeln!(std::io::stdout().lock(), "{text}")
}
