"""What is checked, and said where it does not fit: the argument, what came, what was expected."""
