"""R1: what drives the outcome and the price of a loan."""
