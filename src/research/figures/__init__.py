"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""
