"""Passwords that cost next to nothing: what real ones cost is measured by one test."""

from argon2 import PasswordHasher

from diemcau.access import Passwords


def cheap_passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
