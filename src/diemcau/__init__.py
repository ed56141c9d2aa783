"""Điểm Cầu: the command video bridge of a country."""
