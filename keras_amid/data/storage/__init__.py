"""Files that are whole or absent, settings that refuse to be mixed, work in parallel."""
