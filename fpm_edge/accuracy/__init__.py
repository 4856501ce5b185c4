"""How good a network or bundle is: predictions, NE, PCK, bounds, drift, Table 1, the card. Converts nothing."""
