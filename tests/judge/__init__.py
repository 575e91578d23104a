"""The measures of the house: what `make judge` prints and `make check` holds. docs/decisions/0110."""
