"""Data sets, one a file: official layouts -> records."""
