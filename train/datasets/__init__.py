"""Datasets: one file a format."""
