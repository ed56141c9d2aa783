"""`python -m diemcau`."""

from diemcau.cli import app

app(prog_name="diemcau")
