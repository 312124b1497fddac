"""The places where jobs run: one file or folder per place, each with the same four verbs."""
