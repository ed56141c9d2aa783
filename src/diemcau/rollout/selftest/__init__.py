"""A site's self-test: camera, microphone and loudspeaker, the network to the real media node."""

from diemcau.rollout.selftest.advice import Advice, advise
from diemcau.rollout.selftest.figures import Figures
from diemcau.rollout.selftest.results import TestResult
from diemcau.rollout.selftest.service import NoTurn, SelfTests
from diemcau.rollout.turns import Turn

__all__ = ["Advice", "Figures", "NoTurn", "SelfTests", "TestResult", "Turn", "advise"]
