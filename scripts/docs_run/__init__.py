"""Types what the documentation says, page by page. `run_docs.py` does it; `rules.py` says what is not as it stands."""
