"""A trial of what is done with a tier: its plan, its size, who gets what, and the analysis that was written before."""
