"""`python -m diemcau.cli`."""

from diemcau.cli import app

app(prog_name="diemcau")
