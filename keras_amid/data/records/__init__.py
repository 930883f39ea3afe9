"""Records: samples as sharded TFRecords, written once and read at any position."""
