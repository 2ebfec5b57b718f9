"""R2 to R4: surveys, interviews and their integration."""
