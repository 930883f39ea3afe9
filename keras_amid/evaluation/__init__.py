"""Figures of trained models: accuracies, retrieval, means over a video's windows, plots."""
