"""Returned files: checked cell by cell, then read."""
