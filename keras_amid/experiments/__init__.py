"""What runs, resumes, measures, compares and reports rows of methods on any data."""
