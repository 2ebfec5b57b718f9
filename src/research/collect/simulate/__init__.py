"""A simulated bank: the only data with every construct, 36 months of conduct, and the truth.

Nothing here is real. The equations, the parameters and where each came from are in docs/simulated-bank.md.
"""

from __future__ import annotations

from research.collect.simulate.bank import Simulation, simulate
from research.collect.simulate.snapshot import snapshot

__all__ = ["Simulation", "simulate", "snapshot"]
