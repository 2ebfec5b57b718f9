"""Criteria, resampling and inference."""
