"""Sentences of the domain that people read in their own language. Pure: whoever shows them translates them."""


def N_(words: str) -> str:  # noqa: N802 - the name by which catalogues of words know such sentences
    """As it is; marked, so that it is found."""
    return words
