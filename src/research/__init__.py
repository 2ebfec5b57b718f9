"""Loan customer stratification: collect, segment, compare, manage, report."""

__version__ = "0.1.0"
