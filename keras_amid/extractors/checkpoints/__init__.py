"""Other projects' published weights, assigned all or none."""
