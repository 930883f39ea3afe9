"""The paper's tables and figures over rows, seeds and trials."""
