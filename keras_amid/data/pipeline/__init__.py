"""Records -> `tf.data` batches: decoding, cropping, shuffling, cached features."""
