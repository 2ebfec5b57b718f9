"""What is asked and how it is written down: items, codebook, and the forms as workbooks."""
