"""P1: data sets brought to one customer table."""
