"""What makes languages run here: interpreters that are fetched, and what is prepared for their kernels, once."""
