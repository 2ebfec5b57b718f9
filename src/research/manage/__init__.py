"""T and P: strategies, simulation and monitoring of tiers."""
