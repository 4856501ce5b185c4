"""What the documentation says, held to what there is. Each module is one check; `check_docs.py` runs them all."""
