"""Claims about this library, measured against other implementations; one module per claim."""
