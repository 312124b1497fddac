"""Measures the dataset layer beside its peers, on files made here."""
