"""Generated people: the demo data set, in the on-disk formats of DeepFashion."""
