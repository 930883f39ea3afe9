"""Layers that the extractors are made of."""
