"""Claims about this library, measured against others' code: one module, one claim."""
