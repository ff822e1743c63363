"""The functional core: values in, values out. No Django, no clock, no randomness, no environment."""
