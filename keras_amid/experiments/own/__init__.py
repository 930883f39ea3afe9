"""Prepared data of one's own: what `keras-amid train`, `compare` and `evaluate` run."""
